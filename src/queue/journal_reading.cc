// Reading what waits.
#include "queue/journal.h"
#include "queue/notice.h"

#include <map>

namespace todoke::queue {
namespace {

std::optional<smtp::Ret> parse_ret(int number) {
  if (number == 0) return {};
  return number == 1 ? smtp::Ret::full : smtp::Ret::headers;
}

// How often a recipient was refused for good in words that no rule knows.
int count_unknown_refusals(sql::Tx& tx, RecipientId id) {
  return tx
      .first<int>(
          "select count(*) from queue_event where message_id = $1 and number = $2 "
          "and reply_class = $3 and code >= 500",
          id.message, id.number, provider::ReplyClass::unknown)
      .value_or(0);
}

}  // namespace

std::optional<smtp::OriginalRecipient> parse_orcpt(std::string_view text) {
  auto semicolon = text.find(';');
  if (semicolon == text.npos) return {};
  return smtp::OriginalRecipient{std::string(text.substr(0, semicolon)),
                                 std::string(text.substr(semicolon + 1))};
}

// One seek for each line: what is behind a line's first recipient is not looked at.
std::vector<WaitingLine> read_waiting(sql::Tx& tx, int limit) {
  std::vector<WaitingLine> lines;
  auto take = [&](const sql::Row& row) {
    lines.push_back(
        {{row.get<std::string>(0), row.get<Lane>(1), row.integer(2)}, row.get<Time>(3)});
  };
  while (static_cast<int>(lines.size()) < limit) {
    auto before = lines.size();
    const LineKey last =
        lines.empty() ? LineKey{.lane = Lane::urgent, .organisation_id = -1} : lines.back().key;
    tx.each(
        "select domain, lane, organisation_id, due_at from queue_recipient where state = 0 "
        "and (domain, lane, organisation_id) > ($1, $2, $3) "
        "order by domain, lane, organisation_id, due_at limit 1",
        take, last.domain, last.lane, last.organisation_id);
    if (lines.size() == before) break;
  }
  std::ranges::sort(lines, {}, &WaitingLine::due);
  return lines;
}

std::optional<Time> read_due(sql::Tx& tx, const LineKey& line, const std::set<RecipientId>& taken) {
  std::optional<Time> due;
  auto take = [&](const sql::Row& row) {
    if (taken.contains({row.integer(1), row.get<int>(2)})) return true;
    due = row.get<Time>(0);
    return false;
  };
  tx.each(
      "select due_at, message_id, number from queue_recipient where state = 0 and domain = $1 "
      "and lane = $2 and organisation_id = $3 order by due_at, message_id, number limit $4",
      take, line.domain, line.lane, line.organisation_id, taken.size() + 1);
  return due;
}

std::vector<Job> read_jobs(sql::Tx& tx, const LineKey& line, Time now, int limit,
                           const std::set<RecipientId>& taken) {
  std::vector<Job> jobs;
  std::map<std::int64_t, std::shared_ptr<const Message>> messages;
  auto take = [&](const sql::Row& row) {
    Job job{.id = {row.integer(0), row.get<int>(1)}};
    if (taken.contains(job.id)) return true;
    job.address = row.get<std::string>(2);
    job.attempts = row.get<int>(3);
    job.due_at = row.get<Time>(4);
    job.notify = parse_notify_number(row.get<int>(5));
    job.original_recipient = parse_orcpt(row.text(6));
    jobs.push_back(std::move(job));
    return static_cast<int>(jobs.size()) < limit;
  };
  tx.each(
      "select message_id, number, address, attempts, due_at, notify, orcpt from queue_recipient "
      "where state = 0 and domain = $1 and lane = $2 and organisation_id = $3 and due_at <= $4 "
      "order by due_at, message_id, number limit $5",
      take, line.domain, line.lane, line.organisation_id, now,
      taken.size() + static_cast<std::size_t>(limit));
  for (auto& job : jobs) {
    auto& message = messages[job.id.message];
    if (!message) message = read_message(tx, job.id.message);
    job.message = message;
    if (job.attempts > 0) job.unknown_refusals = count_unknown_refusals(tx, job.id);
  }
  std::erase_if(jobs, [](const Job& job) { return !job.message; });
  return jobs;
}

std::optional<LastEvent> read_last_event(sql::Tx& tx, RecipientId id) {
  std::optional<LastEvent> found;
  auto take = [&](const sql::Row& row) {
    found = LastEvent{.outcome = {.kind = row.get<EventKind>(0),
                                  .stage = row.get<smtp::Stage>(1),
                                  .breakdown = row.get<smtp::Breakdown>(2),
                                  .code = row.get<int>(3),
                                  .enhanced = smtp::parse_enhanced_code(row.text(4)),
                                  .text = row.get<std::string>(5),
                                  .rule = row.get<std::string>(7)},
                      .at = row.get<Time>(8),
                      .host = row.get<std::string>(9)};
    if (auto number = row.integer(6); number > 0)
      found->outcome.reply_class = static_cast<provider::ReplyClass>(number);
    return false;
  };
  // Not what only began, was set waiting again, is delayed elsewhere or was not sent after all.
  tx.each(
      "select e.kind, e.stage, e.breakdown, e.code, e.enhanced, e.text, e.reply_class, e.rule, "
      "e.at, "
      "coalesce(c.host, '') from queue_event e "
      "left join queue_connection c on c.id = e.connection_id "
      "where e.message_id = $1 and e.number = $2 and e.kind not in (1, 11, 12, 13) "
      "order by e.id desc limit 1",
      take, id.message, id.number);
  return found;
}

std::shared_ptr<const Message> read_message(sql::Tx& tx, std::int64_t id) {
  std::shared_ptr<Message> found;
  auto take = [&](const sql::Row& row) {
    found = std::make_shared<Message>(Message{
        .id = id,
        .organisation_id = row.integer(0),
        .account_id = row.get<std::optional<std::int64_t>>(1),
        .blob_id = row.integer(2),
        .body = {.segment = row.get<std::uint64_t>(3),
                 .offset = row.get<std::uint64_t>(4),
                 .stored = row.get<std::uint64_t>(5),
                 .size = row.get<std::uint64_t>(6)},
        .reverse_path = row.get<std::string>(7),
        .return_path = row.get<ReturnPath>(8),
        .renderer = row.get<std::string>(9),
        .envid = row.get<std::string>(10),
        .ret = parse_ret(row.get<int>(11)),
        .body_type = row.get<smtp::Body>(12),
        .smtp_utf8 = row.get<bool>(13),
        .require_tls = row.get<bool>(14),
        .lane = row.get<Lane>(15),
        .created_at = row.get<Time>(16),
        .useful_until = row.get<Time>(17),
        .is_firm = row.get<bool>(18),
    });
  };
  tx.each(
      "select m.organisation_id, m.account_id, m.blob_id, b.segment, b.position, b.stored, b.size, "
      "m.reverse_path, m.return_path, m.renderer, m.envid, m.ret, m.body, m.smtputf8, "
      "m.require_tls, m.lane, m.created_at, m.useful_until, m.firm "
      "from queue_message m join blob b on b.id = m.blob_id where m.id = $1",
      take, id);
  return found;
}

}  // namespace todoke::queue
