#!/usr/bin/python3
"""Mail that should not exist: taken, kept unchanged and served back, with everything around it."""

import poplib
import unittest

from todoke_server import Server, address
from wire import Smtp, all_messages, pop3, retrieve, without_trace

server = None

SJIS = "件名：納品書在中".encode("shift_jis")
MULTIPART = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
                     for n in range(500))
BROKEN = {
    "raw Shift_JIS in the header": b"From: \x89\xd4\x8eq <x@elsewhere.example>\r\nSubject: " + SJIS
                                   + b"\r\n\r\n" + SJIS + b"\r\n",
    "every octet but NUL, CR and LF": b"Subject: all\r\n\r\n"
                                      + bytes(b for b in range(256) if b not in b"\0\r\n") + b"\r\n",
    "no header": b"\r\njust text\r\n",
    "no header and no blank line": b"just text that is no header field\r\nand more\r\n",
    "nothing": b"\r\n",
    "header only": b"Subject: no body\r\n",
    "empty body": b"Subject: empty\r\n\r\n",
    "a very long line": b"Subject: long\r\n\r\n" + b"x" * 3_000_000 + b"\r\n",
    "a very long header field": b"Subject: " + b"y" * 300_000 + b"\r\n\r\ntext\r\n",
    "a header without end": b"".join(b"X-%d: %d\r\n" % (n, n) for n in range(100_000)),
    "nested multipart without end": MULTIPART,
    "a boundary that is empty": b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n----\r\n',
    "encoded words that are wrong": b"Subject: =?utf-8?B?////?= =?x-no?Q?=ZZ?= =?iso-2022-jp?B?G"
                                    b"yRC?=\r\n\r\n",
    "continuation first": b" continued\r\nSubject: x\r\n\r\n",
    "dots": b".\r\n..\r\n...\r\n.a\r\n\r\n.\r\n.\r\n",
    "addresses that are none": b"From: <<@@>>,,;:(((\r\nTo: " + b"(" * 5000 + b"\r\nCc: "
                               + b"a@b," * 20_000 + b"\r\n\r\n",
    "a date that is none": b"Date: 99 Foo 0000 99:99:99 +9999\r\n\r\n",
    "uuencode and old Mac ends of text": b"Subject: x\r\n\r\nbegin 644 x\r\n#0V%T\r\n`\r\nend\r\n\x1a",
}


def setUpModule():
    global server
    server = Server()
    server.__enter__()


def tearDownModule():
    server.__exit__()


class BrokenMail(unittest.TestCase):
    def test_nul_is_refused(self):
        with Smtp(server) as client:
            for message in (b"Subject: a\0b\r\n\r\n", b"Subject: x\r\n\r\n\0\0text\0\r\n\0\r\n"):
                answer = client.deliver(message, address("taro"))
                self.assertRegex(answer, rb"^550 5\.6\.0 ")
        self.assertEqual(all_messages(server, "taro"), [])

    def test_it_comes_back_unchanged(self):
        with Smtp(server) as client:
            for what, message in BROKEN.items():
                with self.subTest(what=what):
                    self.assertRegex(client.deliver(message, address("hana")), rb"^250 ")
        session = pop3(server, "hana")
        self.assertEqual(session.stat()[0], len(BROKEN))
        sizes = [int(line.split()[1]) for line in session.list()[1]]
        for number, (what, message) in enumerate(BROKEN.items(), 1):
            with self.subTest(what=what):
                stored = retrieve(session, number)
                self.assertEqual(len(stored), sizes[number - 1])
                expected = message if message.endswith(b"\r\n") else message + b"\r\n"
                # Behind our own fields, and an empty line if it would continue them.
                self.assertTrue(stored.startswith(b"Return-Path: ") and stored.endswith(expected))
                before = stored[:-len(expected)]
                self.assertLess(len(before), 400)
                self.assertEqual(before.endswith(b"\r\n\r\n"), expected.startswith(b" "))
                top = b"\r\n".join(session.top(number, 2)[1]) + b"\r\n"
                self.assertTrue(stored.startswith(top))
        session.quit()
        self.assertEqual(len(all_messages(server, "hana")), len(BROKEN))

    def test_chunked_mail_needs_no_last_line_end(self):
        message = b"Subject: x\r\n\r\nno line end"
        with Smtp(server) as client:
            client.envelope(address("taro"))
            client.send(b"BDAT %d LAST\r\n" % len(message) + message)
            self.assertRegex(client.reply(), rb"^250 ")
        (stored,) = all_messages(server, "taro")
        self.assertEqual(without_trace(stored).removesuffix(b"\r\n"), message)

    def test_a_message_that_goes_in_circles(self):
        with Smtp(server) as client:
            looping = b"Received: from a by b; Sat, 3 Apr 2027 10:00:00 +0900\r\n" * 101
            answer = client.deliver(looping + b"Subject: loop\r\n\r\n", address("hana"))
            self.assertRegex(answer, rb"^554 5\.4\.6 ")
        self.assertEqual(all_messages(server, "hana"), [])

    def test_addresses_that_carriers_gave_out_against_the_rfc(self):
        server.stop()
        for odd in ("a..b@example.test", "a.@example.test"):
            server.command("address", "add", odd, address("taro"))
        server.start()
        with Smtp(server) as client:
            for odd in ("a..b@example.test", "a.@example.test"):
                self.assertRegex(client.deliver(b"Subject: odd\r\n\r\n", odd), rb"^250 ")
        found = all_messages(server, "taro")
        self.assertEqual(len(found), 2)
        self.assertIn(b"for <a..b@example.test>", found[0])

    def test_pop3_commands_that_are_none(self):
        session = pop3(server, "hana")
        for command in ("RETR", "RETR 0", "RETR -1", "RETR 99999999999999999999", "TOP 1", "LIST x",
                        "DELE 1 2", "UIDL 2147483648", "XYZZY", "RETR 1\0", "\xff"):
            with self.subTest(command=command), self.assertRaises(poplib.error_proto):
                session._putline(command.encode("latin-1"))
                session._getresp()
        session.quit()


if __name__ == "__main__":
    unittest.main()
