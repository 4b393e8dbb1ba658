#!/usr/bin/python3
"""TLS towards others: what is used when it is there, and what is not done without it."""

import contextlib
import logging
import ssl
import unittest

from outbound import Sending, message
from receivers import Certificate, Dialogue, Receiver, Scripted

# A zone for each: what a signed zone once denied, a resolver need not ask again.
ZONES = [f"signed{number}.example" for number in range(8)]
names = iter(ZONES)


def spoil_handshake(connection):
    """Agrees to TLS, and then talks something else."""
    connection.sendall(b"220 go ahead\r\n")
    connection.recv(65536)
    connection.sendall(b"500 what did you say?\r\n")
    return True


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sending = cls.enterClassContext(Sending(signed=ZONES))
        # aiosmtpd tells of every handshake that fails.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        cls.certificate = Certificate("mx.any.example")
        cls.other = Certificate("mx.other.example")

    def receiver(self, name, tlsa=None, certificate=None):
        at = self.sending.domain(name)
        if tlsa:
            self.sending.dns.set(f"_{self.sending.port}._tcp.mx.{name}", "TLSA", tlsa)
        return self.enterContext(Receiver(at, self.sending.port, certificate))

    def first_end(self, to):
        queued = self.sending.submit(to)

        def ends():
            return [one for one in self.sending.events(queued) if one["kind"] != "begun"]
        self.sending.wait(queued, lambda _: ends())
        return ends()[0]

    def test_a_certificate_of_its_own_making(self):
        name = "self-signed.example"
        receiver = self.receiver(name, certificate=self.certificate)
        event = self.first_end(f"user@{name}")
        self.assertEqual((event["kind"], event["tls"]), ("delivered", "TLSv1.3 unverified"))
        (session,) = receiver.sessions
        self.assertIsNotNone(session.ssl)

    def test_a_server_without_tls(self):
        self.receiver("clear.example")
        event = self.first_end("user@clear.example")
        self.assertEqual((event["kind"], event["tls"]), ("delivered", ""))

    def test_a_handshake_that_fails(self):
        """Then in the clear, as nothing promised more (RFC 7435 §3)."""
        talk = Dialogue({"STARTTLS": spoil_handshake}, ("STARTTLS", "8BITMIME"))
        with Scripted(self.sending.domain("spoilt.example"), self.sending.port, talk) as server:
            event = self.first_end("user@spoilt.example")
            self.assertEqual(event["kind"], "delivered")
            self.assertRegex(event["tls"], "^none: .+")
            self.assertEqual((server.connections, len(talk.texts)), (2, 1))

    def test_an_old_version(self):
        """TLS 1.1 alone is as good as none."""
        context = self.certificate.context()
        with contextlib.suppress(ValueError):
            context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1

        def handshake(connection):
            connection.sendall(b"220 go ahead\r\n")
            with contextlib.suppress(OSError):
                context.wrap_socket(connection, server_side=True)
            return True
        talk = Dialogue({"STARTTLS": handshake}, ("STARTTLS",))
        with Scripted(self.sending.domain("old.example"), self.sending.port, talk):
            event = self.first_end("user@old.example")
            self.assertEqual(event["kind"], "delivered")
            self.assertRegex(event["tls"], "^none: .+")

    # ---- DANE (RFC 7672)

    def test_dane(self):
        """The second time as it is while keys change."""
        for records in ([self.certificate.tlsa()], [self.other.tlsa(), self.certificate.tlsa()]):
            with self.subTest(records):
                name = next(names)
                self.receiver(name, records, self.certificate)
                event = self.first_end(f"user@{name}")
                self.assertEqual((event["kind"], event["tls"]), ("delivered", "TLSv1.3 dane"))

    def test_dane_names_another_key(self):
        name = next(names)
        receiver = self.receiver(name, [self.other.tlsa()], self.certificate)
        text = message()
        queued = self.sending.submit(f"user@{name}", text)
        (event,) = self.sending.tried(queued)
        self.assertEqual((event["stage"], event["breakdown"]), ("starttls", "tls"))
        self.assertEqual(receiver.taken, [])
        # The key is changed: what waited goes out.
        self.sending.dns.set(f"_{self.sending.port}._tcp.mx.{name}", "TLSA",
                             [self.certificate.tlsa()])
        self.sending.hurry()
        self.assertEqual(self.sending.wait(queued), {f"user@{name}": "delivered"})
        self.assertEqual(len(receiver.taken), 1)

    def test_dane_and_no_tls(self):
        name = next(names)
        receiver = self.receiver(name, [self.certificate.tlsa()])
        event = self.first_end(f"user@{name}")
        self.assertEqual((event["kind"], event["stage"], event["breakdown"]),
                         ("deferred", "starttls", "tls"))
        self.assertEqual(receiver.taken, [])

    def test_dane_that_nothing_can_read(self):
        """TLS is needed, whosever it is."""
        name = next(names)
        self.receiver(name, ["9 9 9 abcd"], self.certificate)
        event = self.first_end(f"user@{name}")
        self.assertEqual(event["kind"], "delivered")
        self.assertRegex(event["tls"], "^TLSv1.3 ")

    def test_dane_records_that_cannot_be_had(self):
        """The host must not be used (RFC 7672 §2.1.2)."""
        name = next(names)
        receiver = self.receiver(name, "SERVFAIL", self.certificate)
        event = self.first_end(f"user@{name}")
        self.assertEqual((event["kind"], event["stage"], event["breakdown"]),
                         ("deferred", "dns", "dns"))
        self.assertEqual(receiver.taken, [])

    def test_dane_without_dnssec(self):
        """Records that nobody vouches for ask for nothing."""
        name = "insecure.example"
        self.receiver(name, [self.other.tlsa()], self.certificate)
        event = self.first_end(f"user@{name}")
        self.assertEqual((event["kind"], event["tls"]), ("delivered", "TLSv1.3 unverified"))


if __name__ == "__main__":
    unittest.main()
