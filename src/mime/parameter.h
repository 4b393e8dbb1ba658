#pragma once

#include <string>
#include <string_view>
#include <vector>

// Parameters of Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2183, RFC 2231).
namespace todoke::mime {

struct Parameter {
  std::string name;  // lower case
  std::string value;
  friend bool operator==(const Parameter&, const Parameter&) = default;
};

struct Parameters {
  // Continuations joined, charsets converted to UTF-8, and RFC 2047 words inside values decoded,
  // which no standard allows and half of the world writes.  Never CR, LF or NUL.
  std::vector<Parameter> decoded;
  // As they stand in the field, unquoted only; empty when that is the same as `decoded`.
  std::vector<Parameter> raw;

  // What IMAP's BODYSTRUCTURE sends: clients decode RFC 2231 themselves.
  const std::vector<Parameter>& as_sent() const { return raw.empty() ? decoded : raw; }
  // The decoded value, or null.
  const std::string* find(std::string_view name) const;

  friend bool operator==(const Parameters&, const Parameters&) = default;
};

struct ParameterField {
  std::string value;  // before the first semicolon, without comments, as written
  Parameters parameters;
  bool truncated = false;  // there were more than max_parameters
};

// Takes the raw value of a field, folds included.  Never fails: what is no parameter is passed
// over.
ParameterField parse_parameter_field(std::string_view raw_value);

}  // namespace todoke::mime
