#pragma once

#include "app/admin/arguments.h"
#include "app/admin/command.h"
#include "app/installation.h"
#include "directory/audit.h"
#include "directory/model.h"
#include "queue/control.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

// What the commands about outbound mail share.
namespace todoke::app {

// "urgent", "normal", "bulk".
std::string_view lane_name(queue::Lane lane);

// The answer of another server, or what happened instead of one: "450 4.2.2 mailbox full",
// "connection refused: …".
std::string answer_words(const queue::Outcome& outcome);
// Not longer than fits into a column.
std::string shortened(std::string text);

// "" stays; otherwise the id of a provider that we know.  Errc::not_found with words.
Result<std::string> provider_id(std::string_view text);
// The id of an organisation that is named; 0 when none is.
[[nodiscard]] Task<Result<std::int64_t>> organisation_id(Installation& in,  // NOLINT: outlives
                                                         std::optional<std::string> name);
// Names by id.
[[nodiscard]] Task<std::map<std::int64_t, std::string>> organisation_names(
    Installation& in);  // NOLINT: outlives
// Null for 0, and for those that are no more.
json::value organisation_json(const std::map<std::int64_t, std::string>& names, std::int64_t id);

// The id that was typed.  Errc::invalid: it cannot be one.
Result<std::int64_t> message_id(std::string_view text);
// What `id`, `recipient`, `provider`, `domain` and `org` among the arguments select.
[[nodiscard]] Task<Result<queue::Selection>> read_selection(Installation& in,  // NOLINT: outlives
                                                            json::object args);
// In words: "0p6k2m9q00000, recipient 2", "provider docomo"; empty: everything.
std::string describe(const queue::Selection& selection, const json::object& args);

// Writes down who did what; for changes that are made through the queue or the key ring, which
// have transactions of their own.
[[nodiscard]] Task<> write_audit(Installation& in, directory::Actor by,  // NOLINT: outlives
                                 std::int64_t organisation, std::string action, std::string target,
                                 directory::Details details);

// The parameters that these commands have in common.
inline constexpr Parameter provider_option{"provider", Kind::text, Place::option,
                                           "a provider as todoke provider list names it"};
inline constexpr Parameter organisation_option{"org", Kind::text, Place::option,
                                               "mail of this organisation"};
inline constexpr Parameter domain_option{"domain", Kind::text, Place::option,
                                         "recipients at this domain"};

}  // namespace todoke::app
