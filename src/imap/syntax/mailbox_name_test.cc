#include "imap/syntax/mailbox_name.h"

#include <doctest/doctest.h>

using namespace todoke::imap;

TEST_CASE("modified UTF-7, RFC 3501 §5.1.3") {
  CHECK(to_modified_utf7("~peter/mail/台北/日本語") == "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
  CHECK(from_modified_utf7("~peter/mail/&U,BTFw-/&ZeVnLIqe-") == "~peter/mail/台北/日本語");
  CHECK(from_modified_utf7("A&-B") == "A&B");
  CHECK(to_modified_utf7("A&B&") == "A&-B&-");
  CHECK(to_modified_utf7("a.b", ".") == "a&AC4-b");
  CHECK(to_modified_utf7("") == "");
  CHECK(to_modified_utf7("\x01\x7F") == "&AAEAfw-");
  for (std::string_view bad :
       {"&", "&ABC", "&AB-", "&//8-", "\x80", "&2AA-", "&3AA-", "a\x7F", "&A-", "&ZeVnLIqe"})
    CHECK(!from_modified_utf7(bad).has_value());
}

TEST_CASE("characters of four bytes are pairs of surrogates") {
  CHECK(to_modified_utf7("📬 in") == "&2D3c7A- in");
  CHECK(from_modified_utf7("&2D3c7A- in") == "📬 in");
  CHECK(from_modified_utf7(to_modified_utf7("届け📬届け")) == "届け📬届け");
}

TEST_CASE("names from the wire") {
  using enum NameForm;
  CHECK(name_from_wire("&ZeVnLIqe-", modified_utf7) == "日本語");
  CHECK(name_from_wire("&ZeVnLIqe-", utf8) == "&ZeVnLIqe-");
  CHECK(name_from_wire("日本語", utf8) == "日本語");
  CHECK(name_from_wire("日本語", modified_utf7) == "日本語");
  CHECK(name_from_wire("A&B", modified_utf7) == "A&B");
  CHECK(name_from_wire("R&D/日本", modified_utf7) == "R&D/日本");
  CHECK(name_from_wire("\xE4", modified_utf7) == std::nullopt);
  CHECK(name_from_wire("\xE4", utf8) == std::nullopt);
  CHECK(name_from_wire("inbox", utf8) == "INBOX");
  CHECK(name_from_wire("Inbox/Sub", modified_utf7) == "INBOX/Sub");
  CHECK(name_from_wire("inboxes", modified_utf7) == "inboxes");
  CHECK(name_from_wire("a/inbox", modified_utf7) == "a/inbox");
  CHECK(name_from_wire("", modified_utf7) == "");
}

TEST_CASE("names to the wire") {
  CHECK(name_to_wire("日本語", NameForm::modified_utf7) == "&ZeVnLIqe-");
  CHECK(name_to_wire("日本語", NameForm::utf8) == "日本語");
  // What was broken comes back in the canonical form, and means the same.
  CHECK(name_to_wire("A&B", NameForm::modified_utf7) == "A&-B");
}

TEST_CASE("RFC 9051 §6.3.9: patterns") {
  CHECK(matches_pattern("INBOX", "*"));
  CHECK(matches_pattern("a/b", "*"));
  CHECK(matches_pattern("a", "%"));
  CHECK_FALSE(matches_pattern("a/b", "%"));
  CHECK(matches_pattern("a/b", "%/%"));
  CHECK(matches_pattern("a/b/c", "a/*c"));
  CHECK(matches_pattern("a/b/c", "a*"));
  CHECK_FALSE(matches_pattern("a/b/c", "a%"));
  CHECK_FALSE(matches_pattern("a/b/c", "a/%"));
  CHECK(matches_pattern("a/b/c", "a/%/c"));
  CHECK(matches_pattern("a//c", "a/%/c"));
  CHECK(matches_pattern("Archive/2026", "Arch%/20%6"));
  CHECK(matches_pattern("foo", "foo"));
  CHECK_FALSE(matches_pattern("foo", "Foo"));
  CHECK_FALSE(matches_pattern("foo", "fo"));
  CHECK_FALSE(matches_pattern("foo", "fooo"));
  CHECK(matches_pattern("", ""));
  CHECK(matches_pattern("", "%*"));
  CHECK_FALSE(matches_pattern("a", ""));
  CHECK(matches_pattern("a.b", "%.%", '.'));
  CHECK(matches_pattern("日本/語", "日%/*"));
  CHECK(matches_pattern("aXbXc", "a*b*c"));
  CHECK_FALSE(matches_pattern("aXbXd", "a*b*c"));
}

TEST_CASE("INBOX matches in any case") {
  CHECK(matches_pattern("INBOX", "inbox"));
  CHECK(matches_pattern("INBOX/Sent", "Inbox/%"));
  CHECK(matches_pattern("INBOX", "inb%"));
  CHECK_FALSE(matches_pattern("INBOX/Sent", "INBOX/sent"));
  CHECK_FALSE(matches_pattern("INBOXES", "inboxes"));
}
