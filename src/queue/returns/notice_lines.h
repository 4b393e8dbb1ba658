#pragma once

#include "queue/returns/return_parser.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

// The lines of a notice in words: which of them name a recipient, and which words are about whom.
namespace todoke::queue {

struct NoticeLines {
  // With address, original_address, diagnostic and, from a transcript, remote_mta.
  std::vector<ReturnedRecipient> recipients;
  std::string preamble;  // what stands before the first recipient
};

// A line names a recipient when the address is all it says, or stands in front of a colon, or
// behind a label such as "Recipient:" or a reason and a colon.  The lines behind it are about it;
// those behind a list of recipients are about them all; lines of a transcript that name an address
// are about that one.
NoticeLines read_notice_lines(std::string_view text);

// The first address within the text, from `*from` on, which then moves behind it; empty when there
// is none.
std::string find_address(std::string_view text, std::size_t* from = nullptr);

// The only address that the text mentions beside those of mail servers and `others`, which are in
// lower case; empty when there are several.
std::string only_address(std::string_view text, const std::vector<std::string>& others);

// Finds recipients by address, in any case.
class RecipientIndex {
 public:
  explicit RecipientIndex(const std::vector<ReturnedRecipient>& recipients);
  const ReturnedRecipient* find(std::string_view address) const;

 private:
  std::unordered_map<std::string, const ReturnedRecipient*> by_address_;
};

}  // namespace todoke::queue
