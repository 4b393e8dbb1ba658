#pragma once

#include "base/clock.h"
#include "crypto/signing_key.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// Signs messages (RFC 6376, RFC 8463), always relaxed/relaxed and never with l=, which would let
// anybody add to the body.  For a message to many recipients the body is hashed once (BodyHash),
// and each copy costs its header and one signature.
namespace todoke::trust {

// In whose name a signature is made.
struct DkimIdentity {
  std::string domain;                             // d=, A-labels, lower case
  std::string selector;                           // s=
  std::shared_ptr<const crypto::SigningKey> key;  // shared by all who sign for the domain just now
};

struct DkimOptions {
  // x=: after this the signature no longer counts.  Nothing is what receivers like best; a time
  // must be later than any that the message may stay in queues.
  std::optional<Time> expires;
};

// A "DKIM-Signature" field, folded, with CRLF at its end, to be put above the header block.
//
// `header_block` are the message's fields as they will be sent; a blank line ends them.
// `body_hash` are the 32 bytes of BodyHash with relaxed.  Signed are all fields of the names that a
// reader or his program acts on; From once more than it is there, so that nobody adds a second one
// (RFC 6376 §8.15).  Takes as long as the RSA does, half a millisecond: stay off the I/O threads.
std::string sign_dkim(std::string_view header_block, std::string_view body_hash,
                      const DkimIdentity& identity, Time now, const DkimOptions& options = {});

// One field for each identity, in that order: the sender's domain and ours, RSA and Ed25519.
std::string sign_dkim(std::string_view header_block, std::string_view body_hash,
                      std::span<const DkimIdentity> identities, Time now,
                      const DkimOptions& options = {});

}  // namespace todoke::trust
