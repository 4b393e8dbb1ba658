#pragma once

#include "base/clock.h"
#include "sql/tx.h"

namespace todoke::queue {

// How long what became of a message can be asked, after it came.
constexpr std::chrono::days kept_evidence{30};

// Forgets messages that are over and came before `before`, with their recipients, events and
// connections, about `rows` of them at a time.  How many rows went; 0: nothing is left to forget.
int purge_some(sql::Tx& tx, Time before, int rows);

}  // namespace todoke::queue
