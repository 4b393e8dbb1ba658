#pragma once

#include "app/admin/command.h"

#include <span>

// The parts of the command table, one file each.
namespace todoke::app {

std::span<const Command> directory_commands();  // org, domain, audit
std::span<const Command> account_commands();    // account, address, login, password
std::span<const Command> mailbox_commands();    // mailbox
std::span<const Command> queue_commands();      // queue
std::span<const Command> care_commands();       // check, backup, restore-account

}  // namespace todoke::app
