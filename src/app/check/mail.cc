#include "app/check/mail.h"

#include <fmt/format.h>

#include <stdexcept>

namespace todoke::app {
namespace {

constexpr std::string_view restore_advice =
    "keep the data folder as it is, and restore what is missing from a backup";
constexpr std::uint64_t piece_size = 1 << 20;
constexpr int page = 1000;
constexpr int max_findings = 100;  // of one kind; more of them say nothing new

Finding mail_error(std::string what, std::string_view advice) {
  return {.area = "mail", .what = std::move(what), .advice = std::string(advice)};
}

// `all` is 1 for every account: the same statements serve both.
struct Scope {
  explicit Scope(std::optional<std::int64_t> account)
      : all(account ? 0 : 1), account_id(account.value_or(0)) {}
  int all;
  std::int64_t account_id;
};

constexpr auto counters_advice =
    "the numbers shown are wrong, no mail is lost; please report it as a bug";

void check_counters(sql::Tx& tx, Scope scope, std::vector<Finding>& findings) {
  auto mailbox = [&](const sql::Row& row) {
    findings.push_back(mail_error(
        fmt::format(
            "mailbox {} of {} counts {} messages, {} unseen, {} bytes, and holds {}, {}, {}",
            row.text(1), row.text(0), row.integer(2), row.integer(3), row.integer(4),
            row.integer(5), row.integer(6), row.integer(7)),
        counters_advice));
  };
  tx.each(
      "select coalesce((select a.local || '@' || a.domain from address a "
      "where a.account_id = b.account_id and a.kind = 0), ''), b.name, b.message_count, "
      "b.unseen_count, b.size_bytes, count(p.uid), "
      "coalesce(sum(case when (p.flags & 1) = 0 then 1 else 0 end), 0), coalesce(sum(p.size), 0) "
      "from mailbox b left join placement p on p.account_id = b.account_id "
      "and p.mailbox_id = b.id and p.uid is not null "
      "where (b.account_id = $1 or $2 = 1) "
      "group by b.account_id, b.id, b.name, b.message_count, b.unseen_count, b.size_bytes "
      "having b.message_count <> count(p.uid) or b.size_bytes <> coalesce(sum(p.size), 0) or "
      "b.unseen_count <> coalesce(sum(case when (p.flags & 1) = 0 then 1 else 0 end), 0) "
      "limit 100",
      mailbox, scope.account_id, scope.all);
  auto account = [&](const sql::Row& row) {
    findings.push_back(mail_error(
        fmt::format("account {} counts {} messages and {} bytes, and holds {} and {}", row.text(0),
                    row.integer(1), row.integer(2), row.integer(3), row.integer(4)),
        counters_advice));
  };
  tx.each(
      "select coalesce((select a.local || '@' || a.domain from address a "
      "where a.account_id = t.account_id and a.kind = 0), ''), t.message_count, t.used_bytes, "
      "coalesce(sum(b.message_count), 0), coalesce(sum(b.size_bytes), 0) "
      "from mail_account t left join mailbox b on b.account_id = t.account_id "
      "where (t.account_id = $1 or $2 = 1) "
      "group by t.account_id, t.message_count, t.used_bytes "
      "having t.message_count <> coalesce(sum(b.message_count), 0) "
      "or t.used_bytes <> coalesce(sum(b.size_bytes), 0) limit 100",
      account, scope.account_id, scope.all);
  auto organisation = [&](const sql::Row& row) {
    findings.push_back(mail_error(
        fmt::format("organisation {} counts {} messages and {} bytes, and its accounts "
                    "hold {} and {}",
                    row.text(0), row.integer(1), row.integer(2), row.integer(3), row.integer(4)),
        counters_advice));
  };
  tx.each(
      "select coalesce((select o.name from organisation o where o.id = u.organisation_id), ''), "
      "u.message_count, u.used_bytes, coalesce(sum(t.message_count), 0), "
      "coalesce(sum(t.used_bytes), 0) "
      "from mail_organisation u left join mail_account t on t.organisation_id = u.organisation_id "
      "where ($2 = 1 or u.organisation_id in "
      "(select m.organisation_id from mail_account m where m.account_id = $1)) "
      "group by u.organisation_id, u.message_count, u.used_bytes "
      "having u.message_count <> coalesce(sum(t.message_count), 0) "
      "or u.used_bytes <> coalesce(sum(t.used_bytes), 0) limit 100",
      organisation, scope.account_id, scope.all);
}

void check_uids(sql::Tx& tx, Scope scope, std::vector<Finding>& findings) {
  auto take = [&](const sql::Row& row) {
    findings.push_back(
        mail_error(fmt::format("mailbox {} would give out UID {} again, which a message had",
                               row.text(0), row.integer(1)),
                   "mail programs may show the wrong message; please report it as a bug"));
  };
  tx.each(
      "select b.name, b.uidnext from mailbox b where (b.account_id = $1 or $2 = 1) and "
      "(exists (select 1 from placement p where p.account_id = b.account_id "
      "and p.mailbox_id = b.id and p.uid >= b.uidnext) or "
      "exists (select 1 from vanished v where v.account_id = b.account_id "
      "and v.mailbox_id = b.id and v.uid >= b.uidnext)) limit 100",
      take, scope.account_id, scope.all);
}

void check_references(sql::Tx& tx, Scope scope, std::vector<Finding>& findings) {
  auto tell = [&](std::optional<std::int64_t> count, std::string_view what,
                  std::string_view advice) {
    if (count.value_or(0) > 0)
      findings.push_back(mail_error(fmt::format("{} {}", *count, what), advice));
  };
  tell(tx.first<std::int64_t>("select count(*) from placement p left join message m "
                              "on m.account_id = p.account_id and m.id = p.message_id "
                              "where m.id is null and (p.account_id = $1 or $2 = 1)",
                              scope.account_id, scope.all),
       "entries of mailboxes name a message that does not exist", restore_advice);
  tell(tx.first<std::int64_t>("select count(*) from message m left join blob b on b.id = m.blob_id "
                              "where b.id is null and (m.account_id = $1 or $2 = 1)",
                              scope.account_id, scope.all),
       "messages have no body", restore_advice);
  tell(tx.first<std::int64_t>(
           "select count(*) from ("
           "select account_id, id from message where (account_id = $1 or $2 = 1) "
           "except select account_id, message_id from placement "
           "except select account_id, message_id from vanished where message_id is not null) as m",
           scope.account_id, scope.all),
       "messages are in no mailbox", "they take space and nobody sees them; please report it");
  if (scope.all == 0) return;
  tell(tx.first<std::int64_t>(
           "select count(*) from blob b left join (select u.blob_id, count(*) as uses from "
           "(select blob_id from message union all select blob_id from queue_message) as u "
           "group by u.blob_id) as r on r.blob_id = b.id where b.refs <> coalesce(r.uses, 0)"),
       "bodies are counted as used more or less often than they are", counters_advice);
}

std::string place(const blob::Location& at) {
  return fmt::format("segment {} at {}", at.segment, at.offset);
}

struct Body {
  std::int64_t id;
  blob::Location at;
};

std::vector<Body> next_bodies(Installation& in, Scope scope, std::int64_t after) {
  auto query = [&](sql::Tx& tx) {
    std::vector<Body> found;
    auto take = [&](const sql::Row& row) {
      found.push_back({row.integer(0),
                       {.segment = row.get<std::uint64_t>(1),
                        .offset = row.get<std::uint64_t>(2),
                        .stored = row.get<std::uint64_t>(3),
                        .size = row.get<std::uint64_t>(4)}});
    };
    if (scope.all == 1)
      tx.each(
          "select id, segment, position, stored, size from blob where id > $1 order by id limit $2",
          take, after, page);
    else
      tx.each(
          "select b.id, b.segment, b.position, b.stored, b.size from blob b where b.id > $1 and "
          "b.id in (select m.blob_id from message m where m.account_id = $3) order by b.id limit "
          "$2",
          take, after, page, scope.account_id);
    return found;
  };
  return block_on(in.db().read(query));
}

// Reads up to `bytes` of a body; compaction may have moved it since its row was read.
Result<> read_body(Installation& in, Body body, std::uint64_t bytes) {
  for (std::uint64_t offset = 0; offset < bytes; offset += piece_size) {
    auto read = in.blobs().read(body.at, offset, std::min(piece_size, bytes - offset));
    if (read && !read->empty()) continue;
    auto query = [&](sql::Tx& tx) {
      return tx.first<std::uint64_t, std::uint64_t, std::uint64_t>(
          "select segment, position, stored from blob where id = $1", body.id);
    };
    auto row = block_on(in.db().read(query));
    if (!row) return {};  // deleted meanwhile
    auto now = body.at;
    std::tie(now.segment, now.offset, now.stored) = *row;
    if (now == body.at)
      return read ? fail(Errc::corrupt, "it is shorter than it should be")
                  : std::unexpected(read.error());
    return read_body(in, {body.id, now}, bytes);
  }
  return {};
}

}  // namespace

std::vector<Finding> check_rows(Installation& in, std::optional<std::int64_t> account_id) {
  Scope scope(account_id);
  auto query = [&](sql::Tx& tx) {
    std::vector<Finding> findings;
    check_counters(tx, scope, findings);
    check_uids(tx, scope, findings);
    check_references(tx, scope, findings);
    return findings;
  };
  return block_on(in.db().read(query));
}

std::vector<Finding> check_database(Installation& in) {
  auto query = [](sql::Tx& tx) {
    std::vector<Finding> findings;
    auto take = [&](const sql::Row& row) {
      if (row.text(0) == "ok") return;
      findings.push_back({.area = "database",
                          .what = fmt::format("the database is damaged: {}", row.text(0)),
                          .advice = std::string(restore_advice)});
    };
    tx.each("pragma quick_check(20)", take);
    return findings;
  };
  return block_on(in.db().read(query));
}

Result<std::uint64_t> check_bodies(Installation& in, std::optional<std::int64_t> account_id,
                                   Progress& progress, std::vector<Finding>& findings) {
  Scope scope(account_id);
  auto count = [&](sql::Tx& tx) {
    return tx.first<std::uint64_t>(
        "select case when $2 = 1 then (select count(*) from blob) else (select "
        "count(distinct m.blob_id) from message m where m.account_id = $1) end",
        scope.account_id, scope.all);
  };
  auto total = block_on(in.db().read(count)).value_or(0);
  std::uint64_t done = 0;
  int bad = 0;
  std::int64_t after = 0;
  for (auto bodies = next_bodies(in, scope, after); !bodies.empty();
       bodies = next_bodies(in, scope, after)) {
    for (const auto& body : bodies) {
      if (progress.cancelled()) return fail(Errc::unavailable, "the check was stopped");
      progress.report(++done, total, "messages");
      auto read = read_body(in, body, scope.all == 1 ? 1 : body.at.size);
      if (!read && ++bad <= max_findings)
        findings.push_back(mail_error(
            fmt::format("a message cannot be read, {}: {}", place(body.at), read.error().text),
            restore_advice));
    }
    after = bodies.back().id;
  }
  return done;
}

Result<> check_segments(Installation& in, Progress& progress, std::vector<Finding>& findings) {
  struct Cancelled : std::runtime_error {
    Cancelled() : std::runtime_error("cancelled") {}
  };
  int bad = 0;
  auto problem = [&](const blob::Store::Problem& one) {
    if (++bad <= max_findings)
      findings.push_back(
          mail_error(fmt::format("bytes on disk are damaged, {}: {}", place(one.at), one.text),
                     restore_advice));
  };
  auto told = [&](std::uint64_t done, std::uint64_t total) {
    if (progress.cancelled()) throw Cancelled();
    progress.report(done, total, "bytes");
  };
  try {
    in.blobs().verify(problem, told);
  } catch (const Cancelled&) {
    return fail(Errc::unavailable, "the check was stopped");
  }
  return {};
}

}  // namespace todoke::app
