#pragma once

#include "base/result.h"
#include "provider/pattern.h"
#include "provider/reply_class.h"
#include "smtp/syntax/reply.h"
#include "smtp/syntax/stage.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::provider {

// Which of our identities the words of the provider blame, so that only this one is slowed down.
enum class Named { none, ip, netblock, dkim_domain, spf_domain, url_domain, message_id };
std::string_view to_text(Named named);
std::optional<Named> parse_named(std::string_view text);

// How far a failure reaches beyond what its class says.
enum class Scope {
  usual,
  session,    // only this connection had enough: close it and go on with another
  recipient,  // a rate of this one recipient; the provider as such is well
};
std::string_view to_text(Scope scope);
std::optional<Scope> parse_scope(std::string_view text);

// Which attempts a rule speaks of: a greylisting server refuses the first and takes a later one.
enum class Attempt { any, first, later };
std::optional<Attempt> parse_attempt(std::string_view text);

// What came back from an attempt, or what a later bounce quotes of it.
struct Response {
  smtp::Stage stage = smtp::Stage::connect;  // a later bounce is end_of_data
  // Other than `none`: no reply decided, and code, enhanced and text do not count.
  smtp::Breakdown breakdown = smtp::Breakdown::none;
  int code = 0;                                // 0: not known, as in a bounce that quotes no reply
  std::optional<smtp::EnhancedCode> enhanced;  // a final bounce without a status has 5.0.0
  std::string_view text;                       // lines joined by blanks; any bytes
  bool first_attempt = false;                  // of this message to this recipient
};

// A reply made up by us in the form a provider uses, as it stands in the data file:
//   "rcpt 550 5.1.1 User unknown"   a stage (dns connect ehlo starttls auth mail rcpt data end),
//                                   a code or "-", an enhanced code if there is one, the text
//   "connect reset"                 a stage and a breakdown (refused reset timeout closed
//                                   unreachable tls garbage dns)
//   "again rcpt 451 …"              at a later attempt
struct Fixture {
  std::string source;  // as written
  smtp::Stage stage = smtp::Stage::connect;
  smtp::Breakdown breakdown = smtp::Breakdown::none;
  int code = 0;
  std::optional<smtp::EnhancedCode> enhanced;
  std::string text;
  bool first_attempt = true;

  static Result<Fixture> parse(std::string_view source);
  // Refers to this fixture.
  Response response() const;
};

std::optional<smtp::Stage> parse_stage(std::string_view word);
std::optional<smtp::Breakdown> parse_breakdown(std::string_view word);

// "550", "5xx" or "45x".
class CodePattern {
 public:
  static Result<CodePattern> parse(std::string_view text);
  bool matches(int code) const { return code >= low_ && code <= high_; }
  int code_class() const { return low_ / 100; }

 private:
  int low_ = 0;
  int high_ = 0;
};

// "5.7.26", "x.7.26", "5.7.x", "5.7.606-649".
class EnhancedPattern {
 public:
  static Result<EnhancedPattern> parse(std::string_view text);
  bool matches(const smtp::EnhancedCode& code) const;

 private:
  struct Range {
    int low = 0;
    int high = 999;
  };
  std::array<Range, 3> parts_;
};

class ReplyText;

// One line of what we know: such a reply means this.  Every condition that is given must hold.
struct Rule {
  // "gmail.rate-ip": the provider's id, or "global", "enhanced" or "code", and its own name.
  std::string id;
  // Bit n: stage or breakdown n; 0 means any stage, and replies only.
  std::uint32_t stages = 0;
  std::uint32_t breakdowns = 0;
  Attempt attempt = Attempt::any;
  std::vector<CodePattern> codes;         // one of them
  std::vector<EnhancedPattern> enhanced;  // one of them
  std::vector<Pattern> all;               // every one
  std::vector<Pattern> any;               // one of them
  std::vector<Pattern> none;              // not one
  ReplyClass reply_class = ReplyClass::unknown;
  Named named = Named::none;
  Scope scope = Scope::usual;
  std::vector<Fixture> fixtures;     // at least one; each is classified by this very rule
  std::vector<Fixture> near_misses;  // and none of these

  bool matches(const Response& response, const ReplyText& text) const;

 private:
  bool matches_code(const ReplyText& text) const;
};

}  // namespace todoke::provider
