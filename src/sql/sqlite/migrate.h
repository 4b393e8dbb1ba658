#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "sql/schema.h"

#include <span>

namespace todoke::sqlite {

class Connection;

// Marks a new database as ours.  Errc::corrupt: it is one of another program.
Result<> claim(Connection& connection);

// Brings the database behind `connection` to the last of `migrations`, each step in a transaction
// of its own, and records it in schema_version.  Errc::invalid: newer than `migrations`, or a step
// failed and was undone.  Both throw sql::Unavailable.
Result<> migrate(Connection& connection, std::span<const sql::Migration> migrations, Time now);

}  // namespace todoke::sqlite
