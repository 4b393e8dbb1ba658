#pragma once

#include "app/admin/progress.h"
#include "app/check/finding.h"
#include "app/installation.h"
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <vector>

// Whether what is stored makes sense.  All of this blocks: it runs on a thread of its own.
namespace todoke::app {

// Rows against rows: counters, references, UIDs.  Of one account, or of all and what they share.
std::vector<Finding> check_rows(Installation& in, std::optional<std::int64_t> account_id);

// The database file itself, as its driver sees it.
std::vector<Finding> check_database(Installation& in);

// Reads every message of an account to its end, or the beginning of every body there is: the place
// that a row names must hold a whole record.  Answers how many were read.
Result<std::uint64_t> check_bodies(Installation& in, std::optional<std::int64_t> account_id,
                                   Progress& progress, std::vector<Finding>& findings);

// Every record of every segment by its checksum.
Result<> check_segments(Installation& in, Progress& progress, std::vector<Finding>& findings);

}  // namespace todoke::app
