#include "blob/record.h"

#include "blob/crc32c.h"
#include "blob/segment.h"
#include "blob/test_support.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::blob;
using namespace todoke::blob::test;

namespace {

std::string complete(Rendered& r, Place place) {
  render_header(r.header, place, r.bytes.data());
  return r.bytes;
}

}  // namespace

// RFC 3720 §B.4.
TEST_CASE("crc32c: the vectors of iSCSI, by either way") {
  std::string up, down;
  for (int i = 0; i < 32; ++i) up.push_back(static_cast<char>(i));
  down.assign(up.rbegin(), up.rend());
  for (auto* sum : {&crc32c, &crc32c_portable}) {
    CHECK(sum(std::string(32, '\0'), 0) == 0x8A9136AA);
    CHECK(sum(std::string(32, '\xFF'), 0) == 0x62A8AB43);
    CHECK(sum(up, 0) == 0x46DD794E);
    CHECK(sum(down, 0) == 0x113FDB5C);
    CHECK(sum("123456789", 0) == 0xE3069283);
  }
}

TEST_CASE("crc32c: both ways agree for every length, and sums continue") {
  const auto bytes = noise(20'000, 1);
  for (std::size_t n = 0; n < bytes.size(); n += n < 100 ? 1 : 997) {
    auto part = std::string_view(bytes).substr(0, n);
    CHECK(crc32c(part) == crc32c_portable(part));
    CHECK(crc32c(part, 77) == crc32c_portable(part, 77));
    CHECK(crc32c(part.substr(n / 3), crc32c(part.substr(0, n / 3))) == crc32c(part));
  }
}

TEST_CASE("record: layout cuts at 64 KiB, behind a separate first chunk") {
  CHECK(Layout{0, 0}.chunks() == 1);
  CHECK(Layout{1, 0}.chunks() == 1);
  CHECK(Layout{chunk_size, 0}.chunks() == 1);
  CHECK(Layout{chunk_size + 1, 0}.chunks() == 2);
  Layout with{300'000, 100};
  CHECK(with.chunks() == 6);
  CHECK(with.begin(1) == 100);
  CHECK(with.begin(2) == 100 + chunk_size);
  CHECK(with.begin(6) == 300'000);
  CHECK(with.chunk_at(99) == 0);
  CHECK(with.chunk_at(100) == 1);
  CHECK(with.chunk_at(100 + chunk_size) == 2);
  CHECK(with.chunk_at(299'999) == 5);
  CHECK(with.length(5) == 300'000 - 100 - 4 * chunk_size);
}

TEST_CASE("record: what is rendered is whole, and only at its place") {
  for (auto compression : {Compression::off, Compression::on})
    for (std::size_t size : {0, 1, 500, 65'536, 65'537, 131'072, 200'000}) {
      CAPTURE(size);
      const auto blob = words(size, size);
      auto r = render_record(blob, 7, compression);
      const auto bytes = complete(r, {3, 1000});
      auto header = check_record(bytes, {3, 1000});
      REQUIRE(header.has_value());
      CHECK(header->size == size);
      CHECK(header->stored == bytes.size());
      CHECK(header->mark == 7);
      CHECK(!check_record(bytes, {3, 1001}).has_value());
      CHECK(!check_record(bytes, {4, 1000}).has_value());
      if (compression == Compression::on && size > 10'000) CHECK(bytes.size() < size / 2);
      if (compression == Compression::off) CHECK(bytes.size() >= header_size + size);
    }
}

TEST_CASE("record: each bit of it is watched") {
  for (auto compression : {Compression::off, Compression::on}) {
    auto r = render_record(words(70'000, 5), 7, compression);
    const auto bytes = complete(r, {1, 32});
    for (std::size_t at = 0; at < bytes.size(); at += at < 200 || at + 200 > bytes.size() ? 1 : 61)
      for (int bit = 0; bit < 8; ++bit) {
        auto bad = bytes;
        bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
        if (check_record(bad, {1, 32})) FAIL("bit " << bit << " of byte " << at << " unseen");
      }
  }
}

TEST_CASE("record: bytes of an older record in the same space are not taken for the newer's") {
  for (std::size_t size : {50'000, 150'000}) {
    auto old_record = render_record(noise(size, 1), 7, Compression::off);
    auto new_record = render_record(noise(size, 2), 7, Compression::off);
    const auto stale = complete(old_record, {1, 32});
    const auto fresh = complete(new_record, {1, 32});
    REQUIRE(stale.size() == fresh.size());
    // Any part of the newer reached the disk and the rest did not.
    for (std::size_t cut = 512; cut < fresh.size(); cut += 512) {
      CHECK(!check_record(fresh.substr(0, cut) + stale.substr(cut), {1, 32}).has_value());
      CHECK(!check_record(stale.substr(0, cut) + fresh.substr(cut), {1, 32}).has_value());
    }
  }
}

TEST_CASE("record: incompressible chunks are stored as they are") {
  std::string out;
  auto chunk = store_chunk(noise(chunk_size, 3), Compression::on, out);
  CHECK(!chunk.compressed);
  CHECK(out.size() == chunk_size);
  out.clear();
  chunk = store_chunk(words(chunk_size, 3), Compression::on, out);
  CHECK(chunk.compressed);
  std::string back;
  REQUIRE(load_chunk(chunk, out, chunk_size, 100, 200, back).has_value());
  CHECK(back == words(chunk_size, 3).substr(100, 100));
  out[3] = static_cast<char>(out[3] ^ 1);
  CHECK(!load_chunk(chunk, out, chunk_size, 0, 1, back).has_value());
}

TEST_CASE("segment: names go there and back") {
  CHECK(segment_name(18, Kind::log) == "0000000000000012.log");
  for (auto kind : {Kind::log, Kind::blob, Kind::part}) {
    auto named = parse_segment_name(segment_name(0xABCDEF, kind));
    REQUIRE(named.has_value());
    CHECK(named->number == 0xABCDEF);
    CHECK(named->kind == kind);
  }
  for (auto name : {"", "lock", "0000000000000000.log", "000000000000012.log",
                    "0000000000000012.LOG", "00000000000000AB.log", "000000000000001g.log",
                    "-000000000000012.log", "0000000000000012.log~"})
    CHECK_MESSAGE(!parse_segment_name(name).has_value(), name);
}

TEST_CASE("segment: the file's header is watched") {
  const auto bytes = render_segment_header({77, 123456});
  REQUIRE(parse_segment_header(bytes).has_value());
  CHECK(parse_segment_header(bytes)->number == 77);
  CHECK(parse_segment_header(bytes)->mark == 123456);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto bad = bytes;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    CHECK(!parse_segment_header(bad).has_value());
  }
  CHECK(!parse_segment_header(bytes.substr(0, 31)).has_value());
}
