#pragma once

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

// What the load generators share: options, sockets, time, text, percentiles.  They speak to
// 127.0.0.0/8 only.
namespace bench {

// "--name value" pairs and "--flag"s.
class Options {
 public:
  Options(int argc, char** argv);
  long number(const std::string& name, long otherwise) const;
  std::string text(const std::string& name, const std::string& otherwise) const;
  bool has(const std::string& name) const { return values_.contains(name); }

 private:
  std::map<std::string, std::string> values_;
};

double now();      // seconds, monotonic
double own_cpu();  // seconds of processor time this process used
[[noreturn]] void die(const std::string& why);
int connect_loopback(int port);
void write_all(int fd, std::string_view bytes);

// "u{n}" with {n} replaced by the number in four digits.
std::string user_name(const std::string& pattern, long number);

// A message of about `size` bytes: header and lines of words, CRLF throughout, different for each
// `number`.
std::string make_message(long number, std::size_t size);

// The value below which `share` of the samples lie.  Sorts them.
double percentile(std::vector<double>& samples, double share);

}  // namespace bench
