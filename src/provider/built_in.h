#pragma once

#include "provider/book.h"

#include <array>
#include <string_view>
#include <utility>

namespace todoke::provider {

// The text of data/providers.toml as it was when this program was built (embed_data.cmake).
std::string_view built_in_toml();

// The names of the quirks in the data file.
inline constexpr std::array<std::pair<std::string_view, bool Quirks::*>, 9> all_quirks = {{
    {"allows_odd_local_parts", &Quirks::allows_odd_local_parts},
    {"refuses_odd_local_parts", &Quirks::refuses_odd_local_parts},
    {"discards_silently", &Quirks::discards_silently},
    {"needs_tls", &Quirks::needs_tls},
    {"needs_message_id", &Quirks::needs_message_id},
    {"needs_unique_message_ids", &Quirks::needs_unique_message_ids},
    {"checks_spf_of_header_from", &Quirks::checks_spf_of_header_from},
    {"avoids_full_hours", &Quirks::avoids_full_hours},
    {"reports_complaints", &Quirks::reports_complaints},
}};

}  // namespace todoke::provider
