#pragma once

#include "base/log.h"
#include "blob/memory_files.h"
#include "blob/segment_store.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

// What the tests of this folder share.
namespace todoke::blob::test {

// Bytes that zstd makes much smaller, different for each seed.
inline std::string words(std::size_t size, std::uint64_t seed) {
  static constexpr std::string_view list[] = {"mail ",   "reach ", "todoke ", "member ",
                                              "notice ", "\r\n",   "class ",  "school "};
  std::mt19937_64 random(seed);
  std::string text;
  while (text.size() < size) text += list[random() % 8];
  text.resize(size);
  return text;
}

// Bytes that cannot be compressed.
inline std::string noise(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; i += 8) {
    const auto value = random();
    std::memcpy(bytes.data() + i, &value, std::min<std::size_t>(8, size - i));
  }
  return bytes;
}

// Keeps the lines of expected failures from the test's output.
struct QuietLog {
  QuietLog() { log::start({log::Level::error, log::Format::text, "/dev/null"}); }
  ~QuietLog() { log::stop(); }
};

// A folder of the machine that goes with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    path_ = (std::filesystem::temp_directory_path() / "todoke-blob-XXXXXX").string();
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string path() const { return path_ + "/blobs"; }

 private:
  std::string path_;
};

// Both file layers, so that each contract test runs on both.
struct OnDisk {
  SystemFiles files;
  TemporaryFolder temporary;
  std::string folder = temporary.path();
};
struct InMemory {
  MemoryFiles files;
  std::string folder = "/blobs";
};

inline std::unique_ptr<Store> open_store(Files& files, const std::string& folder,
                                         SegmentOptions options = {}) {
  auto store = open_segments(files, folder, std::move(options));
  REQUIRE_MESSAGE(store.has_value(), (store ? "" : store.error().text));
  return *std::move(store);
}

inline Result<Location> put(Store& store, std::string_view bytes, std::string_view prefix = "") {
  auto writer = store.create();
  while (!bytes.empty()) {
    auto piece = bytes.substr(0, 100'000);
    TRY_OK(writer->append(piece));
    bytes.remove_prefix(piece.size());
  }
  return writer->finish(prefix);
}

inline Location must_put(Store& store, std::string_view bytes, std::string_view prefix = "") {
  auto at = put(store, bytes, prefix);
  REQUIRE_MESSAGE(at.has_value(), (at ? "" : at.error().text));
  return *at;
}

inline std::string must_read(Store& store, const Location& at) {
  auto bytes = store.read(at, 0, at.size);
  REQUIRE_MESSAGE(bytes.has_value(), (bytes ? "" : bytes.error().text));
  return *std::move(bytes);
}

inline std::vector<Store::Problem> problems(Store& store) {
  std::vector<Store::Problem> found;
  store.verify([&](const Store::Problem& p) { found.push_back(p); },
               [](std::uint64_t, std::uint64_t) {});
  return found;
}

}  // namespace todoke::blob::test
