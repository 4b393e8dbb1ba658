#!/usr/bin/python3
"""Receivers that cannot, will not or do not answer, and what our books then say."""

import socket
import struct
import time
import unittest

from outbound import Sending, message
from receivers import Dialogue, Receiver, Scripted

names = (f"domain{number}.example" for number in range(1000))


def hang_up(connection):
    return True


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return True


def saying(reply):
    def say(connection):
        connection.sendall(reply)
        return True
    return say


def silence(connection):
    """Until the other side or the test ends it."""
    while connection.recv(65536):
        pass
    return True


class Trouble(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sending = cls.enterClassContext(Sending())

    def scripted(self, talk):
        """A domain whose server talks so; its name."""
        name = next(names)
        self.enterContext(Scripted(self.sending.domain(name), self.sending.port, talk))
        return name

    def first_end(self, to):
        """How the first attempt ended."""
        queued = self.sending.submit(to)
        self.sending.wait(queued, lambda _: self.ends(queued))
        return self.ends(queued)[0]

    def ends(self, queued):
        return [one for one in self.sending.events(queued) if one["kind"] != "begun"]

    # ---- Servers that end it

    STAGES = {"greeting": "connect", "EHLO": "ehlo", "MAIL": "mail", "RCPT": "rcpt", "DATA": "data",
              "text": "end of data", "dot": "end of data"}

    def test_hanging_up_at_each_stage(self):
        for how, breakdown in ((hang_up, {"closed", "reset"}), (reset, {"reset"})):
            for word, stage in self.STAGES.items():
                with self.subTest(word, how=how.__name__):
                    to = f"user@{self.scripted(Dialogue({word: how}))}"
                    event = self.first_end(to)
                    self.assertEqual((event["kind"], event["stage"], event["code"]),
                                     ("deferred", stage, 0))
                    self.assertIn(event["breakdown"], breakdown)
                    self.assertEqual(event["class"], "unreachable")

    def test_no_server_there(self):
        name = next(names)
        self.sending.domain(name)
        event = self.first_end(f"user@{name}")
        self.assertEqual((event["kind"], event["stage"], event["breakdown"], event["class"]),
                         ("deferred", "connect", "refused", "unreachable"))

    def test_no_smtp(self):
        for said in (b"SSH-2.0-OpenSSH_9.2\r\n", b"\0" * 100_000, b"220-" + b"x" * 100_000,
                     b"220-more\r\n" * 100_000):
            with self.subTest(said[:10]):
                name = self.scripted(Dialogue({"greeting": saying(said)}))
                event = self.first_end(f"user@{name}")
                self.assertEqual((event["kind"], event["stage"], event["breakdown"]),
                                 ("deferred", "connect", "garbage"))

    def test_421_anywhere(self):
        for word, stage in self.STAGES.items():
            if word == "text":
                continue
            with self.subTest(word):
                said = saying(b"421 4.3.2 shutting down\r\n")
                event = self.first_end(f"user@{self.scripted(Dialogue({word: said}))}")
                self.assertEqual((event["kind"], event["stage"], event["code"]),
                                 ("deferred", stage, 421))

    def test_a_second_host_takes_over(self):
        """The first refuses connections; it is no trouble of the recipient."""
        name = next(names)
        self.sending.domain(name)
        second = f"second.{name}"
        at = self.sending.domain(second)
        self.sending.dns.set(name, "MX", [f"10 mx.{name}", f"20 mx.{second}"])
        with Receiver(at, self.sending.port):
            queued = self.sending.submit(f"user@{name}")
            self.assertEqual(set(self.sending.wait(queued).values()), {"delivered"})
        self.assertEqual(self.sending.last(queued)["host"], f"mx.{second}")

    def test_a_silent_server_stops_nobody_else(self):
        quiet = [f"user@{self.scripted(Dialogue({word: silence}))}"
                 for word in ("greeting", "EHLO", "MAIL", "dot")]
        waiting = [self.sending.submit(to) for to in quiet]
        name = next(names)
        with Receiver(self.sending.domain(name), self.sending.port):
            self.assertEqual(self.sending.send(f"user@{name}"), {f"user@{name}": "delivered"})
        for one in waiting:
            self.assertLessEqual(set(self.sending.states(one).values()), {"waiting", "sending"})
        self.addCleanup(lambda: self.sending.server.process or self.sending.server.start())
        begin = time.monotonic()
        self.sending.server.stop()
        self.assertLess(time.monotonic() - begin, 25)
        # It was ours, and blames nobody: all of them are tried again.
        for one in waiting:
            event = self.sending.last(one)
            self.assertEqual((event["kind"], event["class"], event["breakdown"]),
                             ("deferred", None, "none"))

    # ---- Answers

    def test_refused_for_good(self):
        name = next(names)
        refuse = {f"no@{name}": "550 5.1.1 no such user here",
                  f"full@{name}": "552 5.2.2 mailbox full"}
        with Receiver(self.sending.domain(name), self.sending.port, refuse=refuse.get) as receiver:
            queued = self.sending.submit([f"no@{name}", f"yes@{name}", f"full@{name}"])
            self.sending.wait(queued, lambda _: len(self.ends(queued)) == 3)
        states = self.sending.states(queued)
        self.assertEqual(states, {f"no@{name}": "failed", f"yes@{name}": "delivered",
                                  f"full@{name}": "waiting"})
        found = {event["to"]: (event["code"], event["enhanced"], event["class"])
                 for event in self.ends(queued)}
        self.assertEqual(found, {f"no@{name}": (550, "5.1.1", "gone"),
                                 f"full@{name}": (552, "5.2.2", "full"),
                                 f"yes@{name}": (250, "2.0.0", None)})
        self.assertEqual([mail[1] for mail in receiver.taken], [[f"yes@{name}"]])

    def test_now_and_later(self):
        name = next(names)
        to = f"user@{name}"
        answers = ["451 4.7.1 Greylisted, come back", "450 4.2.1 busy", "451 4.3.0 try later"]
        with Receiver(self.sending.domain(name), self.sending.port,
                      refuse=lambda to: answers.pop(0) if answers else None) as receiver:
            text = message()
            queued = self.sending.submit(to, text)
            for attempt in range(3):
                self.sending.tried(queued, times=attempt + 1)
                (due,), = self.sending.rows(
                    "select r.due_at - e.at from queue_recipient r join queue_event e "
                    "using (message_id, number) where message_id = ? order by e.id desc limit 1",
                    queued)
                self.assertGreater(due, 50_000_000)
                self.sending.hurry()
            self.assertEqual(self.sending.wait(queued), {to: "delivered"})
            self.assertEqual(len(receiver.taken), 1)
        kinds = [event["kind"] for event in self.sending.events(queued)]
        self.assertEqual(kinds, ["begun", "deferred"] * 3 + ["begun", "delivered"])

    # ---- DNS

    def test_no_mail_wanted(self):
        name = next(names)
        self.sending.dns.set(name, "MX", ["0 ."])
        self.sending.dns.set(name, "A", ["127.0.0.1"])
        queued = self.sending.submit(f"user@{name}")
        self.assertEqual(self.sending.wait(queued), {f"user@{name}": "failed"})
        event = self.sending.last(queued)
        self.assertEqual((event["stage"], event["class"]), ("dns", "gone"))

    def test_no_such_domain(self):
        queued = self.sending.submit("user@nowhere.example")
        self.assertEqual(self.sending.wait(queued), {"user@nowhere.example": "failed"})
        event = self.sending.last(queued)
        self.assertEqual((event["stage"], event["class"]), ("dns", "gone"))

    def test_a_domain_without_mx(self):
        name = next(names)
        at = self.sending.domain(name)
        self.sending.dns.set(name, "MX", None)
        self.sending.dns.set(name, "A", [at])
        with Receiver(at, self.sending.port):
            self.assertEqual(self.sending.send(f"user@{name}"), {f"user@{name}": "delivered"})

    def test_dns_out_of_order(self):
        name = next(names)
        at = self.sending.domain(name)
        self.sending.dns.set(name, "MX", "SERVFAIL")
        queued = self.sending.submit(f"user@{name}")
        self.sending.wait(queued, lambda _: f"domain={name}" in self.sending.server.log_text())
        self.assertIn("queue.no_route", self.sending.server.log_text())
        self.assertEqual(self.sending.states(queued), {f"user@{name}": "waiting"})
        self.assertEqual(self.ends(queued), [])
        self.sending.dns.set(name, "MX", [f"10 mx.{name}"])
        with Receiver(at, self.sending.port):
            self.sending.hurry()
            self.assertEqual(self.sending.wait(queued), {f"user@{name}": "delivered"})


if __name__ == "__main__":
    unittest.main()
