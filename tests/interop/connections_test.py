#!/usr/bin/python3
"""Connections themselves: too many, none that speaks, and those that a proxy brings."""

import resource
import socket
import time
import unittest

from todoke_server import Listener, PASSWORD, Server, address
from wire import SIGNATURE, Smtp, all_messages, pop3, proxy_v2


def own_address():
    """An address of this machine that is not loopback, if it has one."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        probe.connect(("192.0.2.1", 9))  # sends nothing
        found = probe.getsockname()[0]
        return None if found.startswith("127.") else found
    except OSError:
        return None
    finally:
        probe.close()


class TooMany(unittest.TestCase):
    def test_one_network_gets_its_share_and_no_more(self):
        ours = own_address()
        if ours is None:
            self.skipTest("this machine has no address but loopback")
        with Server((Listener("smtp", "0.0.0.0"), Listener("pop3", "0.0.0.0", True))) as server:
            opened = []
            where = (ours, server.port("smtp"))
            for _ in range(200):
                opened.append(Smtp.on(socket.create_connection(where, timeout=60)))
            refused = socket.create_connection(where, timeout=60)
            self.assertRegex(refused.recv(1000), rb"^421 4\.7\.0 .*\r\n")
            refused.close()
            # Others are served meanwhile, and so is the network itself once it lets go.
            with Smtp.on(socket.create_connection(("127.0.0.1", server.port("smtp")))) as other:
                self.assertRegex(other.command(b"NOOP"), rb"^250 ")
            for client in opened[:50]:
                client.close()
            self.eventually(lambda: Smtp.on(socket.create_connection(where, timeout=60)).close())
            for client in opened[50:]:
                self.assertRegex(client.command(b"NOOP"), rb"^250 ")
                client.close()

    def test_no_descriptors_left(self):
        limit = 120

        def few_descriptors():
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

        with Server(prepare=few_descriptors) as server:
            silent = [server.connect("smtp") for _ in range(2 * limit)]
            time.sleep(0.5)
            begin = self.cpu(server)
            time.sleep(1)
            self.assertLess(self.cpu(server) - begin, 0.5, "it spins while it has no descriptors")
            for one in silent:
                one.close()
            self.eventually(lambda: Smtp(server, timeout=5).close())
            with Smtp(server) as client:
                self.assertRegex(client.deliver(b"Subject: x\r\n\r\n", address("hana")), rb"^250 ")
            self.assertEqual(len(all_messages(server, "hana")), 1)

    def cpu(self, server):
        """Seconds of processor that the server has taken."""
        with open(f"/proc/{server.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def eventually(self, attempt):
        end = time.monotonic() + 30
        while True:
            try:
                return attempt()
            except (AssertionError, OSError, EOFError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)


class Proxied(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server((Listener("smtp", proxies=("127.0.0.1",)),
                             Listener("pop3", plain_text_login=True)), accounts=("hana",))
        cls.server.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def client(self, header):
        connection = self.server.connect("smtp")
        connection.sendall(header)
        return Smtp.on(connection)

    def test_the_peer_is_whom_the_header_names(self):
        for source in ("203.0.113.77", "2001:db8::77"):
            for extra in (b"", b"\x04\0\x03abc"):
                with self.client(proxy_v2(source, 4711, extra=extra)) as client:
                    client.deliver(b"Subject: x\r\n\r\n", address("hana"))
                (stored,) = all_messages(self.server, "hana")
                self.assertRegex(stored.split(b"\r\nSubject")[0], source.encode())
                self.assertNotIn(b"127.0.0.1", stored)

    def test_the_proxy_checks_our_health(self):
        with self.client(SIGNATURE + b"\x20\0\0\0") as client:  # LOCAL
            self.assertRegex(client.command(b"NOOP"), rb"^250 ")

    def test_the_header_may_come_in_pieces(self):
        connection = self.server.connect("smtp")
        for byte in proxy_v2("203.0.113.78", 1):
            connection.sendall(bytes((byte,)))
            time.sleep(0.002)
        with Smtp.on(connection) as client:
            self.assertRegex(client.command(b"NOOP"), rb"^250 ")

    def test_without_a_header_nobody_is_served(self):
        for start in (b"EHLO direct.example\r\n", b"PROXY TCP4 203.0.113.1 192.0.2.1 1 2\r\n",
                      SIGNATURE + b"\x31\x11\0\x0c" + bytes(12),
                      SIGNATURE + b"\x21\x11\xff\xff" + bytes(100_000)):
            connection = self.server.connect("smtp", timeout=10)
            try:
                connection.sendall(start)
                answer = connection.recv(1000)
            except (ConnectionResetError, BrokenPipeError):
                answer = b""
            self.assertNotRegex(answer, rb"^220")
            connection.close()

    def test_whom_the_header_names_is_counted(self):
        opened = [self.client(proxy_v2("203.0.113.80", port)) for port in range(200)]
        connection = self.server.connect("smtp")
        connection.sendall(proxy_v2("203.0.113.80", 200))
        self.assertRegex(connection.recv(1000), rb"^421 4\.7\.0 ")
        connection.close()
        self.client(proxy_v2("203.0.113.81", 1)).close()
        for client in opened:
            client.close()

    def test_only_named_proxies_are_believed(self):
        with Server((Listener("smtp"), Listener("pop3", plain_text_login=True))) as server:
            connection = server.connect("smtp")
            connection.sendall(proxy_v2("203.0.113.79", 1))
            answers = connection.recv(4096)
            self.assertRegex(answers, rb"^220 ")  # a server that speaks first, to 127.0.0.1
            connection.close()
            with Smtp(server) as client:
                client.deliver(b"Subject: x\r\n\r\n", address("hana"))
            self.assertIn(b"[127.0.0.1]", all_messages(server, "hana")[0])


class Stopping(unittest.TestCase):
    def test_idle_sessions_are_sent_home_and_busy_ones_finish(self):
        with Server() as server:
            idle, busy = Smtp(server), Smtp(server)
            session = pop3(server, "hana")
            busy.envelope(address("hana"))
            self.assertRegex(busy.command(b"DATA"), rb"^354 ")
            busy.send(b"Subject: last\r\n")
            server.process.terminate()
            self.assertRegex(idle.reply(), rb"^421 4\.3\.2 ")
            self.assertTrue(idle.hung_up())
            self.assertRegex(session.sock.recv(1000), rb"^-ERR|^$")
            busy.send(b"\r\ntext\r\n.\r\n")
            self.assertRegex(busy.reply(), rb"^250 ")
            busy.close()
            server.stop()
            server.start()
            self.assertEqual(len(all_messages(server, "hana")), 1)


if __name__ == "__main__":
    unittest.main()
