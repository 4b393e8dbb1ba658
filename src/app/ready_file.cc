#include "app/ready_file.h"

#include <boost/json.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace todoke::app {
namespace {

namespace json = boost::json;

Result<json::value> read_json(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  boost::system::error_code error;
  auto value = json::parse(text.str(), error);
  if (!file || error) return fail(Errc::invalid, "cannot read " + path + " as JSON");
  return value;
}

}  // namespace

Result<> write_ready_file(const std::string& path, const std::vector<Reachable>& reachable,
                          const std::string& accounts_file) {
  json::object root;
  for (const auto& one : reachable)
    root[one.protocol] = {{"host", one.address}, {"port", one.port}};
  root["accounts"] = json::array();
  if (!accounts_file.empty()) {
    TRY(root["accounts"], read_json(accounts_file));
  }
  root["pid"] = getpid();
  auto draft = path + ".new";
  std::ofstream file(draft, std::ios::trunc);
  file << json::serialize(root) << '\n';
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(draft, path, error);
  if (!file || error) return fail(Errc::unavailable, "cannot write " + path);
  return {};
}

}  // namespace todoke::app
