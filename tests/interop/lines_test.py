#!/usr/bin/python3
"""What ends a line, a message and a conversation in the clear: SMTP on a raw socket."""

import itertools
import socket
import ssl
import threading
import time
import unittest

from todoke_server import Listener, PASSWORD, Server, address
from wire import Smtp, all_messages, without_trace

server = None


def setUpModule():
    global server
    server = Server()
    server.__enter__()


def tearDownModule():
    server.__exit__()


class LineEnds(unittest.TestCase):
    def permutations(self):
        """Everything around a dot that some server somewhere takes for the end of a message."""
        ends = (b"\r\n", b"\n", b"\r", b"\r\r\n", b"\r\n\0", b"\n\r", b"\r\0\n")
        for before, after in itertools.product(ends, ends):
            yield before + b"." + after
        yield from (b"\r\n.\r\r\n", b"\r\n. \r\n", b"\r\n.\x0b\r\n", b"\x85.\x85", b"\r\n.\t\r\n",
                    b"\r\n..\r\n", b"\n..\r\n", b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\n.=\r\n")

    def test_only_crlf_dot_crlf_ends_a_message(self):
        smuggled = (b"MAIL FROM:<admin@example.test>\r\nRCPT TO:<taro@example.test>\r\nDATA\r\n"
                    b"From: admin@example.test\r\n\r\nsmuggled\r\n.\r\n")
        tried = 0
        for end in self.permutations():
            if b"\r\n.\r\n" in end:
                continue  # that is one
            tried += 1
            with self.subTest(end=end), Smtp(server) as client:
                client.envelope(address("hana"))
                answer = client.data(b"Subject: first\r\n\r\nbegin" + end + smuggled)
                # A refusal of one message, or one it was; what followed was part of it.
                if any(bad in end.replace(b"\r\n", b"") for bad in (b"\r", b"\n")):
                    self.assertRegex(answer, rb"^550 5\.6\.11 ")
                elif b"\0" in end:
                    self.assertRegex(answer, rb"^550 5\.6\.0 ")
                else:
                    self.assertRegex(answer, rb"^250 ")
                self.assertRegex(client.command(b"NOOP"), rb"^250 ")
                self.assertRegex(client.command(b"RCPT TO:<taro@example.test>"), rb"^503 ")
        self.assertGreater(tried, 50)
        self.assertEqual(all_messages(server, "taro"), [])
        for message in all_messages(server, "hana"):
            self.assertIn(b"smuggled\r\n", message)
            self.assertNotRegex(without_trace(message), rb"[^\r]\n|\r[^\n]")

    def test_the_end_is_found_however_it_is_cut(self):
        message = b"Subject: cut\r\n\r\n.\r\n..two\r\n.x\r\nlast\r\n"
        wire = b"Subject: cut\r\n\r\n..\r\n...two\r\n..x\r\nlast\r\n.\r\n"
        with Smtp(server) as client:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for size in (1, 2, 3, 7):
                client.envelope(address("hana"))
                self.assertRegex(client.command(b"DATA"), rb"^354 ")
                for at in range(0, len(wire), size):
                    client.send(wire[at:at + size])
                    time.sleep(0.001)
                self.assertRegex(client.reply(), rb"^250 ")
        found = all_messages(server, "hana")
        self.assertEqual([without_trace(one) for one in found], [message] * 4)

    def test_commands_end_with_crlf(self):
        with Smtp(server) as client:
            self.assertRegex(client.command(b"NOOP\nRSET"), rb"^500 5\.5\.2 ")
            self.assertRegex(client.reply(), rb"^250 ")  # RSET, which ended as it should
            self.assertRegex(client.command(b"NOOP\rRSET"), rb"^50[01] ")
            self.assertRegex(client.command(b"MAIL FROM:<a\0b@elsewhere.example>"), rb"^50[01] ")
            self.assertRegex(client.command(b"NOOP"), rb"^250 ")

    def test_chunks_may_hold_anything_but_bare_line_ends(self):
        message = b"Subject: chunks\r\n\r\n.\r\n.\r\nQUIT\r\n"
        with Smtp(server) as client:
            client.envelope(address("hana"))
            for byte in range(len(message)):
                client.send(b"BDAT 1\r\n" + message[byte:byte + 1])
            client.send(b"BDAT 0 LAST\r\n")
            for _ in range(len(message) + 1):
                self.assertRegex(client.reply(), rb"^250 ")
            for bad in (b"a\nb\r\n", b"a\rb\r\n", b"a\r\nb\r", b"\n.\n"):
                client.envelope(address("hana"))
                client.send(b"BDAT %d LAST\r\n" % len(bad) + bad)
                self.assertRegex(client.reply(), rb"^550 5\.6\.11 ")
        found = all_messages(server, "hana")
        self.assertEqual([without_trace(one) for one in found], [message])


class StartTls(unittest.TestCase):
    def secure(self, client):
        context = ssl.create_default_context(cafile=server.certificate)
        client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
        client._input = b""

    def test_what_was_injected_before_tls_is_not_obeyed_within(self):
        for injected in (b"NOOP\r\n", b"EHLO evil.example\r\nMAIL FROM:<evil@elsewhere.example>\r\n",
                         b"NOO"):
            with self.subTest(injected=injected), Smtp(server) as client:
                client.send(b"STARTTLS\r\n" + injected)
                self.assertRegex(client.reply(), rb"^220 ")
                self.secure(client)
                client.socket.settimeout(0.3)
                with self.assertRaises(socket.timeout):
                    client.reply()  # nothing may answer the injected commands
                client.socket.settimeout(60)
                self.assertRegex(client.command(b"MAIL FROM:<a@elsewhere.example>"), rb"^503 ")
                self.assertRegex(client.command(b"EHLO client.example"), rb"^250")

    def test_tls_forgets_the_envelope(self):
        with Smtp(server) as client:
            self.assertIn(b"STARTTLS", client.offers)
            client.envelope(address("hana"))
            self.assertRegex(client.command(b"STARTTLS"), rb"^220 ")
            self.secure(client)
            self.assertRegex(client.command(b"DATA"), rb"^503 ")
            offers = client.command(b"EHLO client.example")
            self.assertNotIn(b"STARTTLS", offers)
            self.assertIn(b"REQUIRETLS", offers)
            self.assertRegex(client.command(b"STARTTLS"), rb"^503 ")

    def test_pop3_too(self):
        connection = server.connect("pop3")
        file = connection.makefile("rb")
        self.assertRegex(file.readline(), rb"^\+OK")
        connection.sendall(b"STLS\r\nUSER hana\r\n")
        self.assertRegex(file.readline(), rb"^\+OK")
        context = ssl.create_default_context(cafile=server.certificate)
        secure = context.wrap_socket(connection, server_hostname="localhost")
        secure.settimeout(0.3)
        with self.assertRaises(socket.timeout):
            secure.recv(1)
        secure.settimeout(60)
        secure.sendall(f"PASS {PASSWORD}\r\n".encode())
        self.assertRegex(secure.recv(1000), rb"^-ERR")  # the USER from outside does not count
        secure.close()


class Excess(unittest.TestCase):
    def test_a_line_without_end_is_refused_in_bounded_memory(self):
        with Smtp(server) as client:
            before = server.memory_kib()
            for _ in range(256):
                client.send(b"X" * 65536)
            client.send(b"\r\n")
            self.assertRegex(client.reply(), rb"^500 5\.5\.2 ")
            self.assertRegex(client.command(b"NOOP"), rb"^250 ")
            self.assertLess(server.memory_kib() - before, 8 * 1024)

    def test_nonsense_ends_the_conversation(self):
        with Smtp(server) as client:
            answers = [client.command(b"NONSENSE") for _ in range(9)]
            self.assertTrue(all(answer.startswith(b"500") for answer in answers), answers)
            self.assertRegex(client.command(b"NONSENSE"), rb"^421 4\.7\.0 ")
            self.assertTrue(client.hung_up())

    def test_a_message_beyond_the_limit(self):
        small = Server(listeners=(Listener("smtp"), Listener("pop3", plain_text_login=True)),
                       accounts=("hana",), settings={"max_message_size": 100_000})
        with small, Smtp(small) as client:
            self.assertIn(b"SIZE 100000\r\n", client.offers)
            answer = client.command(b"MAIL FROM:<a@elsewhere.example> SIZE=100001")
            self.assertRegex(answer, rb"^552 5\.3\.4 ")
            too_large = b"Subject: large\r\n\r\n" + b"0123456789\r\n" * 20_000
            self.assertRegex(client.deliver(too_large, address("hana")), rb"^552 5\.3\.4 ")
            self.assertRegex(client.deliver(b"Subject: small\r\n\r\n", address("hana")), rb"^250 ")
            found = all_messages(small, "hana")
            self.assertEqual([without_trace(one) for one in found], [b"Subject: small\r\n\r\n"])

    def test_many_recipients(self):
        with Smtp(server) as client:
            self.assertIn(b"RCPTMAX=1000", client.offers)
            client.command(b"MAIL FROM:<a@elsewhere.example>")
            client.send(b"".join(b"RCPT TO:<hana+%d@example.test>\r\n" % i for i in range(1002)))
            answers = [client.reply() for _ in range(1002)]
            self.assertTrue(all(answer.startswith(b"250 ") for answer in answers[:1000]))
            self.assertTrue(all(answer.startswith(b"452 4.5.3 ") for answer in answers[1000:]))
            self.assertRegex(client.data(b"Subject: many\r\n\r\n.\r\n"), rb"^250 ")
        self.assertEqual(len(all_messages(server, "hana")), 1)  # one account, one copy

    def test_a_slow_sender_holds_nobody_else(self):
        slow = [Smtp(server) for _ in range(20)]
        for client in slow:
            client.envelope(address("hana"))
            client.send(b"DATA\r\n")
            client.reply()
        stop = threading.Event()

        def drip():
            while not stop.wait(0.02):
                for client in slow:
                    client.send(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            with Smtp(server) as client:
                for _ in range(20):
                    self.assertRegex(client.deliver(b"Subject: quick\r\n\r\n", address("taro")),
                                     rb"^250 ")
        finally:
            stop.set()
            dripping.join()
        for client in slow:
            client.send(b"\r\n.\r\n")
            self.assertRegex(client.reply(), rb"^250 ")
            client.close()
        self.assertEqual(len(all_messages(server, "taro")), 20)
        self.assertEqual(len(all_messages(server, "hana")), 20)


if __name__ == "__main__":
    unittest.main()
