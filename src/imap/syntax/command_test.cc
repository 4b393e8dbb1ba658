#include "imap/syntax/test_parse.h"

using namespace todoke;
using namespace todoke::imap;
using namespace std::string_view_literals;

TEST_CASE("tags") {
  CHECK(parse_command("a001 NOOP")->tag == "a001");
  CHECK(parse_command("[x].]= noop ")->tag == "[x].]=");
  CHECK(parse_command("a NOOP")->command.has_value());
  for (auto text : {""sv, " NOOP"sv, "+ NOOP"sv, "a+b NOOP"sv, "a(b NOOP"sv, "a\\b NOOP"sv,
                    "a\r\nb NOOP"sv, "\"a\" NOOP"sv, "\xE4 NOOP"sv, "a\0 NOOP"sv, "* NOOP"sv}) {
    CAPTURE(text);
    CHECK_FALSE(parse_command(text).has_value());
  }
  CHECK_FALSE(parse_command("a")->command.has_value());
  CHECK_FALSE(parse_command("a ")->command.has_value());
}

TEST_CASE("commands without arguments") {
  CHECK(is<Capability>("CAPABILITY"));
  CHECK(is<Noop>("noop"));
  CHECK(is<Noop>("NOOP  "));
  CHECK(is<Logout>("LogOut"));
  CHECK(is<StartTls>("STARTTLS"));
  CHECK(is<Unauthenticate>("UNAUTHENTICATE"));
  CHECK(is<Namespace>("NAMESPACE"));
  CHECK(is<Idle>("IDLE"));
  CHECK(is<Check>("CHECK"));
  CHECK(is<Close>("CLOSE"));
  CHECK(is<Unselect>("UNSELECT"));
  CHECK(is<Expunge>("EXPUNGE"));
  CHECK(refusal("NOOP x") == "more than the command takes");
  CHECK(refusal("EXPUNGE 1:2") == "more than the command takes");
  CHECK(refusal("FOO") == "bad command FOO");
  CHECK(refusal("UID") == "an argument is missing");
  CHECK(refusal("UID NOOP") == "bad command NOOP");
  CHECK(refusal(" NOOP") == "a command is missing");
  CHECK(refusal("NOOP\r\nb LOGOUT") == "more than the command takes");
  CHECK(refusal("F\xE4") == "bad command F");
}

TEST_CASE("strings in every form") {
  auto is_login = [](std::string_view line, std::string_view user, std::string_view password) {
    auto login = parse<Login>(line);
    CHECK(login.user == user);
    CHECK(login.password == password);
  };
  is_login("LOGIN SMITH SESAME", "SMITH", "SESAME");
  is_login("LOGIN a]b \"\"", "a]b", "");
  is_login(R"(LOGIN "a \"b\" \\" "{5}")", "a \"b\" \\", "{5}");
  is_login("LOGIN {11}\r\nFRED FOOBAR {7}\r\nfat man", "FRED FOOBAR", "fat man");
  is_login("login {2+}\r\na\r {0}\r\n", "a\r", "");
  is_login("LOGIN \"届け\" {3}\r\n\xE4\r\n", "届け", "\xE4\r\n");
  is_login("LOGIN ann NIL", "ann", "NIL");
}

TEST_CASE("strings that are ambiguous are refused") {
  for (auto line : {"LOGIN"sv,
                    "LOGIN "sv,
                    "LOGIN a"sv,
                    "LOGIN a "sv,
                    "LOGIN a b c"sv,
                    "LOGIN  a b"sv,
                    "LOGIN a  b"sv,
                    "LOGIN \"a b"sv,
                    "LOGIN \"a\r\n\" b"sv,
                    "LOGIN \"a\n\" b"sv,
                    "LOGIN \"a\0\" b"sv,
                    "LOGIN \"a\\b\" c"sv,
                    "LOGIN \"a\\"sv,
                    "LOGIN \"a\"b c"sv,
                    "LOGIN {3}\r\nab"sv,
                    "LOGIN {3}\nabc d"sv,
                    "LOGIN {3}abc d"sv,
                    "LOGIN {3 }\r\nabc d"sv,
                    "LOGIN {-1}\r\na b"sv,
                    "LOGIN {}\r\na b"sv,
                    "LOGIN {99999999999999999999}\r\na b"sv,
                    "LOGIN {18446744073709551615}\r\na b"sv,
                    "LOGIN {2}\r\na\0 b"sv,
                    "LOGIN {1}\r\nab c"sv,
                    "LOGIN ~{1}\r\na b"sv,
                    "LOGIN (a) b"sv,
                    "LOGIN a* b"sv,
                    "LOGIN a% b"sv,
                    "LOGIN a\\b c"sv,
                    "LOGIN a\x7F b"sv,
                    "LOGIN a\tb c"sv,
                    "LOGIN a {2++}\r\nab"sv}) {
    CAPTURE(line);
    CHECK_FALSE(refusal(line).empty());
  }
}

TEST_CASE("RFC 2971: ID") {
  auto id = parse<Id>(R"(ID ("name" "sodr" "version" "19.34" "vendor" NIL))").parameters;
  REQUIRE(id.size() == 3);
  CHECK(id[0].first == "name");
  CHECK(id[1].second == "19.34");
  CHECK_FALSE(id[2].second.has_value());
  CHECK(parse<Id>("ID nil").parameters.empty());
  CHECK(parse<Id>("ID ()").parameters.empty());
  for (auto bad : {"ID", "ID x", "ID (\"a\")", "ID (a b)", "ID (\"a\" \"b\"", "ID (NIL \"a\")"})
    CHECK_FALSE(refusal(bad).empty());
  auto pairs = [](int count) {
    std::string line = "ID (\"a\" \"b\"";
    for (int i = 1; i < count; ++i) line += " \"a\" NIL";
    return line + ")";
  };
  CHECK(parse<Id>(pairs(30)).parameters.size() == 30);
  CHECK(refusal(pairs(31), Errc::over_limit) == "ID has more than 30 fields");
  auto field = [](std::size_t size) { return "ID (\"" + std::string(size, 'a') + "\" NIL)"; };
  CHECK(is<Id>(field(30)));
  CHECK_FALSE(refusal(field(31), Errc::over_limit).empty());
  auto value = [](std::size_t size) { return "ID (\"a\" \"" + std::string(size, 'a') + "\")"; };
  CHECK(is<Id>(value(1024)));
  CHECK_FALSE(refusal(value(1025), Errc::over_limit).empty());
}

TEST_CASE("AUTHENTICATE and ENABLE") {
  CHECK(parse<Authenticate>("AUTHENTICATE plain").mechanism == "PLAIN");
  CHECK_FALSE(parse<Authenticate>("AUTHENTICATE PLAIN").initial.has_value());
  CHECK(parse<Authenticate>("AUTHENTICATE PLAIN AHRlc3QAdGVzdA==").initial == "\0test\0test"sv);
  CHECK(parse<Authenticate>("AUTHENTICATE SCRAM-SHA-256 =").initial == "");
  CHECK_FALSE(parse<Authenticate>("AUTHENTICATE EXTERNAL ").initial.has_value());
  CHECK(refusal("AUTHENTICATE PLAIN a*b") == "the initial response is not base64");
  CHECK_FALSE(refusal("AUTHENTICATE").empty());
  CHECK_FALSE(refusal("AUTHENTICATE PLAIN  AA==").empty());
  CHECK_FALSE(refusal("AUTHENTICATE PLAIN AA== AA==").empty());

  CHECK(parse<Enable>("ENABLE condstore X-Good ").capabilities ==
        std::vector<std::string>{"CONDSTORE", "X-GOOD"});
  CHECK(refusal("ENABLE") == "an argument is missing");
  CHECK(refusal("ENABLE ") == "missing capability");
  CHECK_FALSE(refusal("ENABLE (CONDSTORE)").empty());
}

TEST_CASE("SELECT and EXAMINE, RFC 7162 §3.2.5") {
  CHECK(parse<Select>("SELECT INBOX").mailbox == "INBOX");
  CHECK_FALSE(parse<Select>("SELECT INBOX").examine);
  CHECK(parse<Select>("EXAMINE \"a b\" ").examine);
  CHECK(parse<Select>("SELECT 日本語").mailbox == "日本語");
  CHECK(parse<Select>("SELECT &ZeVnLIqe-").mailbox == "&ZeVnLIqe-");
  CHECK(parse<Select>("SELECT {5}\r\nINBOX (condstore)").condstore);
  auto select = parse<Select>(
      "SELECT INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541 (1,5 1,5)))");
  REQUIRE(select.qresync.has_value());
  CHECK(select.qresync->uid_validity == 67890007);
  CHECK(select.qresync->mod_seq == 20050715194045000);
  CHECK(select.qresync->known_uids == *parse_sequence_set("41,43:211,214:541"));
  REQUIRE(select.qresync->known_numbers.has_value());
  CHECK(select.qresync->known_numbers->first == *parse_sequence_set("1,5"));
  CHECK_FALSE(select.condstore);
  select = parse<Select>("SELECT INBOX (QRESYNC (1 5 (1 1)) CONDSTORE)");
  CHECK_FALSE(select.qresync->known_uids.has_value());
  CHECK(select.qresync->known_numbers.has_value());
  CHECK(select.condstore);
  CHECK_FALSE(parse<Select>("SELECT a (QRESYNC (1 5))").qresync->known_numbers.has_value());
  CHECK_FALSE(parse<Select>("SELECT a (QRESYNC (1 5 1:9))").qresync->known_numbers.has_value());
  for (auto bad :
       {"SELECT", "SELECT (a)", "SELECT a (FOO)", "SELECT a CONDSTORE", "SELECT a (QRESYNC)",
        "SELECT a (QRESYNC ())", "SELECT a (QRESYNC (0 1))", "SELECT a (QRESYNC (1))",
        "SELECT a (QRESYNC (1 9223372036854775808))", "SELECT a (QRESYNC (1 2 1:*))",
        "SELECT a (QRESYNC (1 2 $))", "SELECT a (QRESYNC (1 2 1 (1)))",
        "SELECT a (QRESYNC (1 2 1 (1 *)))", "SELECT a (QRESYNC (1 2)) b", "SELECT a (CONDSTORE",
        "SELECT a (QRESYNC (1 2) QRESYNC (1 2))", "SELECT a b", "SELECT a\\b", "SELECT *"}) {
    CAPTURE(bad);
    CHECK_FALSE(refusal(bad).empty());
  }
}

TEST_CASE("CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE") {
  CHECK(parse<Create>("CREATE owatagusiam/").mailbox == "owatagusiam/");
  CHECK(parse<Create>("CREATE a (USE (\\drafts \\Sent \\Odd))").uses ==
        std::vector<std::string>{"\\Drafts", "\\Sent", "\\Odd"});
  CHECK(parse<Create>("CREATE a (USE ())").uses.empty());
  CHECK(parse<Delete>("DELETE foo").mailbox == "foo");
  CHECK(parse<Rename>("RENAME blurdybloop \"sarasoop 2\"").to == "sarasoop 2");
  CHECK(parse<Rename>("RENAME {1}\r\na {1}\r\nb").from == "a");
  CHECK(parse<Subscribe>("SUBSCRIBE #news.comp.mail.mime").mailbox == "#news.comp.mail.mime");
  CHECK(parse<Unsubscribe>("UNSUBSCRIBE \"\"").mailbox.empty());
  for (auto bad :
       {"CREATE", "CREATE a (USE)", "CREATE a (USE \\Sent)", "CREATE a (FOO)",
        "CREATE a (USE (Sent))", "CREATE a (USE (\\))", "CREATE a b", "DELETE", "DELETE a b",
        "DELETE a*", "RENAME a", "RENAME a b c", "SUBSCRIBE", "SUBSCRIBE a\"", "UNSUBSCRIBE  a"}) {
    CAPTURE(bad);
    CHECK_FALSE(refusal(bad).empty());
  }
}

TEST_CASE("STATUS") {
  auto status = parse<Status>("STATUS blurdybloop (UIDNEXT messages)");
  CHECK(status.mailbox == "blurdybloop");
  CHECK(status.items == (status_uid_next | status_messages));
  CHECK(parse<Status>("STATUS a (MESSAGES UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE RECENT "
                      "HIGHESTMODSEQ MAILBOXID APPENDLIMIT )")
            .items == 1023);
  for (auto bad : {"STATUS", "STATUS a", "STATUS a ()", "STATUS a MESSAGES", "STATUS a (FOO)",
                   "STATUS a (MESSAGES,UNSEEN)", "STATUS (MESSAGES)", "STATUS a ( MESSAGES)",
                   "STATUS a (MESSAGES) b", "STATUS a (MESSAGES"}) {
    CAPTURE(bad);
    CHECK_FALSE(refusal(bad).empty());
  }
}

TEST_CASE("LIST and LSUB, RFC 9051 §6.3.9") {
  auto list = parse<List>("LIST \"\" *");
  CHECK(list.reference.empty());
  CHECK(list.patterns == std::vector<std::string>{"*"});
  CHECK_FALSE(list.extended);
  CHECK(parse<List>("LIST ~/Mail/ %").reference == "~/Mail/");
  CHECK(parse<List>("LIST \"\" \"\"").patterns == std::vector<std::string>{""});
  CHECK(parse<List>("LIST {0}\r\n Arch%/2*]").patterns[0] == "Arch%/2*]");

  list = parse<List>("LIST (SUBSCRIBED RECURSIVEMATCH remote) \"\" % RETURN (CHILDREN)");
  CHECK(list.extended);
  CHECK(list.select_subscribed);
  CHECK(list.select_recursive_match);
  CHECK(list.return_children);
  CHECK_FALSE(list.select_special_use);
  list = parse<List>("LIST \"\" (INBOX \"Drafts\" Sent/%)");
  CHECK(list.extended);
  CHECK(list.patterns == std::vector<std::string>{"INBOX", "Drafts", "Sent/%"});
  CHECK(parse<List>("LIST () \"\" *").extended);
  CHECK(parse<List>("LIST (SPECIAL-USE) \"\" *").select_special_use);
  // RFC 5819 §2, RFC 6154 §5.
  list =
      parse<List>("LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN) SPECIAL-USE SUBSCRIBED CHILDREN)");
  CHECK(list.return_status == (status_messages | status_unseen));
  CHECK(list.return_special_use);
  CHECK(list.return_subscribed);
  CHECK(parse<List>("LIST \"\" % return ()").extended);
  for (auto bad : {"LIST", "LIST \"\"", "LIST \"\" ", "LIST \"\" ()", "LIST (FOO) \"\" *",
                   "LIST (RECURSIVEMATCH) \"\" *", "LIST (RECURSIVEMATCH REMOTE) \"\" *",
                   "LIST \"\" * RETURN", "LIST \"\" * RETURN CHILDREN", "LIST \"\" * RETURN (FOO)",
                   "LIST \"\" * RETURN (STATUS)", "LIST \"\" * RETURN (STATUS ())", "LIST \"\" * x",
                   "LIST \"\" (a", "LIST (SUBSCRIBED \"\" *", "LIST \"\" a\\b"}) {
    CAPTURE(bad);
    CHECK_FALSE(refusal(bad).empty());
  }
  std::string many = "LIST \"\" (a";
  for (std::size_t i = 1; i < max_list_patterns; ++i) many += " a";
  CHECK(parse<List>(many + ")").patterns.size() == max_list_patterns);
  CHECK(refusal(many + " a)", Errc::over_limit) == "too many mailbox patterns");

  CHECK(parse<Lsub>("LSUB \"#news.\" \"comp.mail.*\"").pattern == "comp.mail.*");
  CHECK_FALSE(refusal("LSUB \"\"").empty());
  CHECK_FALSE(refusal("LSUB \"\" (a)").empty());
}

TEST_CASE("STORE") {
  using Change = Store::Change;
  auto store = parse<Store>("STORE 2:4 +FLAGS (\\deleted)");
  CHECK(store.numbers == Numbers::sequence);
  CHECK(store.set == *parse_sequence_set("2:4"));
  CHECK(store.change == Change::add);
  CHECK_FALSE(store.silent);
  CHECK(store.flags == FlagList{"\\Deleted"});
  store = parse<Store>("UID STORE $ -flags.silent (\\SEEN $Forwarded)");
  CHECK(store.numbers == Numbers::uid);
  CHECK(store.set.saved_result);
  CHECK(store.change == Change::remove);
  CHECK(store.silent);
  CHECK(store.flags == FlagList{"\\Seen", "$Forwarded"});
  CHECK(parse<Store>("STORE 1 FLAGS ()").flags.empty());
  CHECK(parse<Store>("STORE 1 FLAGS \\Seen a \\Answered ").flags ==
        FlagList{"\\Seen", "a", "\\Answered"});
  CHECK(parse<Store>("STORE 1 FLAGS (\\Draft \\Flagged )").change == Change::replace);
  // RFC 7162 §3.1.3.
  store = parse<Store>("STORE 7,5,9 (UNCHANGEDSINCE 320162338) +FLAGS.SILENT (\\Deleted)");
  CHECK(store.unchanged_since == 320162338);
  CHECK(parse<Store>("STORE 1 (UNCHANGEDSINCE 0) FLAGS a").unchanged_since == 0);
  for (auto bad : {"STORE",
                   "STORE 1",
                   "STORE 1 FLAGS",
                   "STORE 1 FLAGS ",
                   "STORE 0 FLAGS ()",
                   "STORE 1 FLAGS (\\Recent)",
                   "STORE 1 FLAGS (\\Foo)",
                   "STORE 1 FLAGS (\\)",
                   "STORE 1 FLAGS (\\*)",
                   "STORE 1 FLAGS.LOUD (a)",
                   "STORE 1 *FLAGS (a)",
                   "STORE 1 ++FLAGS (a)",
                   "STORE 1 FLAGS (\"a\")",
                   "STORE 1 FLAGS (a]b)",
                   "STORE 1 FLAGS (a",
                   "STORE 1 FLAGS (a) b",
                   "STORE 1 FLAGS a  b",
                   "STORE 1 (FOO 1) FLAGS (a)",
                   "STORE 1 (UNCHANGEDSINCE) FLAGS (a)",
                   "STORE 1 (UNCHANGEDSINCE -1) FLAGS (a)",
                   "STORE INBOX FLAGS (a)",
                   "STORE 1 FLAGS (\xE4)"}) {
    CAPTURE(bad);
    CHECK_FALSE(refusal(bad).empty());
  }
  CHECK(refusal("STORE 1 FLAGS (\\Recent)") == "bad flag \\Recent");
  std::string many = "STORE 1 FLAGS (a";
  for (std::size_t i = 1; i < max_flags; ++i) many += " a";
  CHECK(parse<Store>(many + ")").flags.size() == max_flags);
  CHECK(refusal(many + " a)", Errc::over_limit) == "too many flags in one command");
}

TEST_CASE("COPY, MOVE, UID EXPUNGE") {
  auto copy = parse<Copy>("COPY 2:4 MEETING");
  CHECK(copy.set == *parse_sequence_set("2:4"));
  CHECK(copy.mailbox == "MEETING");
  CHECK(copy.numbers == Numbers::sequence);
  CHECK(parse<Copy>("uid copy 1,* \"a b\"").numbers == Numbers::uid);
  CHECK(parse<Move>("MOVE 1 a").numbers == Numbers::sequence);
  CHECK(parse<Move>("UID MOVE 42:69 foo").mailbox == "foo");
  CHECK(parse<Expunge>("UID EXPUNGE 3000:3002").uids == *parse_sequence_set("3000:3002"));
  CHECK_FALSE(parse<Expunge>("EXPUNGE").uids.has_value());
  for (auto bad : {"COPY", "COPY 1", "COPY 1 ", "COPY a b", "COPY 1 a b", "COPY 1,0 a", "MOVE 1",
                   "MOVE 1: a", "UID COPY", "UID MOVE 1", "UID EXPUNGE", "UID EXPUNGE a",
                   "UID EXPUNGE 1 2", "UID  COPY 1 a"}) {
    CAPTURE(bad);
    CHECK_FALSE(refusal(bad).empty());
  }
}

TEST_CASE("RFC 9208: quota") {
  CHECK(parse<GetQuota>("GETQUOTA \"\"").root.empty());
  CHECK(parse<GetQuotaRoot>("GETQUOTAROOT INBOX").mailbox == "INBOX");
  CHECK(parse<SetQuota>("SETQUOTA \"\" (STORAGE 512 MESSAGE 10)").root.empty());
  CHECK(parse<SetQuota>("SETQUOTA a ()").root == "a");
  for (auto bad : {"GETQUOTA", "GETQUOTA a b", "GETQUOTAROOT", "SETQUOTA", "SETQUOTA a",
                   "SETQUOTA a (STORAGE)", "SETQUOTA a (STORAGE x)", "SETQUOTA a STORAGE 5"}) {
    CAPTURE(bad);
    CHECK_FALSE(refusal(bad).empty());
  }
}

TEST_CASE("APPEND: what stands before the messages") {
  using namespace std::chrono;
  auto append = parse<Append>("APPEND saved-messages (\\seen) ");
  CHECK(append.mailbox == "saved-messages");
  CHECK(append.options.flags == FlagList{"\\Seen"});
  CHECK_FALSE(append.options.internal_date.has_value());
  append = parse<Append>("APPEND {5}\r\nINBOX () \"01-Jan-2026 09:00:00 +0900\" ");
  CHECK(append.mailbox == "INBOX");
  CHECK(append.options.internal_date == Time(sys_days(2026y / January / 1)));
  CHECK(parse<Append>("APPEND a ").options.flags.empty());

  auto date = [](std::string_view text) { return parse_append_options(text)->internal_date; };
  CHECK(date(" \" 7-Feb-1994 21:52:25 -0800\" ") ==
        Time(sys_days(1994y / February / 8) + 5h + 52min + 25s));
  CHECK(date(" \"7-feb-1994 21:52:60 +0000\" ") ==
        Time(sys_days(1994y / February / 7) + 21h + 52min + 59s));
  CHECK(date(" (a) \"29-Feb-2024 00:00:00 +0000\" ") == Time(sys_days(2024y / February / 29)));
  CHECK_FALSE(date(" ").has_value());
  for (std::string_view bad : {"",
                               "  ",
                               "x ",
                               " x ",
                               " (a)",
                               " (a)(b) ",
                               " \"01-Jan-2026 09:00:00 +0900\"",
                               " (\\Recent) ",
                               " \"29-Feb-2026 09:00:00 +0900\" ",
                               " \"01-Foo-2026 09:00:00 +0900\" ",
                               " \"01-Jan-26 09:00:00 +0900\" ",
                               " \"01-Jan-2026 24:00:00 +0900\" ",
                               " \"01-Jan-2026 09:60:00 +0900\" ",
                               " \"01-Jan-2026 09:00:61 +0900\" ",
                               " \"01-Jan-2026 09:00:00 +0960\" ",
                               " \"01-Jan-2026 09:00:00 0900\" ",
                               " \"01-Jan-2026 09:00:00\" ",
                               " \"01-Jan-2026 09:00:00 +0900 ",
                               " \"1-1-2026 09:00:00 +0900\" ",
                               " (a) (b) ",
                               " \"01-Jan-2026 09:00:00 +0900\" (a) "}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_append_options(bad).has_value());
  }
  CHECK_FALSE(refusal("APPEND").empty());
  CHECK_FALSE(refusal("APPEND a").empty());
  CHECK_FALSE(refusal("APPEND a b").empty());
}

TEST_CASE("the literal at the end of a line") {
  auto head = ending_literal("a APPEND b (\\Seen) {310}");
  REQUIRE(head.has_value());
  CHECK(head->size == 310);
  CHECK(head->synchronizing);
  CHECK_FALSE(head->binary);
  CHECK(head->begin == 19);
  head = ending_literal("{0+}");
  REQUIRE(head.has_value());
  CHECK_FALSE(head->synchronizing);
  CHECK(head->begin == 0);
  head = ending_literal("a APPEND b ~{12+}");
  REQUIRE(head.has_value());
  CHECK(head->binary);
  CHECK_FALSE(head->utf8);
  CHECK(head->begin == 11);
  head = ending_literal("a APPEND b utf8 (~{12}");
  REQUIRE(head.has_value());
  CHECK(head->utf8);
  CHECK(head->begin == 11);
  head = ending_literal("a APPEND xUTF8 (~{12}");
  REQUIRE(head.has_value());
  CHECK_FALSE(head->utf8);
  CHECK(ending_literal("{18446744073709551616}")->size == 18446744073709551615U);
  for (std::string_view none : {"", "a NOOP", "{", "}", "{}", "{+}", "{a}", "{-1}", "{1 }", "{1} ",
                                "{1", "1}", "\"{1}\"", "{1-}", "{0x1}", "{1++}"}) {
    CAPTURE(none);
    CHECK_FALSE(ending_literal(none).has_value());
  }
}

TEST_CASE("every prefix of a command is a command or an error") {
  for (std::string_view whole :
       {"a SELECT x (QRESYNC (67890007 20050715194045000 41,43:211 (1,5 1,5)) CONDSTORE)",
        "a UID FETCH 1:* (FLAGS BODY.PEEK[1.2.HEADER.FIELDS.NOT (A \"B\")]<0.9>) (CHANGEDSINCE 5)",
        "a UID SEARCH RETURN (SAVE) CHARSET UTF-8 OR (NOT SEEN) HEADER \"x\" {3}\r\nabc SINCE "
        "1-Feb-1994",
        "a LIST (SUBSCRIBED) \"\" (a %) RETURN (STATUS (MESSAGES))",
        "a STORE 1 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Deleted a)", "a ID (\"name\" {4}\r\nsodr)",
        "a APPEND x (\\Seen) \"01-Jan-2026 09:00:00 +0900\" ",
        "a AUTHENTICATE PLAIN AHRlc3QAdGVzdA==", "a CREATE x (USE (\\Sent))"}) {
    for (std::size_t size = 0; size <= whole.size(); ++size) {
      auto tagged = parse_command(whole.substr(0, size));
      if (size == 0) CHECK_FALSE(tagged.has_value());
      if (size == whole.size()) CHECK(tagged->command.has_value());
    }
  }
}
