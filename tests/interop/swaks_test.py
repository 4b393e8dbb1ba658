#!/usr/bin/python3
"""swaks: the envelope and login of every listener, as an administrator tries them."""

import email
import email.policy
import sqlite3
import subprocess
import unittest

from todoke_server import ALL, Listener, PASSWORD, Server, address
from wire import all_messages

server = None
unix_socket = None


def setUpModule():
    global server, unix_socket
    server = Server(listeners=())
    unix_socket = server.folder / "lmtp.socket"
    server = Server(listeners=(Listener("lmtp", str(unix_socket)),) + ALL, folder=server.folder)
    server._temporary = True
    server.__enter__()


def tearDownModule():
    server.__exit__()


def swaks(protocol, *options, expected=0):
    """Runs it and answers its transcript; `expected`: its exit code."""
    where = ["--server", "localhost:%d" % server.port(protocol)] if protocol else []
    if not {"--from", "-f"} & set(options):
        options = ("--from", "sender@elsewhere.example") + options
    done = subprocess.run(["swaks", *where, "--timeout", "60", "--no-info-hints", *options],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    if done.returncode != expected:
        raise AssertionError(f"swaks ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


class Swaks(unittest.TestCase):
    def assertGot(self, name, count=1):
        self.assertEqual(len(all_messages(server, name)), count)

    def test_japanese_subject_and_attachment(self):
        attachment = server.folder / "予定表.pdf"
        attachment.write_bytes(bytes(range(256)) * 400)
        swaks("smtp", "--to", address("hana"), "--h-Subject", "四月の予定表をお送りします",
              "--body", "添付をご覧ください。\n.\n", "--attach-type",
              "application/pdf", "--attach-name", "予定表.pdf", "--attach", f"@{attachment}")
        (stored,) = all_messages(server, "hana")
        message = email.message_from_bytes(stored, policy=email.policy.default)
        # swaks writes raw UTF-8 into the header; what it wrote must be there unchanged.
        self.assertIn("Subject: 四月の予定表をお送りします\r\n".encode(), stored)
        self.assertIn("添付をご覧ください。\r\n.\r\n".encode(), stored)
        (part,) = [p for p in message.walk() if p.get_content_type() == "application/pdf"]
        self.assertEqual(part.get_payload(decode=True), attachment.read_bytes())

    def test_pipelining(self):
        transcript = swaks("smtp", "--pipeline", "--to", f"{address('hana')},{address('taro')}")
        self.assertIn("250-PIPELINING", transcript)
        self.assertGot("hana")
        self.assertGot("taro")

    def test_unknown_recipients_and_relaying(self):
        # 24: no recipient was accepted.
        self.assertIn("550 5.1.1", swaks("smtp", "--to", "nobody@example.test", expected=24))
        self.assertIn("550 5.7.1", swaks("smtp", "--to", "someone@far.example", expected=24))

    def test_starttls(self):
        for version in ("tlsv1_2", "tlsv1_3"):
            transcript = swaks("smtp", "--tls", "--tls-protocol", version, "--to", address("hana"),
                               "--tls-verify", "--tls-ca-path", str(server.certificate))
            self.assertIn("TLS started with cipher", transcript)
        for old in ("tlsv1", "tlsv1_1"):
            swaks("smtp", "--tls", "--tls-protocol", old, "--to", address("hana"), expected=29)
        for stored in all_messages(server, "hana"):
            self.assertIn(b"with ESMTPS", stored)
            self.assertIn(b"(TLSv1.", stored)

    def test_submission_logins(self):
        for mechanism in ("PLAIN", "LOGIN"):
            for name in ("hana", address("hana")):
                transcript = swaks("submission", "--tls", "--auth", mechanism, "--auth-user", name,
                                   "--auth-password", PASSWORD, "--from", address("hana"),
                                   "--to", address("taro"))
                self.assertIn("235 2.7.0", transcript)
        self.assertGot("taro", 4)
        swaks("submissions", "--tls-on-connect", "--auth", "PLAIN", "--auth-user", "hana",
              "--auth-password", PASSWORD, "--from", address("hana"), "--to", address("taro"))
        self.assertGot("taro")

    def test_submission_refusals(self):
        # 28: no authentication succeeded; 23: the sender was refused.
        login = ("--tls", "--auth-user", "hana", "--to", address("taro"), "--from", address("hana"))
        self.assertIn("535 5.7.8", swaks("submission", *login, "--auth", "PLAIN",
                                         "--auth-password", "wrong", expected=28))
        transcript = swaks("submission", *login, "--auth", "CRAM-MD5", "--auth-password", PASSWORD,
                           expected=28)
        self.assertNotRegex(transcript, r"250.AUTH.*\bCRAM")
        self.assertIn("530 5.7.0", swaks("submission", "--tls", "--to", address("taro"),
                                         expected=23))
        self.assertNotRegex(swaks("smtp", "--tls", "--to", address("hana")), "250.AUTH")
        self.assertGot("hana")
        self.assertGot("taro", 0)

    def test_lmtp_over_tcp_and_unix_socket(self):
        swaks("lmtp", "--protocol", "LMTP", "--to", f"{address('hana')},{address('taro')}")
        swaks(None, "--protocol", "LMTP", "--socket", str(unix_socket), "--to", address("hana"))
        found = all_messages(server, "hana")
        self.assertEqual(len(found), 2)
        self.assertTrue(all(b"with LMTP" in stored for stored in found))
        self.assertGot("taro")

    def test_a_message_to_elsewhere_waits_in_the_queue(self):
        swaks("submission", "--tls", "--auth", "PLAIN", "--auth-user", "hana", "--auth-password",
              PASSWORD, "--from", address("hana"), "--to", "someone@far.example")
        database = sqlite3.connect(f"file:{server.database}?mode=ro", uri=True)
        waiting = database.execute("""select address, reverse_path from queue_recipient
            join queue_message on id = message_id""").fetchall()
        database.close()
        self.assertEqual(waiting, [("someone@far.example", address("hana"))])


if __name__ == "__main__":
    unittest.main()
