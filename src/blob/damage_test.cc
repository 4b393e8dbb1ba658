#include "blob/segment.h"
#include "blob/test_support.h"

#include <doctest/doctest.h>

// Disks that rot and tails that are torn.
using namespace todoke;
using namespace todoke::blob;
using namespace todoke::blob::test;

TEST_CASE("damage: a flipped bit anywhere in a record is found by reading it and by verify") {
  for (auto compression : {Compression::off, Compression::on})
    for (std::size_t size : {300, 150'000, 400'000}) {
      CAPTURE(size);
      InMemory layer;
      SegmentOptions options;
      options.compress_from = 0;
      options.compression = compression;
      auto store = open_store(layer.files, layer.folder, options);
      must_put(*store, "before");
      const auto at = must_put(*store, words(size, 1), "Received: here\r\n");
      const auto after = must_put(*store, "after");
      const auto path =
          layer.folder + "/" + segment_name(at.segment, size > 262'144 ? Kind::blob : Kind::log);
      for (std::uint64_t i = 0; i < at.stored; ++i) {
        const bool edge = i < 120 || i + 120 > at.stored;
        if (!edge && i % 4'999 != 0) continue;
        const auto mask = static_cast<unsigned char>(1 << (i % 8));
        layer.files.damage(path, at.offset + i, mask);
        auto read = store->read(at, 0, at.size);
        REQUIRE(!read.has_value());
        CHECK(read.error().code == Errc::corrupt);
        if (edge && i % 11 == 0) {
          auto found = problems(*store);
          REQUIRE(found.size() == 1);
          CHECK(found[0].at.segment == at.segment);
          CHECK(found[0].at.offset <= at.offset + i);
          CHECK(found[0].at.offset + found[0].at.stored > at.offset + i);
        }
        CHECK(must_read(*store, after) == "after");
        layer.files.damage(path, at.offset + i, mask);
      }
      CHECK(must_read(*store, at) == "Received: here\r\n" + words(size, 1));
      CHECK(problems(*store).empty());
    }
}

TEST_CASE("damage: a bad chunk does not keep its neighbours from being read") {
  InMemory layer;
  SegmentOptions options;
  options.compression = Compression::off;
  auto store = open_store(layer.files, layer.folder, options);
  const auto bytes = noise(500'000, 1);
  const auto at = must_put(*store, bytes);
  layer.files.damage(layer.folder + "/" + segment_name(at.segment, Kind::blob),
                     at.offset + header_size + 2 * chunk_size + 5, 1);
  CHECK(store->read(at, 0, 2 * chunk_size).value() == bytes.substr(0, 2 * chunk_size));
  CHECK(!store->read(at, 2 * chunk_size, 1).has_value());
  CHECK(!store->read(at, 0, bytes.size()).has_value());
  CHECK(store->read(at, 3 * chunk_size, 1'000'000).value() == bytes.substr(3 * chunk_size));
}

TEST_CASE("damage: a damaged segment header is told, and its records still read") {
  QuietLog quiet;
  InMemory layer;
  Location at;
  {
    auto store = open_store(layer.files, layer.folder);
    at = must_put(*store, "kept");
    store->sync();
  }
  layer.files.damage(layer.folder + "/" + segment_name(at.segment, Kind::log), 13, 8);
  auto store = open_store(layer.files, layer.folder);
  CHECK(must_read(*store, at) == "kept");
  CHECK(problems(*store).size() == 1);
  // New records go elsewhere.
  CHECK(must_put(*store, "new").segment != at.segment);
}

TEST_CASE("damage: a torn tail is cut at every length") {
  QuietLog quiet;
  std::vector<std::string> blobs{noise(900, 1), words(5'000, 2), noise(70'000, 3), "last"};
  for (std::size_t cut = 0; cut < 80'000; cut += cut < 300 ? 7 : 3'001) {
    CAPTURE(cut);
    for (bool zeroed : {false, true}) {
      InMemory layer;
      std::vector<Location> places;
      {
        auto store = open_store(layer.files, layer.folder);
        for (const auto& b : blobs) places.push_back(must_put(*store, b));
      }
      const auto path = layer.folder + "/" + segment_name(places[0].segment, Kind::log);
      const auto end = places.back().offset + places.back().stored;
      if (cut >= end - segment_header_size) continue;
      {
        auto file = layer.files.open(path, Access::read_write).value();
        if (zeroed)
          REQUIRE(file->pwrite(std::string(cut, '\0'), end - cut).has_value());
        else
          REQUIRE(file->truncate(end - cut).has_value());
      }
      auto store = open_store(layer.files, layer.folder);
      // What was torn is gone from the file, unless the file is given up.
      if (auto tail = layer.files.open(path, Access::read).value()->size().value();
          tail > segment_header_size && cut < end - places[1].offset)
        CHECK(tail == store->usage().bytes);
      for (std::size_t i = 0; i < blobs.size(); ++i) {
        auto read = store->read(places[i], 0, places[i].size);
        const bool whole = places[i].offset + places[i].stored <= end - cut;
        CHECK(read.has_value() == whole);
        if (read) CHECK(*read == blobs[i]);
      }
      auto next = must_put(*store, noise(2'000, 9));
      CHECK(must_read(*store, next) == noise(2'000, 9));
      if (next.segment == places[0].segment) CHECK(problems(*store).empty());
    }
  }
}

TEST_CASE("damage: mail that looks like records is no record") {
  InMemory layer;
  SegmentOptions options;
  options.compression = Compression::off;
  Location at, forged;
  {
    auto store = open_store(layer.files, layer.folder, options);
    at = must_put(*store, "one");
    // A sender who guesses segment and place, but cannot know the segment's mark.
    auto r = render_record("forged", 12345, Compression::off);
    forged = {at.segment, at.offset + at.stored + header_size, r.header.stored, 6};
    render_header(r.header, {forged.segment, forged.offset}, r.bytes.data());
    must_put(*store, r.bytes);
  }
  // The real record's header is destroyed, so that the search meets the forged one.
  layer.files.damage(layer.folder + "/" + segment_name(at.segment, Kind::log),
                     at.offset + at.stored + 20, 1);
  auto store = open_store(layer.files, layer.folder, options);
  auto next = must_put(*store, "two");
  CHECK(next.segment == at.segment);
  CHECK(next.offset == at.offset + at.stored);
}
