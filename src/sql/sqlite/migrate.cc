#include "sql/sqlite/migrate.h"

#include "base/log.h"
#include "sql/sqlite/connection.h"

#include <fmt/format.h>

namespace todoke::sqlite {
namespace {

// Marks the file as ours in its header: "TDKE".
constexpr std::int64_t application = 0x54444b45;

Result<> apply(Connection& connection, const sql::Migration& step, Time now) {
  try {
    connection.run("begin immediate");
    connection.script(step.text);
    connection.run("insert into schema_version(number, name, applied_at) values($1, $2, $3)",
                   step.number, step.name, now);
    connection.run("commit");
  } catch (const sql::Violation& violation) {
    connection.rollback();
    return fail(Errc::invalid,
                fmt::format("migration {:04} ({}): {}", step.number, step.name, violation.what()));
  } catch (...) {
    connection.rollback();
    throw;
  }
  log::info("sql.migrated", {{"number", step.number}, {"name", step.name}});
  return {};
}

}  // namespace

Result<> claim(Connection& connection) {
  auto mark = connection.first<std::int64_t>("pragma application_id");
  if (mark == application) return {};
  auto tables = connection.first<std::int64_t>("select count(*) from sqlite_schema");
  if (mark != 0 || tables != 0)
    return fail(Errc::corrupt, "the file is a database of another program");
  connection.script(fmt::format("pragma application_id = {};", application));
  return {};
}

Result<> migrate(Connection& connection, std::span<const sql::Migration> migrations, Time now) {
  connection.run(
      "create table if not exists schema_version("
      "number integer primary key, name text not null, applied_at bigint not null)");
  auto at = *connection.first<int>("select coalesce(max(number), 0) from schema_version");
  auto last = static_cast<int>(migrations.size());
  if (at > last)
    return fail(Errc::invalid,
                fmt::format("the database has schema version {}, and this program knows only {}: "
                            "it was used by a newer version; install that version again",
                            at, last));
  for (const auto& step : migrations.subspan(static_cast<std::size_t>(at))) {
    TRY_OK(apply(connection, step, now));
  }
  return {};
}

}  // namespace todoke::sqlite
