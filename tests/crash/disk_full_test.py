#!/usr/bin/python3
"""A full disk: refusals that ask to come again, nothing lost, and recovery without a restart.

Once on a small file system of its own (as root only), and once with a limit on the size of files,
which fails writes in the middle and which anybody can set on a process of his.
"""

import pathlib
import poplib
import random
import resource
import signal
import subprocess
import tempfile
import time
import unittest

import books
from todoke_server import Listener, Server, address
from wire import Smtp, pop3, retrieve, without_trace

LISTENERS = (Listener("smtp"), Listener("lmtp"), Listener("pop3", plain_text_login=True))


def letter(number, size):
    source = random.Random(number)
    return b"Subject: %d\r\n\r\n" % number + source.randbytes(size // 2).hex().encode() + b"\r\n"


class DiskFull(unittest.TestCase):
    def setUp(self):
        self.number = 0
        self.kept = []  # what was acknowledged

    def send(self, server, count, size):
        """How many of so many messages were taken; nothing but 250 and 452 may be answered."""
        taken = 0
        with Smtp(server) as client:
            for _ in range(count):
                self.number += 1
                message = letter(self.number, size)
                client.envelope(address("hana"))
                answer = client.data(message + b".\r\n")
                self.assertRegex(answer, rb"^(250 2|452 4)\.\d\.\d ")
                if answer.startswith(b"250"):
                    taken += 1
                    self.kept.append(message)
        return taken

    def verify(self, server):
        session = pop3(server, "hana")
        count = session.stat()[0]
        found = [without_trace(retrieve(session, number + 1)) for number in range(count)]
        session.quit()
        self.assertEqual(sorted(found), sorted(self.kept))

    def try_to_delete(self, server):
        """Whatever QUIT answers is the truth."""
        session = pop3(server, "hana")
        first = without_trace(retrieve(session, 1))
        session.dele(1)
        try:
            session.quit()
        except poplib.error_proto as refusal:
            session.close()
            self.assertRegex(str(refusal), r"-ERR \[(SYS/TEMP|UNAVAILABLE)\]")
        else:
            self.kept.remove(first)

    def fill_and_recover(self, server, fill, empty):
        self.assertEqual(self.send(server, 20, 3_000), 20)
        for size in (3_000, 300_000):
            fill()
            refused = 0
            for _ in range(10):
                refused += 20 - self.send(server, 20, size)
                if refused >= 100:
                    break
            self.assertGreater(refused, 50, "the disk was not full")
            self.verify(server)
            self.try_to_delete(server)
            empty()
            self.eventually_takes(server)
            self.assertEqual(self.send(server, 20, size), 20)
            self.verify(server)
        server.stop()
        self.assertEqual(books.check(server.database), [])
        server.start()
        self.verify(server)
        self.assertEqual(self.send(server, 5, 3_000), 5)
        self.verify(server)

    def eventually_takes(self, server):
        end = time.monotonic() + 10
        while self.send(server, 1, 3_000) == 0:
            self.assertLess(time.monotonic(), end, server.log_text()[-2000:])
            time.sleep(0.1)

    def test_a_small_file_system(self):
        with tempfile.TemporaryDirectory(prefix="todoke-full-") as folder:
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "todoke", folder],
                                     stderr=subprocess.PIPE, text=True)
            if mounted.returncode != 0:
                self.skipTest(f"only root can make a small file system: {mounted.stderr.strip()}")
            try:
                ballast = pathlib.Path(folder) / "ballast"

                def fill():
                    with open(ballast, "wb", buffering=0) as file:
                        size = 1 << 20
                        while size:
                            try:
                                file.write(bytes(size))
                            except OSError:
                                size //= 2

                with Server(LISTENERS, folder=folder) as server:
                    self.fill_and_recover(server, fill, ballast.unlink)
            finally:
                subprocess.run(["umount", folder], check=True)

    def test_a_limit_on_the_size_of_files(self):
        def ignore_the_signal():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        with Server(LISTENERS, prepare=ignore_the_signal) as server:
            pid = server.process.pid
            unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)

            def limit(size):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

            def fill():
                # A little beyond what the log of the database has, so that it fails there too.
                size = max(path.stat().st_size for path in server.data.glob("todoke.db-wal"))
                limit(size + 20_000)

            self.fill_and_recover(server, fill,
                                  lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited))


if __name__ == "__main__":
    unittest.main()
