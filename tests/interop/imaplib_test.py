#!/usr/bin/python3
"""Python's imaplib: everyday work with Japanese mail, over every kind of connection."""

import email
import email.header
import email.policy
import imaplib
import re
import socket
import ssl
import time
import unittest

from imap import Imap, mailbox_name
from todoke_server import PASSWORD, Server, address
from wire import Smtp

server = None
STORY = "吾輩は猫である。名前はまだ無い。"


def setUpModule():
    global server
    server = Server()
    server.__enter__()


def tearDownModule():
    server.__exit__()


def trusted():
    return ssl.create_default_context(cafile=server.certificate)


def iso_2022_jp(subject, body):
    """As Japanese mail programs have written for thirty years."""
    encoded = email.header.Header(subject, "iso-2022-jp").encode()
    return (f"From: =?ISO-2022-JP?B?GyRCMlY7UhsoQg==?= <hana@elsewhere.example>\r\n"
            f"To: taro@example.test\r\nSubject: {encoded}\r\n"
            f"Date: Thu, 1 Jan 2026 09:00:00 +0900\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: text/plain; charset=ISO-2022-JP\r\n"
            f"Content-Transfer-Encoding: 7bit\r\n\r\n").encode() + body.encode("iso-2022-jp")


class Base(unittest.TestCase):
    def ok(self, answer):
        self.assertEqual(answer[0], "OK", answer)
        return answer[1]

    def log_in(self, client, name="taro"):
        self.ok(client.login(name, PASSWORD))
        return client

    def session(self, name="taro"):
        client = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=60)
        self.addCleanup(self.end, client)
        return self.log_in(client, name)

    @staticmethod
    def end(client):
        try:
            client.logout()
        except (OSError, imaplib.IMAP4.error):
            pass

    def fresh(self, client, name):
        """An empty mailbox of this name, selected."""
        client.delete(mailbox_name(name))
        self.ok(client.create(mailbox_name(name)))
        self.ok(client.select(mailbox_name(name)))

    def uids(self, client, *criteria, charset=None):
        if charset:
            criteria, client.literal = criteria[:-1], criteria[-1].encode(charset)
            (found,) = self.ok(client.uid("SEARCH", "CHARSET", charset, *criteria))
        else:
            (found,) = self.ok(client.uid("SEARCH", *criteria))
        return [int(uid) for uid in found.split()]


class Connections(Base):
    def test_tls_from_the_start(self):
        client = imaplib.IMAP4_SSL("localhost", server.port("imaps"), ssl_context=trusted())
        self.addCleanup(self.end, client)
        self.assertIn("AUTH=PLAIN", client.capabilities)
        self.log_in(client, address("taro"))
        self.ok(client.select())
        client.logout()

    def test_starttls(self):
        client = imaplib.IMAP4("localhost", server.port("imap"))
        self.assertIn("STARTTLS", client.capabilities)
        self.ok(client.starttls(trusted()))
        self.assertNotIn("STARTTLS", client.capabilities)
        self.log_in(client)
        self.ok(client.select())
        client.logout()

    def test_nothing_said_before_tls_counts_after_it(self):
        raw = socket.create_connection(("localhost", server.port("imap")), 60)
        raw.recv(4096)
        raw.sendall(b"a STARTTLS\r\nb NOOP\r\n")
        answer = raw.recv(4096)
        self.assertRegex(answer, rb"^a (OK|BAD) ")
        try:
            secured = trusted().wrap_socket(raw, server_hostname="localhost")
            secured.settimeout(0.3)
            with secured, self.assertRaises(socket.timeout):
                secured.recv(4096)
        except OSError:
            raw.close()  # to hang up is as good

    def test_authenticate_plain_and_wrong_passwords(self):
        client = imaplib.IMAP4("127.0.0.1", server.port("imap"))
        self.ok(client.authenticate("PLAIN", lambda _: f"\0taro\0{PASSWORD}".encode()))
        client.logout()
        client = imaplib.IMAP4("127.0.0.1", server.port("imap"))
        with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHENTICATIONFAILED"):
            client.login("taro", "wrong")
        client.logout()

    def test_utf8_accept(self):
        client = self.session()
        self.ok(client.enable("UTF8=ACCEPT"))
        client.delete('"写真"')
        self.ok(client.create('"写真"'))
        names = self.ok(client.list())
        self.assertTrue(any('"写真"'.encode() in name for name in names), names)
        message = "Subject: 運動会\r\n\r\n本文\r\n".encode()
        # imaplib's own APPEND of this mode puts its UTF8 (…) into the literal.
        self.ok(self.session().append(mailbox_name("写真"), None, None, message))
        self.ok(client.select('"写真"'))
        self.assertEqual(self.ok(client.fetch("1", "(BODY.PEEK[])"))[0][1], message)


class Mailboxes(Base):
    def test_japanese_names(self):
        client = self.session()
        names = ["下書き・案", "仕事", "仕事/2026年", "A&B", "日本語 with English 語", "😀絵文字", "a\"b\\c"]
        for name in names:
            self.ok(client.create(mailbox_name(name)))
            self.ok(client.subscribe(mailbox_name(name)))
        listed = self.ok(client.list())
        for name in names:
            # A name without anything special may come as an atom.
            wire = mailbox_name(name).encode()
            ends = tuple(b'"/" ' + form for form in (wire, wire.strip(b'"')))
            self.assertEqual(len([1 for line in listed if line.endswith(ends)]), 1, (name, listed))
        self.assertEqual(len(self.ok(client.list('""', mailbox_name("仕事/%")))), 1)
        self.assertEqual(len(self.ok(client.lsub('""', mailbox_name("仕事*")))), 2)
        # With what is in it, and with its children.
        self.ok(client.append(mailbox_name("仕事/2026年"), None, None, b"Subject: a\r\n\r\n"))
        self.ok(client.rename(mailbox_name("仕事"), mailbox_name("会社")))
        (status,) = self.ok(client.status(mailbox_name("会社/2026年"), "(MESSAGES UIDNEXT)"))
        self.assertRegex(status, rb"MESSAGES 1 UIDNEXT 2")
        self.assertEqual(client.status(mailbox_name("仕事"), "(MESSAGES)")[0], "NO")
        for name in ["会社/2026年", "会社", *names]:
            if not name.startswith("仕事"):
                self.ok(client.delete(mailbox_name(name)))
        self.assertEqual(client.select(mailbox_name("A&B"))[0], "NO")
        # What is no modified UTF-7 is taken as it stands, and answered as it should be.
        self.ok(client.create('"broken &name"'))
        self.assertEqual(self.ok(client.list('""', '"broken*"')),
                         [b'(\\HasNoChildren) "/" "broken &-name"'])

    def test_special_use(self):
        listed = b"\n".join(self.ok(self.session().list()))
        for use in (rb"\Sent", rb"\Drafts", rb"\Trash", rb"\Junk"):
            self.assertIn(use, listed)


class Messages(Base):
    def setUp(self):
        self.client = self.session()
        self.fresh(self.client, "検索")
        self.box = mailbox_name("検索")

    def put(self, message, flags=None, date=None):
        answer = self.ok(self.client.append(self.box, flags, date, message))
        return int(re.search(rb"APPENDUID \d+ (\d+)", answer[0])[1])

    def test_append_fetch_store_copy_expunge(self):
        client = self.client
        message = iso_2022_jp("運動会のお知らせ", STORY + "\r\n")
        date = '" 1-Jan-2026 09:00:00 +0900"'
        uid = self.put(message, r"(\Flagged 重要)".encode("ascii", "replace").decode()
                       .replace("??", "$Important"), date)
        self.put(b"Subject: second\r\n\r\nsecond\r\n")
        (head, body), tail = self.ok(client.uid("FETCH", str(uid),
                                                "(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"))
        self.assertEqual(body, message)
        self.assertIn(b"INTERNALDATE", head + tail)
        self.assertIn(b"RFC822.SIZE %d" % len(message), head + tail)
        self.assertEqual(set(imaplib.ParseFlags(head + tail)), {rb"\Flagged", b"$Important"})
        parsed = email.message_from_bytes(body, policy=email.policy.default)
        self.assertEqual(parsed["Subject"], "運動会のお知らせ")
        self.assertEqual(parsed.get_content().strip(), STORY)

        self.assertEqual(self.ok(client.fetch("1", "BODY.PEEK[TEXT]<0.10>"))[0][1],
                         message.split(b"\r\n\r\n")[1][:10])
        self.ok(client.fetch("1", "(BODY[])"))  # which marks it as read
        self.assertIn(rb"\Seen", self.ok(client.fetch("1", "(FLAGS)"))[0])
        self.ok(client.store("1", "-FLAGS", r"(\Seen \Flagged)"))
        self.ok(client.store("1:2", "+FLAGS", r"(\Answered)"))
        self.ok(client.store("2", "FLAGS.SILENT", r"(\Deleted)"))
        flags = [set(imaplib.ParseFlags(one)) for one in self.ok(client.fetch("1:2", "(FLAGS)"))]
        self.assertEqual(flags, [{rb"\Answered", b"$Important"}, {rb"\Deleted"}])

        client.delete(mailbox_name("写し"))
        self.ok(client.create(mailbox_name("写し")))
        self.ok(client.copy("1:2", mailbox_name("写し")))
        self.assertEqual(self.ok(client.expunge()), [b"2"])
        self.ok(client.select(mailbox_name("写し")))
        (head, body), tail = self.ok(client.fetch("1", "(FLAGS INTERNALDATE BODY.PEEK[])"))
        self.assertEqual(body, message)
        self.assertEqual(set(imaplib.ParseFlags(head + tail)), {rb"\Answered", b"$Important"})
        self.assertEqual(imaplib.Internaldate2tuple(head + tail),
                         imaplib.Internaldate2tuple(b'INTERNALDATE " 1-Jan-2026 00:00:00 +0000"'))
        self.ok(client.store("1", "+FLAGS", r"(\Deleted)"))
        self.ok(client.close())
        (status,) = self.ok(client.status(mailbox_name("写し"), "(MESSAGES)"))
        self.assertIn(b"MESSAGES 0", status)

    def test_search_of_japanese_text(self):
        jis = self.put(iso_2022_jp("運動会のお知らせ", STORY + "\r\n"))
        wide = self.put(iso_2022_jp("ＡＢＣ会議", "カタカナと漢字\r\n"))
        utf8 = self.put(("Subject: 件名はUTF-8\r\nContent-Type: text/plain; charset=utf-8\r\n"
                         "Content-Transfer-Encoding: 8bit\r\n\r\n明日は雨です。\r\n").encode())
        client = self.client
        for charset in ("UTF-8", "ISO-2022-JP", "SHIFT_JIS", "EUC-JP"):
            with self.subTest(charset):
                self.assertEqual(self.uids(client, "SUBJECT", "運動会", charset=charset), [jis])
                self.assertEqual(self.uids(client, "BODY", "名前はまだ", charset=charset), [jis])
                self.assertEqual(self.uids(client, "TEXT", "漢字", charset=charset), [wide])
                self.assertEqual(self.uids(client, "TEXT", "明日", charset=charset), [utf8])
                self.assertEqual(self.uids(client, "BODY", "運動会", charset=charset), [])
                self.assertEqual(self.uids(client, "FROM", "花子", charset=charset), [jis, wide])
        self.assertEqual(self.uids(client, "SUBJECT", "ABC", "NOT", "SEEN"), [wide])
        self.assertEqual(self.uids(client, "SENTBEFORE", "2-Jan-2026", "NOT", "UID", str(utf8)),
                         [jis, wide])
        self.assertEqual(self.uids(client, "OR", "UID", str(jis), "LARGER", "100000"), [jis])
        status, text = client.uid("SEARCH", "CHARSET", "KLINGON", "TEXT", "x")
        self.assertEqual((status, b"BADCHARSET" in text[0]), ("NO", True))

    def test_mail_of_every_shape_comes_back_unchanged(self):
        shapes = [b"\r\n", b"x", b"Subject: no end", b"\xff\xfe\r\n\r\n\x80", b"a\nb\rc\r\n\r\nd\n",
                  b"Subject: dots\r\n\r\n.\r\n..\r\n", b"From a\r\n\r\n" + b"y" * 2_000_000]
        for shape in shapes:
            uid = self.put(shape)
            # imaplib repairs line ends of what it appends.
            wanted = imaplib.MapCRLF.sub(imaplib.CRLF, shape)
            ((_, found), _) = self.ok(self.client.uid("FETCH", str(uid), "(BODY.PEEK[])"))
            self.assertEqual(found, wanted)


class Live(Base):
    def test_delivery_arrives_in_an_idle(self):
        times = []
        with Imap(server, "hana") as client, Smtp(server) as sender:
            client.done("SELECT INBOX")
            tag, _ = client.begin_idle()
            for number in range(1, 21):
                begin = time.monotonic()
                sender.deliver(b"Subject: now\r\n\r\n", address("hana"))
                told = client.read()
                times.append(time.monotonic() - begin)
                self.assertEqual((told.kind, told.number), ("EXISTS", number))
            client.end_idle(tag)
            self.assertEqual(client.done("NOOP").untagged, [])
        times.sort()
        print(f"from MAIL to EXISTS in an IDLE: median {1000 * times[10]:.1f} ms, "
              f"most {1000 * times[-1]:.1f} ms")
        self.assertLess(times[-1], 2)

    def test_two_sessions_see_each_other(self):
        one, two = self.session(), self.session()
        self.fresh(one, "二人")
        self.ok(two.select(mailbox_name("二人")))
        self.ok(one.append(mailbox_name("二人"), r"(\Draft)", None, b"Subject: x\r\n\r\n"))
        self.ok(two.noop())
        self.assertEqual(two.response("EXISTS")[1][-1], b"1")
        self.ok(two.store("1", "+FLAGS", r"(\Deleted)"))
        self.ok(one.noop())
        self.assertIn(rb"\Deleted", one.response("FETCH")[1][-1])
        self.ok(one.expunge())
        self.ok(two.noop())
        self.assertEqual(two.response("EXPUNGE")[1], [b"1"])


if __name__ == "__main__":
    unittest.main()
