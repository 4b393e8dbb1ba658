#include "app/admin/arguments.h"
#include "app/backup/account_archive.h"
#include "app/backup/archive_file.h"
#include "app/transfer/mailbox_writer.h"
#include "base/encoding.h"
#include "crypto/digest_stream.h"
#include "store/import.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

namespace todoke::app {
namespace {

using directory::Actor;

constexpr std::size_t max_json = 64 << 20;

std::int64_t number(const json::object& object, std::string_view name) {
  return number_if(object, name).value_or(0);
}

const json::array& list(const json::object& object, std::string_view name) {
  static const json::array none;
  const auto* found = object.if_contains(name);
  return found != nullptr && found->is_array() ? found->get_array() : none;
}

Result<json::value> read_json(ArchiveReader& archive) {
  TRY(auto content, archive.read_all(max_json));
  boost::system::error_code error;
  auto value = json::parse(content, error);
  if (error) return fail(Errc::corrupt, "the archive is damaged");
  return value;
}

std::optional<Time> time_if(const json::object& object, std::string_view name) {
  auto micros = number_if(object, name);
  return micros ? std::optional(from_micros(*micros)) : std::nullopt;
}

directory::SignInImage read_sign_in(const json::object& manifest) {
  using Credential = directory::SignInImage::Credential;
  directory::SignInImage image;
  for (const auto& one : list(manifest, "logins"))
    if (one.is_object())
      image.logins.push_back({text(one.get_object(), "name"), text(one.get_object(), "listener")});
  for (const auto& one : list(manifest, "credentials")) {
    if (!one.is_object()) continue;
    const auto& object = one.get_object();
    image.credentials.push_back(
        {.kind = number(object, "kind") == 0 ? Credential::Kind::password
                                             : Credential::Kind::app_password,
         .stored = text(object, "stored"),
         .scram = text_if(object, "scram"),
         .label = text(object, "label"),
         .scope = static_cast<directory::ServiceSet>(number(object, "scope")),
         .created_at = from_micros(number(object, "created_at")),
         .expires_at = time_if(object, "expires_at"),
         .last_used_at = time_if(object, "last_used_at")});
  }
  return image;
}

// Creates the account as it was.
Result<directory::Account> create_account(Installation& in, const Actor& actor,
                                          const json::object& manifest, ArchiveSummary& summary) {
  const auto& object = manifest.at("account").get_object();
  auto address = text(object, "address");
  directory::NewAccount wanted{.address = address,
                               .display_name = text(object, "name"),
                               .locale = text(object, "locale"),
                               .role = static_cast<directory::Role>(number(object, "role")),
                               .quota_bytes = number_if(object, "quota_bytes")};
  TRY(auto account, block_on(in.directory().create_account(actor, std::move(wanted))));
  auto note = [&](const std::string& what, const Result<>& done) {
    if (!done) summary.notes.push_back(what + ": " + done.error().text);
  };
  for (const auto& alias : list(object, "aliases"))
    if (alias.is_string()) {
      std::string further(alias.get_string());
      note("address " + further, block_on(in.directory().add_address(actor, further, address)));
    }
  auto refused = block_on(in.directory().restore_sign_in(actor, address, read_sign_in(manifest)));
  if (refused)
    std::ranges::move(*refused, std::back_inserter(summary.notes));
  else
    summary.notes.push_back("passwords: " + refused.error().text);
  directory::AccountChange change{
      .services = static_cast<directory::ServiceSet>(number(object, "services")),
      .pop3_read_only = flag(object, "pop3_read_only")};
  if (auto limit = number_if(object, "send_limit_per_hour"))
    change.send_limit_per_hour = static_cast<int>(*limit);
  if (number(object, "state") == static_cast<int>(directory::State::suspended))
    change.state = directory::State::suspended;
  note("settings", block_on(in.directory().update_account(actor, address, std::move(change))));
  return account;
}

bool never_used(Installation& in, std::int64_t account_id) {
  auto query = [&](sql::Tx& tx) {
    return tx.first<std::int64_t>(
        "select count(*) from mailbox where account_id = $1 and uidnext > 1", account_id);
  };
  return block_on(in.db().read(query)).value_or(0) == 0;
}

struct Target {
  std::int64_t archived_id = 0;
  std::int64_t id = 0;
  store::MailboxImage image;
};

Result<std::vector<Target>> make_mailboxes(Installation& in, std::int64_t account_id,
                                           const json::object& manifest, const std::string& below) {
  std::vector<Target> targets;
  for (const auto& one : list(manifest, "mailboxes")) {
    if (!one.is_object()) continue;
    const auto& object = one.get_object();
    Target target{
        .archived_id = number(object, "id"),
        .image = {.name = text(object, "name"),
                  .role = store::role_from_name(text(object, "role")),
                  .uidvalidity = static_cast<std::uint32_t>(number(object, "uidvalidity")),
                  .uidnext = static_cast<std::uint32_t>(number(object, "uidnext")),
                  .pop3_next_seq = number(object, "pop3_next_seq"),
                  .subscribed = flag(object, "subscribed")}};
    if (!below.empty()) {
      target.image.name = below + "/" + target.image.name;
      target.image.role = store::Role::none;
    }
    targets.push_back(std::move(target));
  }
  auto now = in.clock().now();
  auto work = [&](sql::Tx& tx) -> Result<> {
    for (auto& target : targets) {
      TRY(target.id, store::begin_mailbox(tx, account_id, target.image, now));
    }
    return {};
  };
  TRY_OK(block_on(in.db().write(work)));
  in.store().hub().publish({.account_id = account_id});
  return targets;
}

// Holds the messages of an archive until their index says what they are.
class MessageReader {
 public:
  MessageReader(Installation& in, std::int64_t account_id, const std::vector<Target>& targets)
      : in_(in) {
    for (const auto& target : targets)
      writers_.emplace(target.archived_id,
                       transfer::MailboxWriter(in, account_id, target.id, store::Quota{}));
  }

  Result<> message(ArchiveReader& archive, const std::string& name) {
    transfer::Receiver receiver(in_.blobs());
    for (;;) {
      TRY(auto piece, archive.read(1 << 20));
      if (piece.empty()) break;
      TRY_OK(receiver.append(piece));
    }
    TRY(auto received, receiver.finish());
    waiting_.insert_or_assign(name, std::move(received));
    return {};
  }
  Result<> index(const json::value& index) {
    if (!index.is_array()) return fail(Errc::corrupt, "the archive is damaged");
    for (const auto& one : index.get_array()) {
      if (!one.is_object()) return fail(Errc::corrupt, "the archive is damaged");
      TRY_OK(place(one.get_object()));
    }
    waiting_.clear();
    return {};
  }
  Result<> flush() {
    for (auto& [id, writer] : writers_) TRY_OK(writer.flush());
    return {};
  }

 private:
  Result<> place(const json::object& object) {
    auto found = waiting_.find(text(object, "file"));
    auto writer = writers_.find(number(object, "mailbox"));
    if (found == waiting_.end() || writer == writers_.end())
      return fail(Errc::corrupt, "the archive is damaged");
    transfer::Marks marks{.flags = static_cast<unsigned>(number(object, "flags")),
                          .keywords = text(object, "keywords"),
                          .internal_date = from_micros(number(object, "internal_date"))};
    store::Identity identity{.uid = static_cast<std::uint32_t>(number(object, "uid")),
                             .pop3_uidl = text(object, "pop3_uidl"),
                             .pop3_seq = number(object, "pop3_seq"),
                             .pop3_size = number_if(object, "pop3_size")};
    return writer->second.add(std::move(found->second), marks, {}, std::move(identity), "restore");
  }

  Installation& in_;
  std::map<std::int64_t, transfer::MailboxWriter> writers_;
  std::map<std::string, transfer::Receiver::Received> waiting_;
};

Result<> restore_messages(Installation& in, std::int64_t account_id, ArchiveReader& archive,
                          const std::vector<Target>& targets, std::int64_t total,
                          Progress& progress) {
  MessageReader reader(in, account_id, targets);
  std::uint64_t done = 0;
  for (;;) {
    TRY(auto entry, archive.next());
    if (!entry) break;
    if (progress.cancelled()) return fail(Errc::unavailable, "the restore was stopped");
    if (entry->name.ends_with(".eml")) {
      progress.report(++done, static_cast<std::uint64_t>(total), "messages");
      TRY_OK(reader.message(archive, entry->name));
    } else if (entry->name.starts_with("index/")) {
      TRY(auto index, read_json(archive));
      TRY_OK(reader.index(index));
    }
  }
  TRY_OK(reader.flush());
  auto work = [&](sql::Tx& tx) {
    for (const auto& target : targets)
      store::finish_mailbox(tx, account_id, target.id, target.image);
  };
  block_on(in.db().write(work));
  return {};
}

}  // namespace

Result<ArchiveSummary> restore_account(Installation& in, const Actor& actor,
                                       const std::string& path, Progress& progress) {
  TRY(auto summary, verify_archive(path, progress));
  TRY(auto archive, ArchiveReader::open(path));
  TRY(auto first, archive.next());
  if (!first || first->name != "manifest.json")
    return fail(Errc::invalid, path + " is no archive of an account");
  TRY(auto value, read_json(archive));
  if (!value.is_object()) return fail(Errc::corrupt, "the archive is damaged");
  const auto& manifest = value.get_object();
  const auto* described = manifest.if_contains("account");
  if (described == nullptr || !described->is_object())
    return fail(Errc::corrupt, "the archive is damaged");

  auto account = block_on(in.directory().find_account(text(described->get_object(), "address")));
  if (!account && account.error().code != Errc::not_found) return std::unexpected(account.error());
  if (!account) {
    TRY(account, create_account(in, actor, manifest, summary));
  } else if (!never_used(in, account->id)) {
    auto seconds = std::chrono::floor<std::chrono::seconds>(in.clock().now());
    summary.into = fmt::format("{} {:%Y-%m-%d %H%M%S}",
                               account->locale == "ja" ? "復元" : "Restored", fmt::gmtime(seconds));
  }
  TRY(auto targets, make_mailboxes(in, account->id, manifest, summary.into));
  TRY_OK(restore_messages(in, account->id, archive, targets, summary.messages, progress));
  summary.mailboxes = static_cast<std::int64_t>(targets.size());
  return summary;
}

}  // namespace todoke::app
