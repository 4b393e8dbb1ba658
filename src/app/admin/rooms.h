#pragma once

#include "app/admin/command.h"

#include <span>

// The parts of the command table, one file each.
namespace todoke::app {

std::span<const Command> directory_commands();   // org, domain, audit
std::span<const Command> account_commands();     // account, address, login, password
std::span<const Command> mailbox_commands();     // mailbox
std::span<const Command> queue_commands();       // queue list, summary, unknown
std::span<const Command> queue_show_commands();  // queue show, why
std::span<const Command> hold_commands();       // queue hold, release, holds, retry, cancel, expire
std::span<const Command> smarthost_commands();  // smarthost
std::span<const Command> dkim_commands();       // dkim
std::span<const Command> provider_commands();   // provider
std::span<const Command> care_commands();       // check, backup, restore-account

}  // namespace todoke::app
