#pragma once

#include <string>
#include <vector>

namespace boost::json {
class array;
class value;
}  // namespace boost::json

namespace todoke::app {

// One thing that is not as it should be, in plain words.
struct Finding {
  enum class Weight { error, warning };
  Weight weight = Weight::error;
  std::string area;    // "configuration", "certificate", "ports", "disk", "database", "mail" …
  std::string what;    // what is wrong
  std::string advice;  // what to do about it; may be empty
  bool operator==(const Finding&) const = default;
};

// Whether something is broken, and not only worth a thought.
bool has_error(const std::vector<Finding>& findings);

boost::json::array findings_json(const std::vector<Finding>& findings);
std::vector<Finding> findings_from_json(const boost::json::value& findings);

}  // namespace todoke::app
