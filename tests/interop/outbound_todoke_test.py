#!/usr/bin/python3
"""Two of our own: one sends, the other receives, and IMAP shows what came of it."""

import imaplib
import os
import re
import smtplib
import unittest

from outbound import Sending, message
from todoke_server import PASSWORD, Listener, Server

HELO, THERE = "mail.todoke.example", "127.0.4.1"


class ToTodoke(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sending = cls.enterClassContext(Sending(host=HELO))
        listeners = (Listener("smtp", THERE, port=cls.sending.port), Listener("submission", THERE),
                     Listener("imap", plain_text_login=True))
        cls.far = Server(listeners, ("hana",), host="mx.far.example")
        cls.enterClassContext(cls.far)
        cls.far.command("domain", "add", "far.example")
        for name in ("ume", "sakura"):
            cls.far.command("account", "add", f"{name}@far.example", "--password", PASSWORD)
        cls.sending.domain("far.example", THERE)

    def take(self, name):
        """The one message of that account, which is removed."""
        with imaplib.IMAP4(*self.far.at("imap")) as client:
            client.login(f"{name}@far.example", PASSWORD)
            self.assertEqual(client.select(), ("OK", [b"1"]))
            data = client.fetch("1", "(BODY.PEEK[])")[1]
            client.store("1", "+FLAGS", "\\Deleted")
            client.expunge()
        return data[0][1]

    def round_trip(self, text, tls="TLSv1.3 unverified", **options):
        """Sends and takes it; the header fields put in front."""
        queued = self.sending.submit("ume@far.example", text, **options)
        self.assertEqual(self.sending.wait(queued), {"ume@far.example": "delivered"},
                         self.sending.events(queued))
        self.assertEqual(self.sending.last(queued)["tls"], tls)
        mail = self.take("ume")
        self.assertTrue(mail.endswith(text), mail[:1000])
        return mail.removesuffix(text)

    def test_trace(self):
        trace = self.round_trip(message())
        self.assertTrue(trace.startswith(b"Return-Path: <hana@example.test>\r\n"))
        self.assertEqual(trace.count(b"Return-Path:"), 1)
        (there, here) = re.findall(rb"Received: (?:[^\r\n]*\r\n[ \t])*[^\r\n]*\r\n", trace)
        self.assertRegex(b" ".join(there.split()),
                         rb"^Received: from mail\.todoke\.example .*by mx\.far\.example "
                         rb"with ESMTPS .*for <ume@far\.example>;")
        self.assertRegex(b" ".join(here.split()),
                         rb"^Received: from \S+ .*by mail\.todoke\.example with ESMTPA ")

    def test_every_byte(self):
        texts = {
            "dots": message(body=b".\r\n..\r\n.a\r\n\r\n.\r\n"),
            "nothing": message(body=b""),
            "blank lines": message(body=b"\r\n\r\n \r\n\t\r\n\r\n"),
            "eight bits": message(body=bytes(range(128, 256)) * 100 + b"\r\n"),
            "long lines": message(body=(b"x" * 998 + b"\r\n") * 2000),
            "large": message(body=os.urandom(1_500_000).hex(" ", 30).replace(" ", "\r\n").encode()
                             + b"\r\n"),
            "utf-8 header": message("件名 🎏".encode())}
        for name, text in texts.items():
            with self.subTest(name):
                options = ["SMTPUTF8"] if name == "utf-8 header" else ["BODY=8BITMIME"]
                self.round_trip(text, mail_options=options)

    def test_several_recipients(self):
        text = message()
        states = self.sending.send(["ume@far.example", "sakura@far.example", "momo@far.example"],
                                   text)
        self.assertEqual(states, {"ume@far.example": "delivered", "sakura@far.example": "delivered",
                                  "momo@far.example": "failed"})
        for name in ("ume", "sakura"):
            mail = self.take(name)
            self.assertTrue(mail.endswith(text))
            # Nobody learns from the trace who else was written to.
            self.assertEqual([one for one in (b"ume@", b"sakura@", b"momo@") if one in mail], [])

    def test_a_null_reverse_path(self):
        text = message()
        with smtplib.SMTP(*self.sending.server.at("submission")) as client:
            client.login("hana", PASSWORD)
            client.sendmail("", ["ume@far.example"], text)
        ((queued,),) = self.sending.rows("select max(id) from queue_message")
        self.sending.wait(queued)
        self.assertTrue(self.take("ume").startswith(b"Return-Path: <>\r\n"))

    def test_z_smarthost(self):
        """The other as a smarthost, where our server signs in."""
        self.sending.server.stop()
        self.sending.server.trust = self.far.certificate
        self.sending.smarthost("mx.far.example", self.far.port("submission"), 1, "hana", PASSWORD)
        self.sending.server.start()
        trace = self.round_trip(message(), "TLSv1.3 verified")
        self.assertIn(b"with ESMTPSA", trace)
        self.assertEqual(trace.count(b"Received:"), 2)


if __name__ == "__main__":
    unittest.main()
