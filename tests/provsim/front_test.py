#!/usr/bin/python3
"""The program provsim, as a mail server and its tests see it: over TCP.

    front_test.py path-of-provsim
"""

import json
import pathlib
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
import unittest

PROVSIM = sys.argv.pop()

SCRIPT = """
provider one
  domains one.example
  host mx1.one.example 127.0.31.1
  host mx2.one.example 127.0.31.2 127.0.31.3
  connections 2 421 4.7.0 Too many connections
  rcpt to gone-* 550 5.1.1 Unknown user
  latency end fixed 20min
provider rude
  domains rude.example
  host mx.rude.example 127.0.31.4
  connect reset
  phase 10h
    connect silence
"""


def free_port():
    """One that is free on all the addresses, more likely than not."""
    with socket.socket() as probe:
        probe.bind(("127.0.31.1", 0))
        return probe.getsockname()[1]


class Provsim:
    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory()
        self.at = pathlib.Path(self.folder.name)
        (self.at / "script").write_text(SCRIPT)
        self.port = free_port()
        self.process = subprocess.Popen(
            [PROVSIM, self.at / "script", "--port", str(self.port), "--ledger", self.at / "ledger",
             "--zone", self.at / "zone", *options], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.process.stdout.close()
        self.folder.cleanup()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def ledger(self):
        return [json.loads(line) for line in (self.at / "ledger").read_text().splitlines()]


class Front(unittest.TestCase):
    def test_mail_in_accelerated_time(self):
        with Provsim("--speed", "3600") as provsim:
            with smtplib.SMTP("127.0.31.2", provsim.port, timeout=20) as smtp:
                begun = time.monotonic()
                refused = smtp.sendmail("a@b.example", ["ann@one.example", "gone-1@one.example"],
                                        "Message-ID: <1@b.example>\r\n\r\n.x\r\n")
                self.assertGreater(time.monotonic() - begun, 0.3)  # twenty minutes
                self.assertEqual(refused["gone-1@one.example"], (550, b"5.1.1 Unknown user"))
            provsim.process.send_signal(signal.SIGUSR1)
            for _ in range(200):
                if (provsim.at / "ledger").exists():
                    break
                time.sleep(0.05)
            self.assertEqual(provsim.ledger()[0]["receipt"], "ann@one.example")
            self.assertEqual(provsim.stop(), 0)
            receipts = [line for line in provsim.ledger() if "receipt" in line]
            self.assertEqual([one["message_id"] for one in receipts], ["<1@b.example>"])
            self.assertEqual(provsim.ledger()[-1], {"faults": {}})
            names = json.loads((provsim.at / "zone").read_text())["names"]
            self.assertEqual(names["one.example"]["MX"], ["10 mx1.one.example", "20 mx2.one.example"])
            self.assertEqual(names["mx2.one.example"]["A"], ["127.0.31.2", "127.0.31.3"])

    def test_limits_and_rudeness(self):
        with Provsim() as provsim:
            open_ones = [smtplib.SMTP("127.0.31.1", provsim.port, timeout=20) for _ in range(2)]
            with self.assertRaises(smtplib.SMTPConnectError) as refused:
                smtplib.SMTP("127.0.31.1", provsim.port, timeout=20)
            self.assertEqual(refused.exception.smtp_code, 421)
            for one in open_ones:
                one.quit()
            with self.assertRaises(ConnectionResetError):  # by connect() itself, if it is late
                with socket.create_connection(("127.0.31.4", provsim.port), 20) as rude:
                    rude.recv(100)
        with Provsim("--hour", "10") as provsim:
            with socket.create_connection(("127.0.31.4", provsim.port), 0.5) as silent:
                with self.assertRaises(TimeoutError):
                    silent.recv(100)


if __name__ == "__main__":
    unittest.main()
