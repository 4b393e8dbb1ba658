#!/usr/bin/python3
"""Python's smtplib and poplib: everyday mail, large mail, many mails."""

import email.message
import email.policy
import hashlib
import poplib
import random
import smtplib
import ssl
import unittest

from todoke_server import PASSWORD, Server, address
from wire import Smtp, all_messages, pop3, retrieve, stuffed, without_trace

server = None


def setUpModule():
    global server
    server = Server()
    server.__enter__()


def tearDownModule():
    server.__exit__()


def trusted():
    return ssl.create_default_context(cafile=server.certificate)


def letter(subject, text, sender="sender@elsewhere.example", to=address("hana")):
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message.set_content(text)
    return message


class Sending(unittest.TestCase):
    def test_to_another_server_of_the_world(self):
        with smtplib.SMTP("127.0.0.1", server.port("smtp")) as client:
            message = letter("運動会のお知らせ", "明日の運動会は\n.\n..\n雨天のため延期します。\n")
            self.assertEqual(client.send_message(message), {})
            client.mail("a@elsewhere.example")
            self.assertEqual(client.rcpt("nobody@example.test")[0], 550)
            self.assertEqual(client.rcpt("someone@far.example")[0], 550)  # no open relay
        (found,) = all_messages(server, "hana")
        self.assertEqual(without_trace(found), message.as_bytes())
        parsed = email.message_from_bytes(found, policy=email.policy.default)
        self.assertEqual(parsed["Subject"], "運動会のお知らせ")
        self.assertIn("雨天のため延期します。", parsed.get_content())

    def test_utf8_addresses_and_headers(self):
        with smtplib.SMTP("127.0.0.1", server.port("smtp")) as client:
            raw = "From: 花子@elsewhere.example\r\nSubject: 件名\r\n\r\n本文\r\n".encode()
            client.ehlo()
            self.assertTrue(client.has_extn("smtputf8"))
            client.sendmail("花子@elsewhere.example", [address("hana")], raw,
                            mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        (found,) = all_messages(server, "hana", delete=False)
        self.assertEqual(without_trace(found), raw)
        self.assertTrue(found.startswith("Return-Path: <花子@elsewhere.example>\r\n".encode()))
        session = poplib.POP3("127.0.0.1", server.port("pop3"))
        self.assertIn("UTF8", session.capa())
        self.assertRegex(session.utf8(), rb"^\+OK")
        session.user("hana")
        session.pass_(PASSWORD)
        self.assertEqual(len(session.list()[1]), 1)
        session.dele(1)
        session.quit()

    def test_submission_over_both_kinds_of_tls(self):
        def submit(client):
            client.ehlo()
            self.assertEqual(client.mail(address("hana"))[0], 530)
            client.login(address("hana"), PASSWORD)
            client.send_message(letter("submitted", "text\n", address("hana"), address("taro")))
            self.assertEqual(client.mail(address("taro"))[0], 553)  # not hers
            client.quit()

        submit(smtplib.SMTP_SSL("localhost", server.port("submissions"), context=trusted()))
        client = smtplib.SMTP("localhost", server.port("submission"))
        client.starttls(context=trusted())
        submit(client)
        for message in all_messages(server, "taro"):
            parsed = email.message_from_bytes(message)
            self.assertTrue(parsed["Date"] and parsed["Message-ID"])  # which the sender left out
            self.assertRegex(parsed["Received"], r"with (UTF8)?ESMTPSA")
            self.assertNotIn("127.0.0.1", parsed["Received"])

    def test_wrong_passwords(self):
        with smtplib.SMTP("127.0.0.1", server.port("submission")) as client:
            with self.assertRaises(smtplib.SMTPAuthenticationError) as raised:
                client.login("taro", "wrong")
            self.assertEqual(raised.exception.smtp_code, 535)
        session = poplib.POP3("127.0.0.1", server.port("pop3"))
        session.user("nobody")
        with self.assertRaisesRegex(poplib.error_proto, r"-ERR \[AUTH\]"):
            session.pass_("wrong")
        session.close()


class Reading(unittest.TestCase):
    def test_pop3_over_both_kinds_of_tls(self):
        with Smtp(server) as client:
            client.deliver(b"Subject: secret\r\n\r\ntext\r\n", address("taro"))
        session = poplib.POP3_SSL("localhost", server.port("pop3s"), context=trusted())
        session.user(address("taro"))
        session.pass_(PASSWORD)
        self.assertEqual(session.stat()[0], 1)
        self.assertIn(b"Subject: secret", session.top(1, 0)[1])
        session.quit()
        session = poplib.POP3("localhost", server.port("pop3"))
        session.stls(context=trusted())
        session.user("taro")
        session.pass_(PASSWORD)
        self.assertIn(b"text", session.retr(1)[1])
        session.dele(1)
        session.rset()
        self.assertEqual(session.stat()[0], 1)
        session.dele(1)
        session.quit()
        self.assertEqual(all_messages(server, "taro"), [])

    def test_thirty_megabytes_come_back_unchanged(self):
        source = random.Random(30)
        lines = [source.randbytes(36).hex().encode() + b"\r\n" for _ in range(1000)]
        lines += [b".\r\n", b"..\r\n", b"\r\n", b"From here\r\n"]
        large = b"Subject: large\r\n\r\n" + b"".join(source.choices(lines, k=425_000))
        self.assertGreater(len(large), 30_000_000)
        with Smtp(server) as client:
            self.assertRegex(client.deliver(large, address("hana")), rb"^250 ")
        self.assertLess(server.memory_kib(), 100 * 1024)
        (found,) = all_messages(server, "hana")
        self.assertEqual(hashlib.sha256(without_trace(found)).digest(),
                         hashlib.sha256(large).digest())
        self.assertLess(server.memory_kib(), 100 * 1024)

    def test_a_thousand_messages_pipelined(self):
        count = 1000
        with Smtp(server) as client:
            for first in range(0, count, 100):
                batch = b""
                for number in range(first, first + 100):
                    batch += (b"MAIL FROM:<a@elsewhere.example>\r\nRCPT TO:<hana@example.test>\r\n"
                              b"BDAT %d LAST\r\n")
                    text = stuffed(b"Subject: number %d\r\n\r\ntext %d\r\n" % (number, number))
                    batch = batch % len(text) + text
                client.send(batch)
                for _ in range(300):
                    self.assertRegex(client.reply(), rb"^250 ")
        session = pop3(server, "hana")
        self.assertEqual(session.stat()[0], count)
        uidls = session.uidl()[1]
        self.assertEqual(len({line.split()[1] for line in uidls}), count)
        sizes = [int(line.split()[1]) for line in session.list()[1]]
        session.sock.sendall(b"".join(b"UIDL %d\r\nRETR %d\r\nDELE %d\r\n" % (n, n, n)
                                      for n in range(1, count + 1)))
        for number in range(count):
            self.assertEqual(session._getresp(), b"+OK " + uidls[number])
            session._getresp()
            text = b""
            while True:
                line = session.file.readline()
                if line == b".\r\n":
                    break
                text += line
            self.assertEqual(len(text), sizes[number])
            self.assertIn(b"Subject: number %d\r\n" % number, text)
            self.assertRegex(session._getresp(), rb"^\+OK")
        session.quit()
        self.assertEqual(all_messages(server, "hana"), [])

    def test_unique_ids_outlive_sessions_and_restarts(self):
        with Smtp(server) as client:
            for number in range(10):
                client.deliver(b"Subject: %d\r\n\r\n" % number, address("taro"))
        session = pop3(server, "taro")
        before = {line.split()[1]: retrieve(session, n + 1)
                  for n, line in enumerate(session.uidl()[1])}
        for number in (1, 5, 10):
            session.dele(number)
        gone = [session.uidl(number).split()[2] for number in (2, 3)]
        session.quit()
        server.stop()
        server.start()
        with Smtp(server) as client:
            client.deliver(b"Subject: new\r\n\r\n", address("taro"))
        session = pop3(server, "taro")
        after = {line.split()[1]: retrieve(session, n + 1)
                 for n, line in enumerate(session.uidl()[1])}
        self.assertEqual(len(after), 8)
        self.assertTrue(set(gone) <= set(after))
        kept = set(before) & set(after)
        self.assertEqual(len(kept), 7)
        self.assertTrue(all(before[uidl] == after[uidl] for uidl in kept))
        session.quit()
        all_messages(server, "taro")

    def test_a_connection_lost_deletes_nothing(self):
        with Smtp(server) as client:
            client.deliver(b"Subject: keep\r\n\r\n", address("taro"))
        session = pop3(server, "taro")
        session.dele(1)
        session.close()
        self.assertEqual(len(all_messages(server, "taro")), 1)


if __name__ == "__main__":
    unittest.main()
