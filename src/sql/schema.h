#pragma once

#include <span>

namespace todoke::sql {

// One step of the schema, from src/sql/schema/NNNN_name.sql.  The text is in the subset that SQLite
// and PostgreSQL share, except `without rowid`, which the PostgreSQL driver strips.
// Types: bigint, integer, text, bytea, double precision.
struct Migration {
  int number;  // 1, 2, 3 … without gaps
  const char* name;
  const char* text;  // statements, each ended by a semicolon
};

// All migrations in order, as they stood in the tree when this program was built.
std::span<const Migration> migrations();

}  // namespace todoke::sql
