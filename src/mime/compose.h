#pragma once

#include "base/result.h"
#include "mime/header_writer.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Builds messages.  The result has CRLF line ends only, no line over 998 bytes, and is 7-bit unless
// addresses in UTF-8 were allowed.
namespace todoke::mime {

// A body part to be written.
struct Entity {
  std::string type = "text";
  std::string subtype = "plain";
  std::vector<Parameter>
      parameters;           // without charset (text) and boundary (multipart): those are ours
  std::string disposition;  // "attachment", "inline" or nothing
  std::string file_name;    // UTF-8; written as the disposition's filename
  std::string content_id;   // without angle brackets
  std::string description;  // UTF-8
  // Of text/*: UTF-8 with any line ends.  Of message/*: ASCII with any line ends, lines up to 998.
  // Of others: bytes.  Of multipart/*: nothing.
  std::string content;
  std::vector<Entity> children;  // of multipart/* only
};

Entity text_entity(std::string subtype, std::string utf8);
Entity attachment(std::string type, std::string subtype, std::string file_name, std::string bytes);
Entity multipart(std::string subtype, std::vector<Entity> children);

// The whole message: `header` with what the caller wrote, then MIME-Version, the content fields and
// the body.  `boundary_seed` varies the boundaries (the Message-ID will do); they never occur in
// the body.  Refuses, with `invalid`, parts nested deeper than max_depth and content that
// contradicts its type.
Result<std::string> compose(HeaderWriter header, const Entity& body,
                            std::string_view boundary_seed);

// An ordinary letter.
struct Letter {
  Date date;
  std::string message_id;  // without angle brackets
  AddressList from;
  std::optional<Address> sender;
  AddressList reply_to;
  AddressList to;
  AddressList cc;
  std::string subject;
  std::vector<std::string> in_reply_to;
  std::vector<std::string> references;
  std::vector<std::pair<std::string, std::string>> extra;  // further fields of free text
  std::string text;                                        // plain text, always there
  std::string html;  // becomes multipart/alternative when not empty
  std::vector<Entity> attachments;
  HeaderWriter::AddressCharset address_charset = HeaderWriter::AddressCharset::ascii;
};
Result<std::string> compose(const Letter& letter);

}  // namespace todoke::mime
