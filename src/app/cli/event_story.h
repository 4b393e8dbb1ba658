#pragma once

#include <string>
#include <string_view>

namespace boost::json {
class array;
}

namespace todoke::app {

// What happened to a recipient, as `queue show` tells it to people: a line for each event, below it
// who was there and what was said.
std::string event_story(const boost::json::array& events, std::string_view indent);

}  // namespace todoke::app
