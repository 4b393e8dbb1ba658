#!/usr/bin/python3
"""tools/rfc_index reads citations and tags, and notices what the table does not say."""

import unittest

from load_tool import load_tool

index = load_tool("rfc_index")

HEAD = "RFC\ttitle\tstatus\tnote\n"


def cite(text, path="src/smtp/server/session.cc"):
    citations = index.Citations()
    citations.add_file(path, text)
    return citations


class StatusTest(unittest.TestCase):
    def test_reads_rows(self):
        table, complaints = index.read_status(HEAD + "5321\tSimple Mail Transfer Protocol\tyes\tMX\n")
        self.assertEqual(complaints, [])
        self.assertEqual(table[5321].title, "Simple Mail Transfer Protocol")
        self.assertEqual(table[5321].status, "yes")

    def test_complains(self):
        for rows, words in [
            ("5321\tSMTP\tdone\t\n", "status is one of"),
            ("5321\tSMTP\tyes\n", "four columns"),
            ("5322\tFormat\tno\t\n5321\tSMTP\tno\t\n", "order"),
            ("5321\tSMTP\tno\t\n5321\tSMTP\tno\t\n", "each once"),
        ]:
            with self.subTest(rows=rows):
                _, complaints = index.read_status(HEAD + rows)
                self.assertEqual(len(complaints), 1)
                self.assertIn(words, complaints[0])
        self.assertIn("first line", index.read_status("5321\tSMTP\tno\t\n")[1][0])


class CitationsTest(unittest.TestCase):
    def test_sections(self):
        sections = cite("// RFC 5321 §4.1.1.2, §4.2 and RFC 3207.\n// RFC 5321 §Appendix D").sections
        self.assertEqual(set(sections[5321]), {"4.1.1.2", "4.2", "Appendix D"})
        self.assertEqual(set(sections[3207]), {""})

    def test_tags(self):
        citations = cite("// deviation: RFC 5321 §4.1.1.1 — we accept a bare EHLO.\n"
                         "// todo: RFC 7162 §3.2.6 — answer VANISHED.\n")
        self.assertEqual(citations.tagged, [
            ("deviation", 5321, "4.1.1.1", "we accept a bare EHLO.", "src/smtp/server/session.cc"),
            ("todo", 7162, "3.2.6", "answer VANISHED.", "src/smtp/server/session.cc")])
        self.assertEqual(citations.complaints, [])

    def test_other_forms_are_refused(self):
        for text in ["// RFC5321", "// RFC-5321", "// see rfc 5321", "// RFC 5321 section 4",
                     "// todo: later", "// deviation: we do otherwise",
                     "// TODO(me)", "// FIXME"]:
            with self.subTest(text=text):
                self.assertEqual(len(cite(text).complaints), 1)
        for text in ["// RFC 5321", "// RFC 5321 §4.5.3, sections", "to do: nothing", "BODY[RFC822.SIZE]",
                     "message/rfc822", "rfc3339(now)"]:
            with self.subTest(text=text):
                self.assertEqual(cite(text).complaints, [])


class CheckTest(unittest.TestCase):
    table, _ = index.read_status(HEAD + "5321\tSMTP\tyes\t\n9051\tIMAP\tplanned\t\n")

    def test_agreement(self):
        self.assertEqual(index.check(self.table, cite("// RFC 5321 §3 and RFC 9051")), [])

    def test_cited_but_not_in_the_table(self):
        complaints = index.check(self.table, cite("// RFC 5321 and RFC 1939 §5"))
        self.assertEqual(len(complaints), 1)
        self.assertIn("RFC 1939", complaints[0])

    def test_called_done_but_cited_nowhere_in_the_code(self):
        for path, text in [("src/a.cc", ""), ("tests/a.py", "# RFC 5321")]:
            complaints = index.check(self.table, cite(text, path))
            self.assertEqual(len(complaints), 1)
            self.assertIn("RFC 5321 is called yes", complaints[0])

    def test_coverage_page(self):
        page = index.render(self.table, cite("// RFC 5321 §4.10\n// RFC 5321 §4.9\n"
                                             "// deviation: RFC 5321 §3 — because.\n"))
        self.assertLess(page.index("§4.9:"), page.index("§4.10:"))
        self.assertIn("2 RFCs: 1 yes, 0 partial, 1 planned, 0 no.", page)
        self.assertIn("- RFC 5321 §3 — because. (`src/smtp/server/session.cc`)", page)


if __name__ == "__main__":
    unittest.main()
