#pragma once

#include "blob/store.h"
#include "queue/event.h"
#include "smtp/syntax/command.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

// What the sender works on: messages and their recipients as they stand in the queue's tables.
namespace todoke::queue {

// Stored; the numbers stay.
enum class Lane { urgent = 0, normal = 1, bulk = 2 };

// Under which address a message goes out, and to which its bounces come back.
enum class ReturnPath {
  as_given = 0,      // the reverse-path of the message
  per_recipient = 1  // a token of the recipient's own, at the reverse-path's domain (VERP)
};

struct Message {
  std::int64_t id = 0;
  std::int64_t organisation_id = 0;        // 0: of none
  std::optional<std::int64_t> account_id;  // who submitted it
  std::int64_t blob_id = 0;
  blob::Location body;
  std::string reverse_path;  // without brackets; empty: the null reverse-path
  ReturnPath return_path = ReturnPath::as_given;
  std::string renderer;  // which renderer writes the copies; empty: sent as stored
  std::string envid;
  std::optional<smtp::Ret> ret;
  smtp::Body body_type = smtp::Body::seven_bit;
  bool smtp_utf8 = false;
  bool require_tls = false;
  Lane lane = Lane::normal;
  Time created_at{};
  Time useful_until{};
  bool is_firm = false;  // useful_until stands although its provider is held
};

// One recipient, taken to be tried.
struct Job {
  RecipientId id;
  std::string address;       // as given, quoted only where the sender did
  int attempts = 0;          // that ended before
  int unknown_refusals = 0;  // among them: for good, in words that no rule knows
  Time due_at{};
  std::optional<smtp::Notify> notify;
  std::optional<smtp::OriginalRecipient> original_recipient;
  std::shared_ptr<const Message> message;  // shared with the message's other recipients
};

}  // namespace todoke::queue
