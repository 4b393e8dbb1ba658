#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace boost::json {
class value;
}

// Answers for people: aligned tables and plain words, made from the JSON that programs get.
namespace todoke::app {

std::string render(const boost::json::value& answer);

// "12.3 MB"; powers of 1000, as disks are sold.
std::string human_size(std::int64_t bytes);

// Text that cannot move the cursor or change colours: mail is written by strangers.
std::string printable(std::string_view text);

// Columns that a text takes on a terminal: Japanese characters take two.
std::size_t display_width(std::string_view text);

}  // namespace todoke::app
