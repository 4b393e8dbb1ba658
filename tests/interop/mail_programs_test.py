#!/usr/bin/python3
"""curl, mutt and ImapFlow read and write mail over IMAP."""

import mailbox
import os
import pathlib
import shlex
import subprocess
import tempfile
import unittest
import urllib.parse

from cached import npm_script
from imap import Imap, mailbox_name, snapshot
from todoke_server import PASSWORD, Server, address
from wire import Smtp, without_trace

server = None
MESSAGE = ("From: hana@example.test\r\nSubject: 日本語\r\nMessage-ID: <1@x>\r\n"
           "Date: Sat, 3 Apr 2027 10:00:00 +0900\r\n"
           "Content-Type: text/plain; charset=utf-8\r\n\r\n本文\r\n.\r\n終わり\r\n"
           ).encode()


def setUpModule():
    global server
    server = Server()
    server.__enter__()


def tearDownModule():
    server.__exit__()


def run(*words, cwd=None, env=None):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=200, cwd=cwd, env={**os.environ, **(env or {})})
    if done.returncode != 0:
        raise AssertionError(f"{words[0]} ended with {done.returncode}:\n"
                             f"{(done.stderr + done.stdout).decode(errors='replace')[-4000:]}")
    return done.stdout


class Curl(unittest.TestCase):
    def curl(self, path="", *options, scheme="imaps"):
        url = f"{scheme}://localhost:{server.port(scheme)}/{path}"
        return run("curl", "--silent", "--show-error", "--max-time", "60", "--cacert",
                   str(server.certificate), "--user", f"taro:{PASSWORD}", *options, url)

    def test_list_append_search_fetch(self):
        name = "資料"
        quoted = urllib.parse.quote(mailbox_name(name).strip('"'))
        file = tempfile.NamedTemporaryFile(prefix="todoke-curl-")
        self.addCleanup(file.close)
        file.write(MESSAGE)
        file.flush()
        self.curl("", "-X", f"CREATE {mailbox_name(name)}")
        self.assertIn(mailbox_name(name).strip('"').encode(), self.curl())
        for scheme, options in (("imaps", ()), ("imap", ("--ssl-reqd",)), ("imap", ()),
                                ("imaps", ("--login-options", "AUTH=LOGIN"))):
            self.curl(quoted, "--upload-file", file.name, *options, scheme=scheme)
        self.assertIn(b"* SEARCH 1 2 3 4\r\n", self.curl(f"{quoted}?SUBJECT%20%22%22"))
        self.assertEqual(self.curl(f"{quoted};UID=2"), MESSAGE)
        self.assertEqual(self.curl(f"{quoted};MAILINDEX=3;SECTION=TEXT"),
                         MESSAGE.split(b"\r\n\r\n", 1)[1])
        self.assertIn(b"EXISTS", self.curl(quoted, "-X", "EXAMINE INBOX"))


class Mutt(unittest.TestCase):
    def setUp(self):
        self._home = tempfile.TemporaryDirectory(prefix="todoke-mutt-")
        self.addCleanup(self._home.cleanup)
        self.home = pathlib.Path(self._home.name)

    def mutt(self, folder, keys, port="imaps"):
        rc = self.home / "muttrc"
        rc.write_text(f"""
set folder = "{port}://hana@localhost:{server.port(port)}/"
set imap_user = hana
set imap_pass = "{PASSWORD}"
set certificate_file = "{server.certificate}"
set ssl_starttls = yes
set ssl_force_tls = yes
set ssl_verify_host = yes
set mbox_type = mbox
set confirmappend = no
set confirmcreate = no
set copy = no
set delete = yes
set move = no
set mark_old = no
set wait_key = no
set charset = utf-8
set header_cache = "{self.home}/cache"
set quit = yes
set sleep_time = 0
""")
        # Without a terminal it would write a mail instead; nobody looks at its screen.
        command = shlex.join(["mutt", "-F", str(rc), "-f", folder, "-e", f"push '{keys}'"])
        run("script", "--quiet", "--return", "--command", command, "/dev/null", cwd=self.home,
            env={"HOME": str(self.home), "TERM": "xterm", "LANG": "C.UTF-8", "COLUMNS": "100",
                 "LINES": "40"})

    def test_copy_a_mailbox_to_disk_and_back(self):
        name = "控え"
        with Imap(server, "hana") as client:
            client.command(f"CREATE {mailbox_name(name)}")
            for n in range(30):
                client.append(mailbox_name(name), MESSAGE.replace(b"<1@x>", b"<%d@x>" % n),
                              r"\Flagged" if n % 3 == 0 else "")
        local = self.home / "copied"
        self.mutt(f"={name}", f"<tag-pattern>.<enter><tag-prefix><copy-message>{local}<enter>"
                              "<exit>")
        found = mailbox.mbox(local)
        self.addCleanup(found.close)
        self.assertEqual(len(found), 30)
        self.assertEqual({one["Message-ID"] for one in found}, {f"<{n}@x>" for n in range(30)})
        self.assertIn("本文\n.\n終わり".encode(), found[0].get_payload(decode=True))
        # And back, into another; then some are deleted there.
        with Imap(server, "hana") as client:
            client.command('CREATE "back"')
        self.mutt(str(local), "<tag-pattern>.<enter><tag-prefix><copy-message>=back<enter><exit>")
        _, messages = snapshot(server, "hana", '"back"')
        self.assertEqual(len(messages), 30)
        self.assertEqual(sum(r"\flagged" in flags for flags, _ in messages.values()), 10)
        self.mutt("=back", "<delete-pattern>~F<enter><sync-mailbox><exit>", "imap")
        _, messages = snapshot(server, "hana", '"back"')
        self.assertEqual(len(messages), 20)


class ImapFlow(unittest.TestCase):
    def test_a_program_that_knows_every_extension(self):
        script = npm_script("imapflow.js")
        run("node", str(script), cwd=script.parent,
            env={"PORT": str(server.port("imaps")), "CERTIFICATE": str(server.certificate),
                 "PASSWORD": PASSWORD})


if __name__ == "__main__":
    unittest.main()
