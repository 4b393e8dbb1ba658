#include "directory/audit.h"

#include "directory/impl.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::directory {
namespace {

constexpr int max_events = 1000;

// RFC 8259 §7.  The text is UTF-8 already.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < 32)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out += '"';
}

}  // namespace

Details& Details::add(std::string_view name, std::string_view text) {
  return add_raw(name, quoted(text));
}

Details& Details::add_raw(std::string_view name, std::string_view json) {
  if (!members_.empty()) members_ += ',';
  ((members_ += quoted(name)) += ':') += json;
  return *this;
}

void Change::audit(std::int64_t organisation, std::string_view action, std::string_view target,
                   const Details& details) {
  tx.run(
      "insert into audit (organisation_id, id, at, actor, action, target, detail, source) "
      "values ($1, $2, $3, $4, $5, $6, $7, $8)",
      organisation, new_id(), now, by.name, action, target, details.json(), by.source);
}

Task<std::vector<AuditEvent>> Directory::audit(std::optional<std::string> organisation, int limit) {
  const int count = std::clamp(limit, 0, max_events);
  auto query = [&](sql::Tx& tx) {
    std::vector<AuditEvent> events;
    auto take = [&](const sql::Row& row) {
      events.push_back({.id = row.get<std::int64_t>(0),
                        .at = row.get<Time>(1),
                        .organisation = row.get<std::string>(2),
                        .actor = row.get<std::string>(3),
                        .action = row.get<std::string>(4),
                        .target = row.get<std::string>(5),
                        .detail = row.get<std::string>(6),
                        .source = row.get<std::string>(7)});
    };
    if (organisation)
      tx.each(
          "select a.id, a.at, o.name, a.actor, a.action, a.target, a.detail, a.source "
          "from organisation o join audit a on a.organisation_id = o.id "
          "where o.name = $1 order by a.id desc limit $2",
          take, *organisation, count);
    else
      tx.each(
          "select a.id, a.at, o.name, a.actor, a.action, a.target, a.detail, a.source "
          "from audit a left join organisation o on o.id = a.organisation_id "
          "order by a.id desc limit $1",
          take, count);
    return events;
  };
  co_return co_await impl_->db.read(query);
}

}  // namespace todoke::directory
