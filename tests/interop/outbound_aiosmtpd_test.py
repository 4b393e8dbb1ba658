#!/usr/bin/python3
"""Our queue and aiosmtpd: as any receiver, for our signatures, and as a smarthost."""

import logging
import sqlite3
import unittest

import dkim

import dkim_keys
from outbound import Sending, message
from outbound_cases import Cases
from receivers import Certificate, Receiver

logging.getLogger("mail.log").setLevel(logging.CRITICAL)


class Box(Receiver):
    """As Postfix takes mail in postfix.py."""

    def __init__(self, *where):
        super().__init__(*where, refuse=self.answer)
        self.is_open = False

    def answer(self, to):
        if to.startswith("later@") and not self.is_open:
            return "450 4.2.0 Greylisted, please try again later"
        return None if to.startswith(("user", "later")) else "550 5.1.1 User unknown"

    def welcome(self):
        self.is_open = True

    def mails(self):
        return [text for _, recipients, text in self.taken for _ in recipients]


class ToAiosmtpd(Cases, unittest.TestCase):
    domain = "aiosmtpd.example"
    hops = 1

    @classmethod
    def setUpClass(cls):
        cls.sending = cls.enterClassContext(Sending())
        at = cls.sending.domain(cls.domain)
        cls.receiver = cls.enterClassContext(
            Box(at, cls.sending.port, Certificate(f"mx.{cls.domain}")))


class Signatures(unittest.TestCase):
    def test_both_verify(self):
        """In the name of the author's domain and of ours, each with two keys."""
        sending = self.enterContext(Sending(host="mail.todoke.example"))
        records = dkim_keys.add(sending.server.database, "example.test")
        records |= dkim_keys.add(sending.server.database, "mail.todoke.example")
        at = sending.domain("far.example")
        receiver = self.enterContext(Receiver(at, sending.port))

        def key(name, timeout=None):
            return records[name.decode().rstrip(".")].encode()
        texts = [message("お知らせ".encode(), "本文 \t \r\n.\r\n\r\n\r\n".encode()),
                 message(body=b"A line\r\n" * 100_000)]
        for text in texts:
            sending.send("user@far.example", text)
            signed = receiver.taken.pop()[2]
            self.assertTrue(signed.endswith(text))
            self.assertEqual(signed.count(b"DKIM-Signature:"), 4)
            for index in range(4):
                self.assertTrue(dkim.DKIM(signed).verify(index, dnsfunc=key), index)
                changed = signed.replace(b"\r\n\r\n", b"\r\n\r\nPS: ", 1)
                with self.assertRaises(dkim.ValidationError):
                    dkim.DKIM(changed).verify(index, dnsfunc=key)


class Smarthost(unittest.TestCase):
    """A server of our choice that takes everything, for whom we sign in."""

    def setUp(self):
        self.certificate = Certificate("relay.example")
        self.addCleanup(self.certificate.remove)
        self.sending = self.enterContext(Sending(trust=self.certificate.file))
        self.port = self.sending.port + 1 if self.sending.port < 65535 else 60000
        self.sending.dns.set("relay.example", "A", ["127.0.3.1"])

    def use(self, login, password):
        self.sending.server.stop()
        self.sending.smarthost("relay.example", self.port, 1, login, password)
        self.sending.server.start()

    def test_signing_in(self):
        self.use("club", "open sesame")
        with Receiver("127.0.3.1", self.port, self.certificate, ("club", "open sesame")) as relay:
            everybody = ["a@nowhere.example", "b@elsewhere.example"]
            queued = self.sending.submit(everybody)
            states = self.sending.wait(queued)
        self.assertEqual(set(states.values()), {"delivered"})
        self.assertEqual(sorted(to for mail in relay.taken for to in mail[1]), everybody)
        hosts = {event["host"] for event in self.sending.events(queued)}
        self.assertEqual(hosts, {"relay.example"})
        self.assertEqual(self.sending.dns.asked("nowhere.example", "MX"), 0)
        self.assertNotIn("open sesame", self.sending.server.log_text())

    def test_a_wrong_password(self):
        """Our mistake, and nobody's mail is lost over it."""
        self.use("club", "wrong")
        with Receiver("127.0.3.1", self.port, self.certificate, ("club", "open sesame")) as relay:
            queued = self.sending.submit("a@nowhere.example")
            (event,) = self.sending.tried(queued)
            self.assertEqual((event["stage"], event["code"]), ("auth", 535))
            self.assertNotIn("wrong", event["dialogue"])
            self.assertEqual(relay.taken, [])
            with sqlite3.connect(self.sending.server.database) as database:
                database.execute("update queue_smarthost set password = 'open sesame'")
            database.close()
            self.sending.hurry()
            self.assertEqual(self.sending.wait(queued), {"a@nowhere.example": "delivered"})

    def test_a_certificate_that_nobody_vouches_for(self):
        """The password is not for everybody who stands between us."""
        self.use("club", "open sesame")
        forged = Certificate("relay.example")
        self.addCleanup(forged.remove)
        with Receiver("127.0.3.1", self.port, forged, ("club", "open sesame")) as relay:
            queued = self.sending.submit("a@nowhere.example")
            (event,) = self.sending.tried(queued)
            self.assertEqual((event["stage"], event["breakdown"]), ("starttls", "tls"))
            self.assertEqual(relay.taken, [])

    def test_no_tls_where_it_was_promised(self):
        self.use("club", "open sesame")
        with Receiver("127.0.3.1", self.port) as relay:
            queued = self.sending.submit("a@nowhere.example")
            (event,) = self.sending.tried(queued)
            self.assertEqual((event["stage"], event["breakdown"]), ("starttls", "tls"))
            self.assertEqual(relay.taken, [])


if __name__ == "__main__":
    unittest.main()
