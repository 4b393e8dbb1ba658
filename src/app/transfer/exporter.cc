#include "app/transfer/exporter.h"

#include "app/transfer/file_writer.h"
#include "app/transfer/line_ends.h"
#include "app/transfer/maildir.h"

#include <fmt/format.h>

#include <filesystem>
#include <sys/stat.h>

namespace todoke::transfer {
namespace {

constexpr int page = 500;
constexpr std::uint64_t piece_size = 1 << 20;

Marks marks_of(const store::MessageImage& message) {
  return {message.flags, message.keywords, message.internal_date};
}

Result<> set_modification_time(const std::string& path, Time time) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  timespec stamp{seconds.time_since_epoch().count(), (time - seconds).count() * 1000};
  timespec both[] = {stamp, stamp};
  if (::utimensat(AT_FDCWD, path.c_str(), both, 0) != 0)
    return fail(Errc::unavailable, "cannot set the time of " + path);
  return {};
}

Result<std::string> make_maildir(const std::string& path) {
  for (auto folder : {path, path + "/cur", path + "/new", path + "/tmp"})
    TRY_OK(make_empty_folder(folder));
  return path;
}

class Counter {
 public:
  Counter(app::Progress& progress, std::uint64_t total) : progress_(progress), total_(total) {}
  Result<> step() {
    if (progress_.cancelled()) return fail(Errc::unavailable, "the export was stopped");
    progress_.report(++done_, total_, "messages");
    return {};
  }
  std::int64_t done() const { return static_cast<std::int64_t>(done_); }

 private:
  app::Progress& progress_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
};

// "1763632800.M123456Q17.todoke,S=2048:2,FS": unique in its folder by the UID Q.
std::string maildir_name(const store::MessageImage& message, std::vector<std::string>& keywords) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(message.internal_date);
  return fmt::format("{}.M{}Q{}.todoke,S={}:{}", seconds.time_since_epoch().count(),
                     (message.internal_date - seconds).count(), message.uid, message.body.size,
                     name_flags(marks_of(message), keywords));
}

Result<> write_maildir_message(app::Installation& in, std::int64_t account_id,
                               const store::MessageImage& message, const std::string& path,
                               LineEnds ends) {
  TRY(auto file, FileWriter::create(path));
  FromCrlf convert;
  std::string out;
  auto take = [&](std::string_view piece) -> Result<> {
    if (ends == LineEnds::crlf) return file.write(piece);
    out.clear();
    convert.feed(piece, out);
    return file.write(out);
  };
  TRY_OK(each_body_piece(in, account_id, message, take));
  out.clear();
  convert.finish(out);
  TRY_OK(file.write(out));
  TRY_OK(file.close(FileWriter::Sync::no));
  return set_modification_time(path, message.internal_date);
}

}  // namespace

Result<> each_message(app::Installation& in, std::int64_t account_id, std::int64_t mailbox_id,
                      FunctionRef<Result<>(const store::MessageImage&)> take) {
  std::uint32_t after = 0;
  while (true) {
    auto messages = block_on(in.store().messages(account_id, mailbox_id, after, page));
    if (messages.empty()) return {};
    for (const auto& message : messages) TRY_OK(take(message));
    after = messages.back().uid;
  }
}

Result<> each_body_piece(app::Installation& in, std::int64_t account_id,
                         const store::MessageImage& message,
                         FunctionRef<Result<>(std::string_view)> take) {
  auto at = message.body;
  for (std::uint64_t offset = 0; offset < at.size;) {
    auto piece = in.blobs().read(at, offset, piece_size);
    if (!piece && piece.error().code == Errc::not_found) {
      auto query = [&](sql::Tx& tx) {
        return tx.first<std::uint64_t, std::uint64_t, std::uint64_t>(
            "select b.segment, b.position, b.stored from message m join blob b on b.id = m.blob_id "
            "where m.account_id = $1 and m.id = $2",
            account_id, message.id);
      };
      auto row = block_on(in.db().read(query));
      if (!row) return fail(Errc::not_found, "the message was deleted meanwhile");
      std::tie(at.segment, at.offset, at.stored) = *row;
      piece = in.blobs().read(at, offset, piece_size);
    }
    if (!piece) return std::unexpected(piece.error());
    if (piece->empty()) return fail(Errc::corrupt, "a message is shorter than it should be");
    TRY_OK(take(*piece));
    offset += piece->size();
  }
  return {};
}

Result<std::int64_t> export_maildir(app::Installation& in, std::int64_t account_id,
                                    const std::vector<store::MailboxInfo>& mailboxes,
                                    const std::string& root, LineEnds ends,
                                    app::Progress& progress) {
  std::uint64_t total = 0;
  for (const auto& mailbox : mailboxes) total += static_cast<std::uint64_t>(mailbox.message_count);
  Counter counter(progress, total);
  TRY_OK(make_maildir(root));
  for (const auto& mailbox : mailboxes) {
    auto folder = folder_of_mailbox(mailbox.name);
    auto path = folder.empty() ? root : root + "/" + folder;
    if (!folder.empty()) TRY_OK(make_maildir(path));
    std::vector<std::string> keywords;
    auto write = [&](const store::MessageImage& message) -> Result<> {
      TRY_OK(counter.step());
      auto name = path + "/cur/" + maildir_name(message, keywords);
      return write_maildir_message(in, account_id, message, name, ends);
    };
    TRY_OK(each_message(in, account_id, mailbox.id, write));
    if (keywords.empty()) continue;
    TRY(auto list, FileWriter::create(path + "/dovecot-keywords"));
    TRY_OK(list.write(render_keywords_file(keywords)));
    TRY_OK(list.close(FileWriter::Sync::no));
  }
  TRY_OK(sync_file_system(root));
  return counter.done();
}

Result<std::int64_t> export_mbox(app::Installation& in, std::int64_t account_id,
                                 const store::MailboxInfo& mailbox, const std::string& path,
                                 app::Progress& progress) {
  Counter counter(progress, static_cast<std::uint64_t>(mailbox.message_count));
  TRY(auto file, FileWriter::create(path));
  MboxWriter writer;
  std::string out;
  auto write = [&](const store::MessageImage& message) -> Result<> {
    TRY_OK(counter.step());
    out.clear();
    writer.begin(marks_of(message), out);
    auto take = [&](std::string_view piece) -> Result<> {
      writer.body(piece, out);
      auto written = file.write(out);
      out.clear();
      return written;
    };
    TRY_OK(each_body_piece(in, account_id, message, take));
    writer.end(out);
    return file.write(out);
  };
  TRY_OK(each_message(in, account_id, mailbox.id, write));
  TRY_OK(file.close(FileWriter::Sync::yes));
  auto parent = std::filesystem::path(path).parent_path().string();
  TRY_OK(sync_folder(parent.empty() ? "." : parent));
  return counter.done();
}

}  // namespace todoke::transfer
