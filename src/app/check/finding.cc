#include "app/check/finding.h"

#include "app/admin/arguments.h"

#include <algorithm>

namespace todoke::app {

bool has_error(const std::vector<Finding>& findings) {
  return std::ranges::find(findings, Finding::Weight::error, &Finding::weight) != findings.end();
}

json::array findings_json(const std::vector<Finding>& findings) {
  json::array all;
  for (const auto& one : findings)
    all.push_back(
        json::object{{"weight", one.weight == Finding::Weight::error ? "error" : "warning"},
                     {"area", one.area},
                     {"what", one.what},
                     {"advice", one.advice}});
  return all;
}

std::vector<Finding> findings_from_json(const json::value& findings) {
  std::vector<Finding> all;
  if (!findings.is_array()) return all;
  for (const auto& one : findings.get_array()) {
    if (!one.is_object()) continue;
    const auto& object = one.get_object();
    all.push_back({.weight = text(object, "weight") == "warning" ? Finding::Weight::warning
                                                                 : Finding::Weight::error,
                   .area = text(object, "area"),
                   .what = text(object, "what"),
                   .advice = text(object, "advice")});
  }
  return all;
}

}  // namespace todoke::app
