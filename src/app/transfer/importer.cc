#include "app/transfer/importer.h"

#include "app/transfer/line_ends.h"
#include "app/transfer/mailbox_writer.h"
#include "app/transfer/maildir.h"
#include "crypto/digest.h"
#include "crypto/digest_stream.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sys/stat.h>

namespace todoke::transfer {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece_size = 256 * 1024;
constexpr std::size_t max_problems = 20;

std::string source_of(std::string_view text) {
  return crypto::sha256(text).substr(0, 16);
}

// Gives a file's bytes in pieces; false: it cannot be read.
template <class F>
Result<> each_piece(const std::string& path, F take) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::unavailable, "cannot open " + path);
  std::string piece(piece_size, '\0');
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    TRY_OK(take(std::string_view(piece).substr(0, static_cast<std::size_t>(file.gcount()))));
  }
  if (file.bad()) return fail(Errc::unavailable, "cannot read " + path);
  return {};
}

void note(ImportCounts& counts, std::string problem) {
  ++counts.failed;
  if (counts.problems.size() < max_problems) counts.problems.push_back(std::move(problem));
}

std::string read_small(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(16 * 1024, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

// ---- Maildir

struct MaildirFile {
  std::string path;
  std::string name;
};

Result<std::vector<MaildirFile>> list_messages(const MaildirFolder& folder) {
  std::vector<MaildirFile> files;
  for (const char* part : {"/cur", "/new"}) {
    std::error_code error;
    for (fs::directory_iterator entry(folder.path + part, error), end; !error && entry != end;
         entry.increment(error)) {
      auto name = entry->path().filename().string();
      std::error_code ignored;
      if (name.starts_with('.') || !entry->is_regular_file(ignored)) continue;
      files.push_back({entry->path().string(), std::move(name)});
    }
    if (error)
      return fail(Errc::unavailable,
                  fmt::format("cannot list {}{}: {}", folder.path, part, error.message()));
  }
  // Names begin with the second of delivery, so this is mostly the order of arrival.
  std::ranges::sort(files, {}, &MaildirFile::name);
  return files;
}

Result<Time> modification_time(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0)
    return fail(Errc::not_found, "the file went away: " + path);
  return Time(std::chrono::seconds(status.st_mtim.tv_sec) +
              std::chrono::microseconds(status.st_mtim.tv_nsec / 1000));
}

Result<> import_file(MailboxWriter& mailbox, const MaildirFile& file,
                     const std::vector<std::string>& keywords, std::string source) {
  auto marks = marks_from_name(file.name, keywords);
  TRY(marks.internal_date, modification_time(file.path));
  auto receiver = mailbox.begin();
  ToCrlf ends;
  auto take = [&](std::string_view piece) -> Result<> {
    std::string out;
    ends.feed(piece, out);
    return receiver.append(out);
  };
  TRY_OK(each_piece(file.path, take));
  return mailbox.add(receiver, marks, std::move(source));
}

Result<> import_folder(app::Installation& in, const ImportTarget& target, const std::string& name,
                       const MaildirFolder& folder, const std::vector<MaildirFile>& files,
                       ImportCounts& counts, const std::function<Result<>()>& step) {
  TRY(auto mailbox, MailboxWriter::open(in, target, name));
  auto keywords = parse_keywords_file(read_small(folder.path + "/dovecot-keywords"));
  for (const auto& file : files) {
    TRY_OK(step());
    auto source = source_of("maildir\n" + folder.path + "\n" + std::string(base_name(file.name)));
    if (mailbox.knows(source)) {
      ++counts.known;
      continue;
    }
    auto done = import_file(mailbox, file, keywords, std::move(source));
    if (done) continue;
    // What concerns one file does not stop the others; a full disk or mailbox does.
    std::error_code ignored;
    if (fs::exists(file.path, ignored) && std::ifstream(file.path)) return done;
    note(counts, done.error().text);
  }
  TRY_OK(mailbox.flush());
  counts.imported += mailbox.added();
  return {};
}

// ---- mbox

// Takes the messages of one mbox file.
class MboxImport final : public MboxReader::Sink {
 public:
  MboxImport(MailboxWriter& mailbox, const std::string& path) : mailbox_(mailbox), path_(path) {}

  void begin(std::uint64_t, std::optional<Time> date) override {
    message_.emplace(mailbox_.begin());
    date_ = date;
    hash_ = {};
    filter_ = {};
    ends_ = {};
  }
  void body(std::string_view bytes) override {
    std::string out;
    filter_.feed(bytes, out);
    store(out);
  }
  void end() override {
    std::string rest;
    filter_.finish(rest);
    store(rest);
    // Equal messages are told apart by their number; flags that changed do not make it new.
    auto digest = hash_.finish();
    auto number = ++seen_[digest.substr(0, 16)];
    auto source = source_of(fmt::format("mbox\n{}\n{}\n", path_, number) + digest);
    if (mailbox_.knows(source)) {
      ++known;
    } else if (!failure) {
      auto marks = filter_.marks();
      marks.internal_date = date_;
      if (auto added = mailbox_.add(*message_, marks, std::move(source)); !added)
        failure = added.error();
    }
    message_.reset();
  }

  std::optional<Error> failure;
  std::int64_t known = 0;

 private:
  void store(std::string_view bytes) {
    if (failure || bytes.empty()) return;
    hash_.update(bytes);
    std::string out;
    ends_.feed(bytes, out);
    if (auto done = message_->append(out); !done) failure = done.error();
  }

  MailboxWriter& mailbox_;
  const std::string& path_;
  std::optional<Receiver> message_;
  std::optional<Time> date_;
  crypto::Sha256 hash_;
  StatusFilter filter_;
  ToCrlf ends_;
  std::map<std::string, int> seen_;
};

}  // namespace

Result<ImportCounts> import_maildir(app::Installation& in, const ImportTarget& target,
                                    const std::string& given, app::Progress& progress) {
  std::error_code ignored;
  auto root = fs::weakly_canonical(given, ignored).string();
  TRY(auto folders, list_maildir(root));
  std::vector<std::vector<MaildirFile>> files;
  std::uint64_t total = 0, done = 0;
  for (const auto& folder : folders) {
    TRY(auto found, list_messages(folder));
    total += found.size();
    files.push_back(std::move(found));
  }
  auto step = [&]() -> Result<> {
    if (progress.cancelled()) return fail(Errc::unavailable, "the import was stopped");
    progress.report(++done, total, "messages");
    return {};
  };
  ImportCounts counts;
  for (std::size_t i = 0; i < folders.size(); ++i) {
    auto name = folders[i].mailbox == "INBOX" ? target.mailbox : folders[i].mailbox;
    TRY_OK(import_folder(in, target, name, folders[i], files[i], counts, step));
  }
  return counts;
}

Result<ImportCounts> import_mbox(app::Installation& in, const ImportTarget& target,
                                 const std::string& given, app::Progress& progress) {
  std::error_code ignored;
  auto path = fs::weakly_canonical(given, ignored).string();
  auto total = fs::file_size(path, ignored);
  if (ignored) return fail(Errc::not_found, "cannot read " + path);
  TRY(auto mailbox, MailboxWriter::open(in, target, target.mailbox));
  MboxImport import(mailbox, path);
  MboxReader reader(import);
  std::uint64_t done = 0;
  auto take = [&](std::string_view piece) -> Result<> {
    if (progress.cancelled()) return fail(Errc::unavailable, "the import was stopped");
    progress.report(done += piece.size(), total, "bytes");
    TRY_OK(reader.feed(piece));
    if (import.failure) return std::unexpected(*import.failure);
    return {};
  };
  TRY_OK(each_piece(path, take));
  TRY_OK(reader.finish());
  if (import.failure) return std::unexpected(*import.failure);
  TRY_OK(mailbox.flush());
  return ImportCounts{.imported = mailbox.added(), .known = import.known};
}

}  // namespace todoke::transfer
