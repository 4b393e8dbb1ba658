#include "queue/notifier.h"

#include "base/log.h"
#include "queue/expiry.h"
#include "queue/notice.h"

#include <fmt/format.h>

namespace todoke::queue {
namespace {

using namespace std::chrono_literals;

// What fails together is told together.
constexpr auto gathering = 3s;
constexpr auto after_failure = 5min;
constexpr int messages_at_once = 100;
constexpr std::uint64_t most_text = 64 << 10;

DsnRecipient::Action action_of(Notice notice) {
  switch (notice) {
    case Notice::failed:
      return DsnRecipient::Action::failed;
    case Notice::delayed:
    case Notice::in_doubt:
      return DsnRecipient::Action::delayed;
    case Notice::relayed:
      return DsnRecipient::Action::relayed;
  }
  return DsnRecipient::Action::failed;
}

// RFC 3463: what stands for our own findings.
smtp::EnhancedCode own_status(Notice notice, const Outcome& last) {
  if (notice == Notice::relayed) return {2, 0, 0};
  if (notice == Notice::in_doubt) return {4, 4, 2};
  if (last.kind == EventKind::expired) return {4, 4, 7};
  std::uint8_t status_class = notice == Notice::delayed ? 4 : 5;
  if (last.stage == smtp::Stage::dns) return {status_class, 1, 2};
  return {status_class, 0, 0};
}

DsnReason reason_of_outcome(Notice notice, const Outcome& last) {
  if (notice == Notice::in_doubt) return DsnReason::in_doubt;
  if (!last.reply_class) return DsnReason::by_status;
  using provider::ReplyClass;
  switch (*last.reply_class) {
    case ReplyClass::gone:
      return last.stage == smtp::Stage::dns ? DsnReason::no_domain : DsnReason::no_mailbox;
    case ReplyClass::inactive:
      return DsnReason::inactive;
    case ReplyClass::full:
      return DsnReason::mailbox_full;
    case ReplyClass::filtered:
      return DsnReason::recipient_settings;
    case ReplyClass::throttled:
    case ReplyClass::blocked:
    case ReplyClass::auth:
      return DsnReason::refused;
    case ReplyClass::unreachable:
      return DsnReason::unreachable;
    default:
      return DsnReason::by_status;
  }
}

}  // namespace

std::optional<Notifier::Due> Notifier::read_due(sql::Tx& tx, std::int64_t message_id,
                                                const Holds& holds, Time now) {
  Due due{.message = read_message(tx, message_id)};
  if (!due.message) return {};
  if (due.message->account_id) {
    auto locale =
        tx.first<std::string>("select locale from account where id = $1", *due.message->account_id);
    due.japanese_first = locale.value_or("ja").starts_with("ja");
  }
  auto take = [&](const sql::Row& row) {
    auto number = row.get<int>(0);
    auto notice = row.get<Notice>(1);
    due.rows.emplace_back(number, static_cast<int>(notice));
    auto last = read_last_event(tx, {message_id, number}).value_or(LastEvent{});
    DsnRecipient recipient{
        .address = row.get<std::string>(2),
        .original = parse_orcpt(row.text(3)),
        .action = action_of(notice),
        .status = last.outcome.enhanced.value_or(own_status(notice, last.outcome)),
        .reason = reason_of_outcome(notice, last.outcome),
        .remote_mta = last.host,
        .last_attempt = last.at};
    // A notice of success or doubt must not carry the class of something else.
    if (notice != Notice::failed) recipient.status = own_status(notice, last.outcome);
    recipient.diagnostic = last.outcome.text;
    if (last.outcome.code > 0)
      recipient.diagnostic = fmt::format("{} {}", last.outcome.code, last.outcome.text);
    if (notice == Notice::delayed)
      recipient.will_retry_until = ends_at(*due.message, holds, row.text(4), now);
    due.recipients.push_back(std::move(recipient));
  };
  tx.each(
      "select n.number, n.action, r.address, r.orcpt, coalesce(d.provider, '') from queue_notice n "
      "join queue_recipient r on r.message_id = n.message_id and r.number = n.number "
      "left join queue_domain d on d.domain = r.domain "
      "where n.message_id = $1 order by n.number, n.action limit 1000",
      take, message_id);
  return due;
}

Task<std::optional<Steady>> Notifier::round() {
  auto& parts = core_.parts;
  auto now = parts.clock.now();
  struct Waiting {
    std::vector<std::int64_t> ripe;
    bool more = false;
  };
  auto query = [&](sql::Tx& tx) {
    Waiting waiting;
    auto take = [&](const sql::Row& row) {
      if (row.get<Time>(1) <= now - gathering)
        waiting.ripe.push_back(row.integer(0));
      else
        waiting.more = true;
    };
    tx.each("select message_id, min(at) from queue_notice group by message_id order by 2 limit $1",
            take, messages_at_once);
    return waiting;
  };
  auto waiting = co_await parts.db.read(query);
  if (static_cast<int>(waiting.ripe.size()) == messages_at_once) waiting.more = true;
  const auto holds = core_.dispatcher.holds();
  bool failed = false;
  for (auto message_id : waiting.ripe) {
    if (core_.is_stopping) break;
    auto read = [&](sql::Tx& tx) { return read_due(tx, message_id, holds, now); };
    auto due = co_await parts.db.read(read);
    if (!due || due->rows.empty()) {
      co_await forget(message_id, {});
      continue;
    }
    bool told = co_await tell(*std::move(due));
    if (!told) failed = true;
  }
  if (failed) co_return parts.clock.steady() + after_failure;
  if (waiting.more) co_return parts.clock.steady() + gathering;
  co_return std::nullopt;
}

Task<bool> Notifier::tell(Due due) {
  const auto message = due.message;
  const auto rows = due.rows;
  auto log_it = [&](std::string_view event, std::string_view error) {
    log::info(event, {{"message", id_text(message->id)},
                      {"to", message->reverse_path},
                      {"recipients", rows.size()},
                      {"error", error}});
  };
  // Who sent with a return path of each recipient's own reads the events themselves.
  bool is_wanted = !message->reverse_path.empty() && message->return_path == ReturnPath::as_given;
  if (is_wanted && core_.parts.postman != nullptr) {
    auto text = co_await compose(std::move(due));
    if (!text) {
      log_it("queue.notice_failed", text.error().text);
      if (text.error().code == Errc::unavailable) co_return false;
    } else {
      auto posted = co_await core_.parts.postman->post(message->reverse_path, *std::move(text));
      if (!posted && posted.error().code == Errc::unavailable) co_return false;
      if (posted)
        log_it("queue.notice", "");
      else
        log_it("queue.notice_refused", posted.error().text);
    }
  } else if (message->reverse_path.empty()) {
    log_it("queue.double_bounce", "");
  }
  co_await forget(message->id, rows);
  co_return true;
}

Task<Result<std::string>> Notifier::compose(Due due) {
  auto& parts = core_.parts;
  const auto message = due.message;
  DsnRequest request{.reporting_mta = parts.options.helo,
                     .from_address = "MAILER-DAEMON@" + parts.options.helo,
                     .to = message->reverse_path,
                     .envid = message->envid,
                     .message_id = id_text(parts.ids.next()) + "@" + parts.options.helo,
                     .arrival = message->created_at,
                     .now = parts.clock.now(),
                     .first = due.japanese_first ? Language::japanese : Language::english,
                     .recipients = std::move(due.recipients)};
  auto work = [&] { return parts.blobs.read(message->body, 0, most_text); };
  CO_TRY(auto text, co_await parts.pool.run(work));
  text.erase(0, return_path_length(text));
  auto end = text.find("\r\n\r\n");
  request.original_header = text.substr(0, end == text.npos ? end : end + 2);
  if (message->ret == smtp::Ret::full && message->body.size <= most_text)
    request.original_message = std::move(text);
  co_return compose_dsn(request);
}

Task<> Notifier::forget(std::int64_t message_id, std::vector<std::pair<int, int>> rows) {
  auto write = [&](sql::Tx& tx) {
    if (rows.empty()) tx.run("delete from queue_notice where message_id = $1", message_id);
    for (auto [number, action] : rows)
      tx.run("delete from queue_notice where message_id = $1 and number = $2 and action = $3",
             message_id, number, action);
    return drop_text_if_over(tx, message_id);
  };
  auto free = co_await core_.parts.db.write(write);
  if (free) core_.parts.blobs.release(*free);
}

}  // namespace todoke::queue
