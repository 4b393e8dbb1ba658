#include "app/transfer/mailbox_writer.h"

namespace todoke::transfer {
namespace {

constexpr std::size_t batch_messages = 200;
constexpr std::uint64_t batch_bytes = 16 << 20;

Result<std::int64_t> find_or_create(app::Installation& in, std::int64_t account_id,
                                    const std::string& name) {
  for (const auto& mailbox : block_on(in.store().mailboxes(account_id, false)))
    if (mailbox.name == name) return mailbox.id;
  TRY(auto made, block_on(in.store().create_mailbox(account_id, {.name = name})));
  return made.id;
}

}  // namespace

Result<MailboxWriter> MailboxWriter::open(app::Installation& in, const ImportTarget& target,
                                          const std::string& name) {
  TRY(auto id, find_or_create(in, target.account_id, name));
  return MailboxWriter(in, target.account_id, id, target.quota);
}

MailboxWriter::MailboxWriter(app::Installation& in, std::int64_t account_id,
                             std::int64_t mailbox_id, store::Quota quota)
    : in_(&in), account_id_(account_id), mailbox_id_(mailbox_id), quota_(quota) {
  auto query = [&](sql::Tx& tx) { return store::imported_sources(tx, account_id_, mailbox_id_); };
  known_ = block_on(in.db().read(query));
}

Result<> MailboxWriter::add(Receiver& receiver, const Marks& marks, std::string source) {
  TRY(auto received, receiver.finish());
  return add(std::move(received), marks, std::move(source), {}, "import");
}

Result<> MailboxWriter::add(Receiver::Received received, const Marks& marks, std::string source,
                            store::Identity identity, std::string origin) {
  auto now = in_->clock().now();
  auto& texts =
      texts_.emplace_back(Waiting{std::move(received.parsed), marks.keywords, std::move(origin)});
  known_.insert(source);
  batch_bytes_ += received.body.size;
  batch_.push_back({.message = {.id = in_->ids().next(),
                                .blob_id = in_->ids().next(),
                                .size = static_cast<std::int64_t>(received.body.size),
                                .internal_date = marks.internal_date.value_or(now),
                                .received_at = now,
                                .origin = texts.origin,
                                .parsed = &texts.parsed,
                                .flags = marks.flags,
                                .keywords = texts.keywords,
                                .identity = std::move(identity)},
                    .body = received.body,
                    .source = std::move(source)});
  if (batch_.size() < batch_messages && batch_bytes_ < batch_bytes) return {};
  return flush();
}

Result<> MailboxWriter::flush() {
  if (batch_.empty()) return {};
  auto work = [&](sql::Tx& tx) {
    return store::import_messages(tx, account_id_, mailbox_id_, batch_, quota_);
  };
  auto done = block_on(in_->db().write(work));
  batch_.clear();
  texts_.clear();
  batch_bytes_ = 0;
  TRY(auto count, std::move(done));
  added_ += count;
  in_->store().hub().publish({.account_id = account_id_, .mailbox_id = mailbox_id_});
  return {};
}

}  // namespace todoke::transfer
