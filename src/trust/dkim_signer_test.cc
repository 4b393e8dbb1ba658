#include "trust/dkim_signer.h"

#include "base/ascii.h"
#include "crypto/digest.h"
#include "mime/header.h"
#include "trust/dkim_canonical.h"
#include "trust/test_vectors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <sstream>

using namespace todoke;
using namespace todoke::trust;

namespace {

const Time now = from_micros(1'795'316'400'000'000);

DkimIdentity ed25519_identity() {
  return {"football.example.com", "brisbane",
          std::make_shared<crypto::SigningKey>(rfc8463::ed25519_key())};
}
DkimIdentity rsa_identity() {
  return {"football.example.com", "test", std::make_shared<crypto::SigningKey>(rfc8463::rsa_key())};
}

// RFC 6376 §3.2: tag=value; with white space anywhere around.
std::map<std::string, std::string> tags_of(std::string_view field) {
  std::map<std::string, std::string> tags;
  std::string text(field.substr(field.find(':') + 1));
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  std::istringstream list(text);
  for (std::string tag; std::getline(list, tag, ';');)
    tags[tag.substr(0, tag.find('='))] = tag.substr(tag.find('=') + 1);
  return tags;
}

// Signs anew what a verifier would find signed, following h= alone (RFC 6376 §3.7 and §5.4.2);
// both algorithms always give the same signature for the same data.
std::string expected_signature(std::string_view field, std::string_view header,
                               const crypto::SigningKey& key) {
  auto fields = mime::split_header(header);
  std::istringstream names(tags_of(field).at("h"));
  std::string data;
  for (std::string name; std::getline(names, name, ':');) {
    auto same = [&](const mime::HeaderField& f) {
      return ascii::equal_ignoring_case(f.name, name);
    };
    auto found = std::find_if(fields.rbegin(), fields.rend(), same);
    if (found == fields.rend()) continue;
    append_canonical_field(data, Canonicalization::relaxed, found->name, found->raw_value);
    fields.erase(std::next(found).base());
  }
  auto without_b = field.substr(0, field.find("b=", field.find("bh=") + 3) + 2);
  append_canonical_field(data, Canonicalization::relaxed, "DKIM-Signature",
                         without_b.substr(without_b.find(':') + 1));
  data.resize(data.size() - 2);
  return base64_encode(key.sign(crypto::sha256(data)));
}

void check_signature(std::string_view header, const DkimIdentity& identity) {
  const auto field = sign_dkim(header, body_hash("Hello\r\n"), identity, now);
  CAPTURE(field);
  CHECK(tags_of(field).at("b") == expected_signature(field, header, *identity.key));
  CHECK(field.starts_with("DKIM-Signature: v=1; a="));
  CHECK(field.ends_with("\r\n"));
  CHECK(mime::split_header(field).size() == 1);
  std::istringstream lines(field);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 79);
}

}  // namespace

// The RFC's own field, signed with its keys: everything but the way that we write our field.
TEST_CASE("dkim signer: the examples of RFC 8463 appendix A") {
  CHECK(base64_encode(body_hash(rfc8463::body)) == rfc8463::body_hash);
  auto signature = [](const crypto::SigningKey& key, std::string_view own_field) {
    std::string data;
    for (const auto& field : mime::split_header(rfc8463::header)) {
      auto wanted = std::string_view(" From To Subject Date Message-ID ");
      REQUIRE(wanted.find(field.name) != std::string_view::npos);
      append_canonical_field(data, Canonicalization::relaxed, field.name, field.raw_value);
    }
    append_canonical_field(data, Canonicalization::relaxed, "DKIM-Signature", own_field);
    data.resize(data.size() - 2);
    return base64_encode(key.sign(crypto::sha256(data)));
  };
  CHECK(signature(rfc8463::ed25519_key(),
                  " v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
                  " d=football.example.com; i=@football.example.com;\r\n"
                  " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
                  " subject : date : message-id : from : subject : date;\r\n"
                  " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=") ==
        "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==");
  CHECK(
      signature(rfc8463::rsa_key(),
                " v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
                " d=football.example.com; i=@football.example.com;\r\n"
                " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
                " date : message-id : from : subject : date;\r\n"
                " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=") ==
      "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9"
      "mPYQTnGdaSGsgeefOsk2JzdA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=");
}

// RFC 6376 §A.2, with simple for header and body: canonical forms and RSA, once more.
TEST_CASE("dkim signer: the example of RFC 6376 appendix A") {
  constexpr std::string_view body =
      "Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n";
  CHECK(base64_encode(body_hash(body, Canonicalization::simple)) == rfc8463::body_hash);
  const auto key = crypto::SigningKey::from_pem(rfc6376::rsa_private);
  REQUIRE(key.has_value());
  const auto header =
      "Received: from client1.football.example.com  [192.0.2.1]\r\n"
      "      by submitserver.example.com with SUBMISSION;\r\n"
      "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n" +
      std::string(rfc8463::header);
  std::string data;
  for (const auto& field : mime::split_header(header))
    append_canonical_field(data, Canonicalization::simple, field.name, field.raw_value);
  append_canonical_field(data, Canonicalization::simple, "DKIM-Signature",
                         " v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"
                         "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"
                         "      h=Received : From : To : Subject : Date : Message-ID;\r\n"
                         "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                         "      b=;");
  data.resize(data.size() - 2);
  CHECK(
      base64_encode(key->sign(crypto::sha256(data))) ==
      "AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+Na"
      "hM6L/LbvaHutKVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV4bmp/YzhwvcubU4=");
}

TEST_CASE("dkim signer: the field") {
  const auto hash = body_hash(rfc8463::body);
  auto tags = tags_of(sign_dkim(rfc8463::header, hash, ed25519_identity(), now));
  CHECK(tags["v"] == "1");
  CHECK(tags["a"] == "ed25519-sha256");
  CHECK(tags["c"] == "relaxed/relaxed");
  CHECK(tags["d"] == "football.example.com");
  CHECK(tags["s"] == "brisbane");
  CHECK(tags["t"] == "1795316400");
  CHECK(tags["h"] == "From:From:To:Subject:Date:Message-ID");
  CHECK(tags["bh"] == rfc8463::body_hash);
  CHECK(!tags.contains("l"));
  CHECK(!tags.contains("x"));

  DkimOptions options{.expires = now + std::chrono::days(7)};
  tags = tags_of(sign_dkim(rfc8463::header, hash, rsa_identity(), now, options));
  CHECK(tags["a"] == "rsa-sha256");
  CHECK(tags["x"] == std::to_string(1795316400 + 7 * 86400));
}

TEST_CASE("dkim signer: what is signed") {
  auto names = [](std::string_view header) {
    return tags_of(sign_dkim(header, body_hash(""), ed25519_identity(), now)).at("h");
  };
  CHECK(names("") == "From");
  CHECK(names("from: a@x\r\nFROM : b@x\r\n") == "From:From:From");
  CHECK(names("Received: x\r\nReturn-Path: <>\r\nDKIM-Signature: x\r\nBcc: x\r\nX-Any: x\r\n"
              "To: a@x\r\nFrom: a@x\r\nTo: b@x\r\n") == "From:From:To:To");
  CHECK(names("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFeedback-ID: 1:2:3:todoke\r\n"
              "List-Unsubscribe: <https://x/u>\r\nList-Id: <a.x>\r\nAuto-Submitted: no\r\n"
              "References: <a>\r\nIn-Reply-To: <a>\r\nCc: c@x\r\nReply-To: r@x\r\n"
              "Content-Transfer-Encoding: 8bit\r\nContent-Type: text/plain\r\n"
              "MIME-Version: 1.0\r\n") ==
        "From:Reply-To:Cc:In-Reply-To:References:MIME-Version:Content-Type:"
        "Content-Transfer-Encoding:List-Id:List-Unsubscribe:List-Unsubscribe-Post:Feedback-ID:"
        "Auto-Submitted");
  // The header ends at the blank line.
  CHECK(names("From: a@x\r\n\r\nTo: a@x\r\n") == "From:From");
}

TEST_CASE("dkim signer: what a verifier recomputes from h= is what was signed") {
  const std::string many = [] {
    std::string to = "From: a@x\r\n";
    for (int i = 0; i < 40; ++i) to += "To: number" + std::to_string(i) + "@example.jp\r\n";
    return to;
  }();
  for (const auto& identity : {ed25519_identity(), rsa_identity()}) {
    check_signature(rfc8463::header, identity);
    check_signature("Subject:\r\n =?utf-8?B?5bGK44GR?=\r\n\tand more  \r\nfrom:a@x\r\n", identity);
    check_signature("Subject : 届け\nFrom:\ta@x\nTo: one@x\nto: two@x\n", identity);
    check_signature("From: a@x", identity);
    check_signature("", identity);
    check_signature(many, identity);
  }
}

// Whoever sends a bare CR has its peer see two lines.
TEST_CASE("dkim signer: a bare CR in the header is the line end that it will be") {
  const auto identity = ed25519_identity();
  const auto hash = body_hash("");
  const auto signed_as_is = sign_dkim("From: a@x\rTo: b@x\r\n", hash, identity, now);
  CHECK(signed_as_is == sign_dkim("From: a@x\r\nTo: b@x\r\n", hash, identity, now));
  CHECK(signed_as_is == sign_dkim("From: a@x\nTo: b@x\n", hash, identity, now));
}

TEST_CASE("dkim signer: several identities give a field each, in order") {
  const auto hash = body_hash(rfc8463::body);
  const DkimIdentity both[] = {rsa_identity(), ed25519_identity()};
  CHECK(sign_dkim(rfc8463::header, hash, both, now) ==
        sign_dkim(rfc8463::header, hash, both[0], now) +
            sign_dkim(rfc8463::header, hash, both[1], now));
  CHECK(sign_dkim(rfc8463::header, hash, std::span<const DkimIdentity>(), now).empty());
}
