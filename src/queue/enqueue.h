#pragma once

#include "base/clock.h"
#include "queue/backlog.h"
#include "smtp/syntax/command.h"
#include "sql/tx.h"

#include <optional>
#include <string>
#include <vector>

// Putting mail into the outbound queue, inside the accepting transaction.
namespace todoke::queue {

struct NewRecipient {
  smtp::Path path;     // as given
  std::string domain;  // lower case
  std::optional<smtp::Notify> notify;
  std::optional<smtp::OriginalRecipient> original_recipient;
};

struct NewMessage {
  std::int64_t id = 0;
  std::int64_t organisation_id = 0;  // 0: mail of no organisation, such as a forward
  std::optional<std::int64_t> account_id;
  // The body, to which the caller counts one reference.  It may be shared with mailboxes of ours,
  // so it begins with a Return-Path line, which the sender leaves out (RFC 5321 §4.4).
  std::int64_t blob_id = 0;
  std::int64_t size = 0;
  std::string reverse_path;  // without brackets; empty: the null reverse-path
  std::string envid;
  std::optional<smtp::Ret> ret;
  smtp::Body body = smtp::Body::seven_bit;
  bool smtp_utf8 = false;
  bool require_tls = false;
  ReturnPath return_path = ReturnPath::as_given;
  std::string renderer;  // who writes each copy; empty: sent as stored
  Lane lane = Lane::normal;
  Time created_at{};
  std::optional<Time> not_before;    // of the first attempts; nothing: at once
  std::optional<Time> useful_until;  // a firm end; nothing: default_lifetime, without what was held
  std::vector<NewRecipient> recipients;
};

// Each message is worth sending for this long unless it says otherwise (RFC 5321 §4.5.4.1).
constexpr std::chrono::days default_lifetime{5};

// Where new mail waits; for Queue::wake(), once the transaction is committed.
std::vector<LineKey> lines_of(const NewMessage& message);

void enqueue(sql::Tx& tx, const NewMessage& message);

}  // namespace todoke::queue
