#!/usr/bin/python3
"""getmail, fetchmail and mpop: programs that fetch mail and leave it on the server.

Each is asked three times: the second time it must fetch nothing, the third only what is new.
"""

import os
import pathlib
import pwd
import re
import subprocess
import tempfile
import unittest

from todoke_server import PASSWORD, Server, address
from wire import Smtp, all_messages, without_trace

server = None


def setUpModule():
    global server
    server = Server()
    server.__enter__()


def tearDownModule():
    server.__exit__()


def letters(first, count):
    return [f"From: hana@elsewhere.example\r\nSubject: 第{n}号\r\nMessage-ID: <same@for.all>\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\n\r\nお便り{n}\r\n.\r\nFrom here on\r\n"
            .encode() for n in range(first, first + count)]


class Reader(unittest.TestCase):
    """A home folder for one user's mail program."""

    outlives_restart = True
    root_refused = True

    def setUp(self):
        self._home = tempfile.TemporaryDirectory(prefix="todoke-reader-")
        self.addCleanup(self._home.cleanup)
        self.home = pathlib.Path(self._home.name)
        self.maildir = self.home / "Mail"
        for folder in ("cur", "new", "tmp"):
            (self.maildir / folder).mkdir(parents=True)
        self.certificate = self.home / "server.pem"
        self.certificate.write_bytes(server.certificate.read_bytes())
        self.sent = []
        all_messages(server, "taro")

    def send(self, first, count):
        with Smtp(server) as client:
            for letter in letters(first, count):
                self.assertRegex(client.deliver(letter, address("taro")), rb"^250 ")
                self.sent.append(letter)

    def write(self, name, text):
        path = self.home / name
        path.write_text(text)
        path.chmod(0o600)
        return str(path)

    def run_as_user(self, *words, allowed=(0,)):
        """These programs dislike to run as root: as root we become nobody."""
        prefix = ()
        if os.geteuid() == 0 and self.root_refused:
            nobody = pwd.getpwnam("nobody")
            for path in (self.home, *self.home.rglob("*")):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
            prefix = ("runuser", "-u", "nobody", "--")
        done = subprocess.run([*prefix, *words], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=120, cwd=self.home,
                              env={**os.environ, "HOME": str(self.home),
                                   "FETCHMAILHOME": str(self.home), "LANG": "C.UTF-8"})
        self.assertIn(done.returncode, allowed, done.stdout)
        return done.stdout

    def fetched(self):
        """What stands in the Maildir, without what programs put in front, with our line ends."""
        found = []
        for path in (self.maildir / "new").iterdir():
            text = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            found.append(text[text.index(b"From: hana@elsewhere"):])
        return sorted(found)

    def fetch_and_keep(self, fetch):
        self.send(1, 5)
        fetch()
        self.assertEqual(self.fetched(), sorted(self.sent))
        fetch()
        self.assertEqual(len(self.fetched()), 5)
        self.send(6, 2)
        if self.outlives_restart:
            server.stop()
            server.start()
        fetch()
        self.assertEqual(self.fetched(), sorted(self.sent))
        kept = all_messages(server, "taro")
        self.assertEqual([without_trace(one) for one in kept], self.sent)


class Getmail(Reader):
    outlives_restart = False  # it knows a server by its port, which is another after a restart

    def fetch(self, kind, protocol, more=""):
        rc = self.write("getmailrc", f"""
[retriever]
type = {kind}
server = localhost
port = {server.port(protocol)}
username = {address("taro")}
password = {PASSWORD}
{more}
[destination]
type = Maildir
path = {self.maildir}/
[options]
read_all = false
delete = false
delivered_to = false
received = false
""")
        return self.run_as_user("getmail", "--getmaildir", str(self.home), "--rcfile", rc)

    def test_keep_on_server_with_tls(self):
        more = f"ca_certs = {self.certificate}\n"
        self.fetch_and_keep(lambda: self.fetch("SimplePOP3SSLRetriever", "pop3s", more))

    def test_keep_on_server_in_the_clear(self):
        self.fetch_and_keep(lambda: self.fetch("SimplePOP3Retriever", "pop3"))


class Fetchmail(Reader):
    root_refused = False  # and nobody has no home, which fetchmail refuses

    def fetch(self, options, user, allowed=(0,)):
        mda = f"cat > {self.maildir}/new/mail.$$"
        protocol = "pop3s" if "ssl" in options.split() else "pop3"
        rc = self.write("fetchmailrc", f"""
set no bouncemail
poll localhost protocol pop3 service {server.port(protocol)} uidl timeout 60
  user "{user}" password "{PASSWORD}" keep no rewrite mda "{mda}"
  {options}
""")
        return self.run_as_user("fetchmail", "--fetchmailrc", rc, "--idfile",
                                str(self.home / "ids"), "--pidfile", str(self.home / "pid"),
                                "--invisible", "-v", allowed=allowed)

    # fetchmail ends with 1 when there was no new mail.
    def test_keep_on_server_with_tls(self):
        options = f'ssl sslcertck sslcertfile "{self.certificate}"'
        self.fetch_and_keep(lambda: self.fetch(options, address("taro"), (0, 1)))

    def test_keep_on_server_with_stls_and_short_login(self):
        options = f'sslproto "auto" sslcertck sslcertfile "{self.certificate}"'
        self.fetch_and_keep(lambda: self.fetch(options, "taro", (0, 1)))

    def test_short_login_in_the_clear(self):
        self.fetch_and_keep(lambda: self.fetch('sslproto ""', "taro", (0, 1)))

    def test_fetch_and_delete(self):
        self.send(1, 3)
        self.fetch('sslproto "" no keep', "taro")
        self.assertEqual(self.fetched(), sorted(self.sent))
        self.assertEqual(all_messages(server, "taro"), [])


class Mpop(Reader):
    def fetch(self, protocol, settings):
        rc = self.write("mpoprc", f"""
account default
host localhost
port {server.port(protocol)}
user {address("taro")}
password "{PASSWORD}"
delivery maildir {self.maildir}
uidls_file {self.home}/uidls
keep on
received_header off
timeout 60
{settings}
""")
        return self.run_as_user("mpop", "--file", rc)

    def test_keep_on_server_with_tls(self):
        tls = f"tls on\ntls_starttls off\ntls_trust_file {self.certificate}\n"
        self.fetch_and_keep(lambda: self.fetch("pop3s", tls))

    def test_keep_on_server_with_stls_and_scram(self):
        tls = f"tls on\ntls_trust_file {self.certificate}\nauth scram-sha-256\n"
        self.fetch_and_keep(lambda: self.fetch("pop3", tls))

    def test_keep_on_server_without_pipelining(self):
        self.fetch_and_keep(lambda: self.fetch("pop3", "pipelining off\nauth plain\ntls off\n"))


if __name__ == "__main__":
    unittest.main()
