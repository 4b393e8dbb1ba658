#!/usr/bin/python3
"""Our queue and Debian's Postfix: its smtpd with all that stands behind it, and its smtp-sink."""

import itertools
import os
import unittest

from outbound import Sending, message
from outbound_cases import Cases
from postfix import Postfix, SmtpSink
from receivers import Certificate

# Of smtp-sink, and what we call them.
VERBS = (("connect", "connect"), ("ehlo", "ehlo"), ("mail", "mail"), ("rcpt", "rcpt"),
         ("data", "data"), (".", "end of data"))
names = (f"domain{number}" for number in itertools.count())


@unittest.skipIf(os.geteuid() != 0, "Postfix runs as root alone")
class ToPostfix(Cases, unittest.TestCase):
    domain = "postfix.example"

    @classmethod
    def setUpClass(cls):
        cls.sending = cls.enterClassContext(Sending())
        at = cls.sending.domain(cls.domain)
        cls.receiver = cls.enterClassContext(
            Postfix([cls.domain], at, cls.sending.port, Certificate(f"mx.{cls.domain}")))


class ToSmtpSink(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sending = cls.enterClassContext(Sending())

    def sink(self, name, *options):
        at = self.sending.domain(name)
        self.enterContext(SmtpSink(at, self.sending.port, *options))
        return f"user@{name}"

    def end(self, to):
        """How the first attempt ended."""
        queued = self.sending.submit(to)
        self.sending.wait(queued, lambda _: self.ends(queued))
        return self.ends(queued)[0]

    def ends(self, queued):
        return [one for one in self.sending.events(queued) if one["kind"] != "begun"]

    def test_large_and_many(self):
        to = self.sink("plain.example")
        text = message(body=b"0123456789" * 7 + b"\r\n" + b"." * 70 + b"\r\n" * 20_000)
        many = [f"user{number}@plain.example" for number in range(30)]
        self.assertEqual(set(self.sending.send([to, *many], text).values()), {"delivered"})

    def test_refusals(self):
        """At each stage, for good and for now."""
        for verb, stage in VERBS:
            for option, code in (("-f", 500), ("-r", 450)):
                with self.subTest(verb=verb, code=code):
                    # Who refuses EHLO is greeted with HELO, which must be refused as well.
                    verbs = "ehlo,helo" if verb == "ehlo" else verb
                    event = self.end(self.sink(f"{next(names)}.example", option, verbs))
                    self.assertEqual((event["stage"], event["code"] // 100), (stage, code // 100))
                    if code == 450:
                        self.assertEqual(event["kind"], "deferred")

    def test_hanging_up(self):
        """With -q: after the command, without an answer."""
        for verb, stage in VERBS:
            with self.subTest(verb=verb):
                event = self.end(self.sink(f"{next(names)}.example", "-q", verb))
                self.assertEqual((event["kind"], event["stage"], event["code"]),
                                 ("deferred", stage, 0))
                self.assertIn(event["breakdown"], ("closed", "reset"))

    def test_slowness(self):
        """With -W: the answers that matter take a second each; with -p, as it forgets what was sent
        ahead while it waits."""
        to = self.sink("slow.example", "-p", "-W", "connect:1", "-W", "mail:1", "-W", "rcpt:1",
                       "-W", ".:1")
        self.assertEqual(self.sending.send(to), {to: "delivered"})


if __name__ == "__main__":
    unittest.main()
