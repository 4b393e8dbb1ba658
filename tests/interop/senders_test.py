#!/usr/bin/python3
"""msmtp: a sending mail program with strict ideas about TLS."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from todoke_server import PASSWORD, Server, address
from wire import all_messages, without_trace

server = None
MESSAGE = ("From: hana@example.test\nTo: taro@example.test\nBcc: hana@example.test\n"
           "Subject: =?ISO-2022-JP?B?GyRCJCpDTiRpJDsbKEI=?=\nDate: Sat, 3 Apr 2027 10:00:00 +0900\n"
           "Message-ID: <1@client.example>\nMIME-Version: 1.0\n"
           "Content-Type: text/plain; charset=iso-2022-jp\n\n"
           "\x1b$B$*CN$i$;\x1b(B\n.\n").encode()


def setUpModule():
    global server
    server = Server()
    server.__enter__()


def tearDownModule():
    server.__exit__()


class Msmtp(unittest.TestCase):
    def send(self, protocol, settings, expected=0):
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder) / "msmtprc"
            config.write_text(f"account default\nhost localhost\nport {server.port(protocol)}\n"
                              f"from {address('hana')}\ntimeout 60\n" + settings)
            config.chmod(0o600)
            done = subprocess.run(["msmtp", "-C", str(config), "-t"], input=MESSAGE,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                                  env={**os.environ, "HOME": folder})
        self.assertEqual(done.returncode, expected, done.stdout.decode())
        return done.stdout.decode()

    def login(self, mechanism, password=PASSWORD):
        return f'auth {mechanism}\nuser hana\npassword "{password}"\n'

    def test_every_way_to_sign_in(self):
        trust = f"tls on\ntls_trust_file {server.certificate}\n"
        ways = [("submission", trust + self.login("plain")),
                ("submission", trust + self.login("login")),
                ("submission", trust + self.login("scram-sha-256")),
                ("submission", trust + self.login("on")),
                ("submissions", trust + "tls_starttls off\n" + self.login("on")),
                ("submissions", trust + "tls_starttls off\n" + self.login("scram-sha-256"))]
        for protocol, settings in ways:
            with self.subTest(settings=settings):
                self.send(protocol, settings)
                # Both recipients, and neither learns of the other's Bcc.
                (to_taro,) = all_messages(server, "taro")
                (to_hana,) = all_messages(server, "hana")
                expected = MESSAGE.replace(b"Bcc: hana@example.test\n", b"")
                self.assertEqual(without_trace(to_taro), expected.replace(b"\n", b"\r\n"))
                self.assertEqual(to_taro, to_hana)
                self.assertNotIn(b" for <", to_taro)

    def test_refusals(self):
        trust = f"tls on\ntls_trust_file {server.certificate}\n"
        self.assertIn("535 5.7.8", self.send("submission", trust + self.login("on", "wrong"), 77))
        # A certificate that nobody vouched for is not taken.
        self.send("submission", "tls on\n" + self.login("on"), 69)
        self.assertEqual(all_messages(server, "taro"), [])


if __name__ == "__main__":
    unittest.main()
