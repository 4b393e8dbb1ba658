#include "app/backup/account_archive.h"

#include "app/admin/arguments.h"
#include "app/backup/archive_file.h"
#include "app/transfer/exporter.h"
#include "base/encoding.h"
#include "crypto/digest_stream.h"
#include "store/import.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>

namespace todoke::app {
namespace {

constexpr int per_index = 200;
constexpr std::size_t max_json = 64 << 20;

json::object account_json(const directory::Account& account) {
  json::array aliases;
  for (const auto& alias : account.aliases) aliases.emplace_back(alias);
  return {{"address", account.address},
          {"aliases", std::move(aliases)},
          {"name", account.display_name},
          {"locale", account.locale},
          {"role", static_cast<std::int64_t>(account.role)},
          {"state", static_cast<std::int64_t>(account.state)},
          {"quota_bytes", or_null(account.quota_bytes)},
          {"services", static_cast<std::int64_t>(account.services)},
          {"pop3_mailbox", or_null(account.pop3_mailbox_id)},
          {"pop3_read_only", account.pop3_read_only},
          {"send_limit_per_hour", account.send_limit_per_hour
                                      ? json::value(*account.send_limit_per_hour)
                                      : json::value(nullptr)}};
}

json::value time_or_null(const std::optional<Time>& time) {
  return time ? json::value(to_micros(*time)) : json::value(nullptr);
}

// Names and hashes with which one signs in.
void add_sign_in(const directory::SignInImage& image, json::object& manifest) {
  json::array logins, credentials;
  for (const auto& login : image.logins)
    logins.push_back(json::object{{"name", login.name}, {"listener", login.listener}});
  for (const auto& one : image.credentials)
    credentials.push_back(json::object{{"kind", static_cast<std::int64_t>(one.kind)},
                                       {"stored", one.stored},
                                       {"scram", or_null(one.scram)},
                                       {"label", one.label},
                                       {"scope", static_cast<std::int64_t>(one.scope)},
                                       {"created_at", to_micros(one.created_at)},
                                       {"expires_at", time_or_null(one.expires_at)},
                                       {"last_used_at", time_or_null(one.last_used_at)}});
  manifest["logins"] = std::move(logins);
  manifest["credentials"] = std::move(credentials);
}

json::object mailbox_json(std::int64_t id, const store::MailboxImage& image) {
  return {{"id", id},
          {"name", image.name},
          {"role", store::role_name(image.role)},
          {"uidvalidity", image.uidvalidity},
          {"uidnext", image.uidnext},
          {"pop3_next_seq", image.pop3_next_seq},
          {"subscribed", image.subscribed}};
}

// Writes messages, and an index below every so many.
class MessageWriter {
 public:
  MessageWriter(Installation& in, std::int64_t account_id, ArchiveWriter& archive,
                ArchiveSummary& summary)
      : in_(in), account_id_(account_id), archive_(archive), summary_(summary) {}

  Result<> add(std::int64_t mailbox_id, const store::MessageImage& message) {
    auto name = fmt::format("mail/{}/{}.eml", mailbox_id, message.uid);
    TRY_OK(archive_.begin(name, message.body.size));
    crypto::Sha256 sum;
    auto take = [&](std::string_view piece) {
      sum.update(piece);
      return archive_.write(piece);
    };
    TRY_OK(transfer::each_body_piece(in_, account_id_, message, take));
    index_.push_back(json::object{{"file", name},
                                  {"mailbox", mailbox_id},
                                  {"uid", message.uid},
                                  {"flags", message.flags},
                                  {"keywords", message.keywords},
                                  {"internal_date", to_micros(message.internal_date)},
                                  {"pop3_uidl", message.pop3_uidl},
                                  {"pop3_seq", message.pop3_seq},
                                  {"pop3_size", or_null(message.pop3_size)},
                                  {"sha256", hex_encode(sum.finish())}});
    ++summary_.messages;
    summary_.bytes += message.body.size;
    return index_.size() < per_index ? Result<>() : flush();
  }
  Result<> flush() {
    if (index_.empty()) return {};
    auto name = fmt::format("index/{:06}.json", ++indexes_);
    return archive_.add(name, json::serialize(std::exchange(index_, {})));
  }

 private:
  Installation& in_;
  std::int64_t account_id_;
  ArchiveWriter& archive_;
  ArchiveSummary& summary_;
  json::array index_;
  int indexes_ = 0;
};

Result<> write_mailbox(Installation& in, std::int64_t account_id, std::int64_t mailbox_id,
                       MessageWriter& writer, const std::function<Result<>()>& step) {
  std::uint32_t after = 0;
  for (;;) {
    auto query = [&](sql::Tx& tx) {
      return store::message_images(tx, account_id, mailbox_id, after, per_index);
    };
    auto messages = block_on(in.db().read(query));
    if (messages.empty()) return {};
    for (const auto& message : messages) {
      TRY_OK(step());
      TRY_OK(writer.add(mailbox_id, message));
    }
    after = messages.back().uid;
  }
}

}  // namespace

Result<ArchiveSummary> archive_account(Installation& in, const std::string& address,
                                       const std::string& path, Progress& progress) {
  TRY(auto account, block_on(in.directory().find_account(address)));
  json::object manifest{{"format", "todoke-account"},
                        {"version", 1},
                        {"created_at", to_rfc3339(in.clock().now())},
                        {"account", account_json(account)}};
  std::vector<std::pair<std::int64_t, store::MailboxImage>> mailboxes;
  std::uint64_t total = 0, done = 0;
  auto query = [&](sql::Tx& tx) {
    add_sign_in(directory::read_sign_in(tx, account.id), manifest);
    mailboxes = store::mailbox_images(tx, account.id);
    total =
        tx.first<std::uint64_t>("select count(*) from placement where account_id = $1", account.id)
            .value_or(0);
  };
  block_on(in.db().read(query));
  json::array list;
  for (const auto& [id, image] : mailboxes) list.push_back(mailbox_json(id, image));
  manifest["mailboxes"] = std::move(list);

  // Until it has been read back, the file has another name.
  auto part = path + ".part";
  std::error_code error;
  if (std::filesystem::exists(path, error)) return fail(Errc::conflict, path + " exists");
  ArchiveSummary summary{.mailboxes = static_cast<std::int64_t>(mailboxes.size())};
  auto write = [&]() -> Result<> {
    TRY(auto archive, ArchiveWriter::create(part));
    TRY_OK(archive.add("manifest.json", json::serialize(manifest)));
    MessageWriter writer(in, account.id, archive, summary);
    auto step = [&]() -> Result<> {
      if (progress.cancelled()) return fail(Errc::unavailable, "the backup was stopped");
      progress.report(++done, total, "messages");
      return {};
    };
    for (const auto& mailbox : mailboxes)
      TRY_OK(write_mailbox(in, account.id, mailbox.first, writer, step));
    TRY_OK(writer.flush());
    json::object end{{"messages", summary.messages}, {"bytes", summary.bytes}};
    TRY_OK(archive.add("end.json", json::serialize(end)));
    return archive.close();
  };
  TRY_OK(write());
  auto read = verify_archive(part, progress);
  if (read && read->messages != summary.messages)
    read = fail(Errc::corrupt, "messages are missing");
  if (!read) {
    std::filesystem::remove(part, error);
    return std::unexpected(read.error());
  }
  std::filesystem::rename(part, path, error);
  if (error) return fail(Errc::unavailable, "cannot create " + path + ": " + error.message());
  auto parent = std::filesystem::path(path).parent_path().string();
  TRY_OK(transfer::sync_folder(parent.empty() ? "." : parent));
  return summary;
}

Result<ArchiveSummary> verify_archive(const std::string& path, Progress& progress) {
  TRY(auto archive, ArchiveReader::open(path));
  ArchiveSummary summary;
  std::map<std::string, std::string> sums;  // of messages whose index is still to come
  bool ended = false;
  for (;;) {
    TRY(auto entry, archive.next());
    if (!entry) break;
    if (progress.cancelled()) return fail(Errc::unavailable, "it was stopped");
    if (entry->name.ends_with(".eml")) {
      crypto::Sha256 sum;
      for (;;) {
        TRY(auto piece, archive.read(1 << 20));
        if (piece.empty()) break;
        sum.update(piece);
      }
      sums[entry->name] = hex_encode(sum.finish());
      ++summary.messages;
      summary.bytes += entry->size;
      progress.report(static_cast<std::uint64_t>(summary.messages), 0, "messages compared");
      continue;
    }
    TRY(auto content, archive.read_all(max_json));
    boost::system::error_code error;
    auto value = json::parse(content, error);
    if (error) return fail(Errc::corrupt, entry->name + " in the archive is damaged");
    if (entry->name.starts_with("index/") && value.is_array()) {
      for (const auto& one : value.get_array()) {
        auto found = one.is_object() ? sums.find(text(one.get_object(), "file")) : sums.end();
        if (found == sums.end() || found->second != text(one.get_object(), "sha256"))
          return fail(Errc::corrupt, "a message in the archive is damaged");
        sums.erase(found);
      }
    }
    if (entry->name == "manifest.json" && value.is_object()) {
      if (text(value.get_object(), "format") != "todoke-account")
        return fail(Errc::invalid, path + " is no archive of an account");
      if (number_if(value.get_object(), "version") != 1)
        return fail(Errc::invalid, path + " was written by a newer version of Todoke");
    }
    if (entry->name == "end.json" && value.is_object())
      ended = number_if(value.get_object(), "messages") == summary.messages;
  }
  if (!ended || !sums.empty()) return fail(Errc::corrupt, path + " is not whole");
  return summary;
}

}  // namespace todoke::app
