#include "app/backup/archive_file.h"

#include "base/assert.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <vector>

namespace todoke::app {
namespace {

constexpr std::size_t block = 512;
constexpr int level = 6;

std::size_t padding(std::uint64_t size) {
  return static_cast<std::size_t>((block - size % block) % block);
}

// The header of a file in a tar archive: fields of fixed places, numbers in octal.
std::string tar_header(std::string_view name, std::uint64_t size) {
  std::string header(block, '\0');
  auto put = [&](std::size_t at, std::string_view text) { header.replace(at, text.size(), text); };
  put(0, name);
  put(100, "0000600");
  put(108, "0000000");
  put(116, "0000000");
  put(124, fmt::format("{:011o}", size));
  put(136, "00000000000");
  put(148, "        ");
  put(156, "0");
  put(257, std::string_view("ustar\00000", 8));
  unsigned sum = 0;
  for (unsigned char c : header) sum += c;
  put(148, fmt::format("{:06o}", sum));
  header[154] = '\0';
  return header;
}

std::optional<std::uint64_t> octal(std::string_view text) {
  std::uint64_t value = 0;
  for (char c : text) {
    if (c == '\0' || c == ' ') return value;
    if (c < '0' || c > '7') return {};
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

}  // namespace

struct ArchiveWriter::Zstd {
  Zstd() : context(ZSTD_createCCtx()), out(ZSTD_CStreamOutSize()) {
    TODOKE_ASSERT(context != nullptr);
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  }
  ~Zstd() { ZSTD_freeCCtx(context); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  ZSTD_CCtx* context;
  std::vector<char> out;
};

Result<ArchiveWriter> ArchiveWriter::create(const std::string& path) {
  TRY(auto file, transfer::FileWriter::create(path));
  return ArchiveWriter(std::move(file));
}

ArchiveWriter::ArchiveWriter(transfer::FileWriter file)
    : file_(std::move(file)), zstd_(std::make_unique<Zstd>()) {}
ArchiveWriter::ArchiveWriter(ArchiveWriter&&) noexcept = default;
ArchiveWriter::~ArchiveWriter() = default;

Result<> ArchiveWriter::begin(std::string_view name, std::uint64_t size) {
  TODOKE_ASSERT(left_ == 0 && !name.empty() && name.size() <= 100 && size < (1ull << 33));
  TRY_OK(pad());
  size_ = left_ = size;
  return compress(tar_header(name, size), false);
}

Result<> ArchiveWriter::write(std::string_view bytes) {
  TODOKE_ASSERT(bytes.size() <= left_);
  left_ -= bytes.size();
  return compress(bytes, false);
}

Result<> ArchiveWriter::add(std::string_view name, std::string_view content) {
  TRY_OK(begin(name, content.size()));
  return write(content);
}

Result<> ArchiveWriter::pad() {
  return compress(std::string(padding(std::exchange(size_, 0)), '\0'), false);
}

Result<> ArchiveWriter::close() {
  TODOKE_ASSERT(left_ == 0);
  TRY_OK(pad());
  TRY_OK(compress(std::string(2 * block, '\0'), true));
  return file_.close(transfer::FileWriter::Sync::yes);
}

Result<> ArchiveWriter::compress(std::string_view bytes, bool last) {
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (;;) {
    ZSTD_outBuffer out{zstd_->out.data(), zstd_->out.size(), 0};
    auto left =
        ZSTD_compressStream2(zstd_->context, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left) != 0) return fail(Errc::unavailable, ZSTD_getErrorName(left));
    TRY_OK(file_.write({zstd_->out.data(), out.pos}));
    if (last ? left == 0 : in.pos == in.size) return {};
  }
}

struct ArchiveReader::Zstd {
  explicit Zstd(std::ifstream f)
      : file(std::move(f)), context(ZSTD_createDCtx()), raw(ZSTD_DStreamInSize()) {
    TODOKE_ASSERT(context != nullptr);
  }
  ~Zstd() { ZSTD_freeDCtx(context); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  std::ifstream file;
  ZSTD_DCtx* context;
  std::vector<char> raw;
  ZSTD_inBuffer in{nullptr, 0, 0};
  bool at_end = false;  // of the frame, and its checksum was right
};

Result<ArchiveReader> ArchiveReader::open(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::not_found, "cannot open " + path);
  return ArchiveReader(std::make_unique<Zstd>(std::move(file)));
}

ArchiveReader::ArchiveReader(std::unique_ptr<Zstd> zstd) : zstd_(std::move(zstd)) {}
ArchiveReader::ArchiveReader(ArchiveReader&&) noexcept = default;
ArchiveReader::~ArchiveReader() = default;

// Exactly `count` bytes of the archive, uncompressed.
Result<std::string> ArchiveReader::take(std::size_t count) {
  std::string bytes(count, '\0');
  ZSTD_outBuffer out{bytes.data(), count, 0};
  auto& z = *zstd_;
  while (out.pos < count) {
    if (z.at_end) return fail(Errc::corrupt, "the archive is cut off");
    if (z.in.pos == z.in.size) {
      z.file.read(z.raw.data(), static_cast<std::streamsize>(z.raw.size()));
      z.in = {z.raw.data(), static_cast<std::size_t>(z.file.gcount()), 0};
    }
    auto before = out.pos;
    auto result = ZSTD_decompressStream(z.context, &out, &z.in);
    if (ZSTD_isError(result) != 0)
      return fail(Errc::corrupt,
                  fmt::format("the archive is damaged: {}", ZSTD_getErrorName(result)));
    if (z.in.size == 0 && out.pos == before) return fail(Errc::corrupt, "the archive is cut off");
    z.at_end = result == 0;
  }
  return bytes;
}

// The second block of zeros that ends an archive, and then what makes all before it trustworthy:
// the checksum stands behind the last byte.
Result<> ArchiveReader::finish() {
  TRY_OK(take(block));
  // Often the end is noticed only when one byte more is asked for.
  if (!zstd_->at_end && take(1)) return fail(Errc::corrupt, "the archive does not end");
  if (!zstd_->at_end) return fail(Errc::corrupt, "the archive is damaged");
  return {};
}

Result<std::optional<ArchiveReader::Entry>> ArchiveReader::next() {
  while (left_ > 0) TRY_OK(read(1 << 20));
  TRY_OK(take(padding(std::exchange(size_, 0))));
  TRY(auto header, take(block));
  if (header[0] == '\0') {
    TRY_OK(finish());
    return std::optional<Entry>();
  }
  auto size = octal(std::string_view(header).substr(124, 12));
  auto sum = octal(std::string_view(header).substr(148, 8));
  auto name = std::string(header.data(), ::strnlen(header.data(), 100));
  header.replace(148, 8, "        ");
  unsigned actual = 0;
  for (unsigned char c : header) actual += c;
  if (!size || sum != actual) return fail(Errc::corrupt, "this is no archive of an account");
  size_ = left_ = *size;
  return Entry{std::move(name), *size};
}

Result<std::string> ArchiveReader::read(std::size_t most) {
  TRY(auto bytes, take(static_cast<std::size_t>(std::min<std::uint64_t>(most, left_))));
  left_ -= bytes.size();
  return bytes;
}

Result<std::string> ArchiveReader::read_all(std::size_t most) {
  if (left_ > most) return fail(Errc::over_limit, "a file in the archive is too large");
  return read(most);
}

}  // namespace todoke::app
