#!/usr/bin/python3
"""curl: mail as URLs, with and without TLS."""

import subprocess
import unittest

from todoke_server import PASSWORD, Server, address
from wire import Smtp, all_messages, without_trace

server = None
MESSAGE = ("From: hana@example.test\r\nSubject: 日本語\r\nMessage-ID: <1@x>\r\n"
           "Date: Sat, 3 Apr 2027 10:00:00 +0900\r\n\r\n本文\r\n.\r\n..\r\n終わり\r\n").encode()


def setUpModule():
    global server
    server = Server()
    server.__enter__()


def tearDownModule():
    server.__exit__()


def curl(scheme, protocol, path="", *options, data=None, expected=0):
    url = f"{scheme}://localhost:{server.port(protocol)}/{path}"
    done = subprocess.run(["curl", "--silent", "--show-error", "--max-time", "60", "--cacert",
                           str(server.certificate), *options, url],
                          input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    if done.returncode != expected:
        raise AssertionError(f"curl ended with {done.returncode}: {done.stderr!r}")
    return done.stdout


class Curl(unittest.TestCase):
    login = ("--user", f"hana:{PASSWORD}")

    def upload(self, scheme, protocol, *options, expected=0, to=address("taro")):
        return curl(scheme, protocol, "client.example", "--mail-from", address("hana"),
                    "--mail-rcpt", to, "--upload-file", "-", *options, data=MESSAGE,
                    expected=expected)

    def test_sending_in_the_clear_and_with_tls(self):
        self.upload("smtp", "smtp")
        self.upload("smtp", "smtp", "--ssl-reqd")
        self.upload("smtp", "submission", "--ssl-reqd", *self.login)
        self.upload("smtps", "submissions", *self.login)
        self.upload("smtps", "submissions", *self.login, "--login-options", "AUTH=LOGIN")
        found = all_messages(server, "taro")
        self.assertEqual([without_trace(one) for one in found], [MESSAGE] * 5)
        keywords = [b"with ESMTP\r\n", b"with ESMTPS", b"with ESMTPSA", b"with ESMTPSA",
                    b"with ESMTPSA"]
        for stored, keyword in zip(found, keywords):
            self.assertIn(keyword.strip(), stored)

    def test_refusals(self):
        self.upload("smtp", "smtp", to="nobody@example.test", expected=55)
        self.upload("smtps", "submissions", "--user", "hana:wrong", expected=67)
        curl("pop3s", "pop3s", "", "--user", "hana:wrong", expected=67)

    def test_pop3(self):
        with Smtp(server) as client:
            for number in range(3):
                client.deliver(MESSAGE + b"%d\r\n" % number, address("hana"))
        for scheme, protocol, more in (("pop3", "pop3", ()), ("pop3", "pop3", ("--ssl-reqd",)),
                                       ("pop3s", "pop3s", ())):
            with self.subTest(scheme=scheme, more=more):
                listed = curl(scheme, protocol, "", *self.login, *more)
                sizes = [int(line.split()[1]) for line in listed.splitlines()]
                self.assertEqual(len(sizes), 3)
                for number in (1, 2, 3):
                    stored = curl(scheme, protocol, str(number), *self.login, *more)
                    self.assertEqual(len(stored), sizes[number - 1])
                    self.assertEqual(without_trace(stored), MESSAGE + b"%d\r\n" % (number - 1))
                uidls = curl(scheme, protocol, "", *self.login, *more, "--request", "UIDL")
                self.assertEqual(len(set(uidls.split())), 6)
                top = curl(scheme, protocol, "", *self.login, *more, "--request", "TOP 2 1")
                self.assertIn("本文".encode(), top)
                self.assertNotIn("終わり".encode(), top)
        curl("pop3s", "pop3s", "2", *self.login, "--request", "DELE", "--list-only")
        self.assertEqual(len(all_messages(server, "hana")), 2)


if __name__ == "__main__":
    unittest.main()
