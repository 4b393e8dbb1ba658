#!/usr/bin/python3
"""mbsync, interimap and offlineimap keep two places of mail alike.

Every one of them is asked again when all is done, and must then find nothing to do.
"""

import mailbox
import os
import pathlib
import random
import re
import subprocess
import tempfile
import threading
import unittest

from imap import Imap, mailbox_name, snapshot
from todoke_server import PASSWORD, Server, address
from wire import Smtp

ALICE, BOB = "alice", "bob"
NAMES = ("INBOX", "仕事", "仕事/2026年度", "A&B 商会", "写真")
server = None


def letter(number):
    return (f"From: a@elsewhere.example\r\nSubject: letter {number}\r\n"
            f"Message-ID: <{number}@elsewhere.example>\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\n\r\n第{number}号\r\n").encode()


def number_of(message):
    return int(re.search(rb"^Subject: letter (\d+)", message, re.M)[1])


def by_number(account, name):
    """What a mailbox holds: the letters' numbers with their flags, each once."""
    _, messages = snapshot(server, account, mailbox_name(name))
    found = {}
    for flags, message in messages.values():
        assert number_of(message) not in found, f"{name}: letter {number_of(message)} twice"
        found[number_of(message)] = flags - {r"\recent"}
    return found


def uids(account, name):
    validity, messages = snapshot(server, account, mailbox_name(name))
    return validity, {uid: number_of(message) for uid, (_, message) in messages.items()}


class Letters:
    """Gives out numbers that nobody has used."""

    def __init__(self):
        self._lock = threading.Lock()
        self._next = 0

    def draw(self):
        with self._lock:
            self._next += 1
            return self._next


class Sync(unittest.TestCase):
    def setUp(self):
        global server
        server = Server(accounts=(ALICE, BOB)).__enter__()
        self.addCleanup(server.__exit__)
        self._home = tempfile.TemporaryDirectory(prefix="todoke-sync-")
        self.addCleanup(self._home.cleanup)
        self.home = pathlib.Path(self._home.name)
        self.letters = Letters()

    def write(self, name, text, mode=0o600):
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def run_program(self, *words, allowed=(0,)):
        done = subprocess.run(words, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=200, cwd=self.home,
                              env={**os.environ, "HOME": str(self.home), "LANG": "C.UTF-8",
                                   "XDG_CONFIG_HOME": str(self.home / "config"),
                                   "XDG_DATA_HOME": str(self.home / "share")})
        self.assertIn(done.returncode, allowed, done.stdout[-4000:])
        return done.stdout

    def fill(self, account, count, names=NAMES):
        """Mailboxes with letters of every kind of flags."""
        choices = ("", r"\Seen", r"\Flagged", r"\Seen \Answered", r"\Draft")
        with Imap(server, account) as client:
            for name in names:
                if name != "INBOX":
                    client.command(f"CREATE {mailbox_name(name)}")
                for _ in range(count):
                    number = self.letters.draw()
                    client.append(mailbox_name(name), letter(number), choices[number % 5])
            client.logout()

    def disturb(self, account, stop, source, kept, removed):
        """Changes flags, adds and expunges until asked to stop; records what was acknowledged."""
        with Imap(server, account) as client:
            while not stop.is_set():
                name = source.choice(NAMES)
                wire = mailbox_name(name)
                if client.command(f"SELECT {wire}").status != "OK":
                    stop.wait(0.02)  # the program has not created it here yet
                    continue
                kind = source.randrange(4)
                if kind == 0:
                    number = self.letters.draw()
                    client.append(wire, letter(number))
                    kept.append((name, number))
                elif kind == 3 and source.random() < 0.5:
                    reply = client.command("UID FETCH * (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
                    chosen = [one.items() for one in reply.of("FETCH")]
                    if not chosen:
                        continue
                    uid = chosen[0]["UID"]
                    (subject,) = [v for k, v in chosen[0].items() if k.startswith("BODY[")]
                    number = int(subject.split()[2])
                    client.done(rf"UID STORE {uid} +FLAGS.SILENT (\Deleted)")
                    if client.done(f"UID EXPUNGE {uid}").of("EXPUNGE"):
                        removed.append((name, number))
                else:
                    sign, flag = source.choice("+-"), source.choice((r"\Flagged", r"\Seen"))
                    client.done(f"UID STORE 1:* {sign}FLAGS ({flag})")
                stop.wait(0.02)
            client.logout()

    def under_disturbance(self, places, run, seed):
        """Runs a program while others change both places; the numbers that must be there after it,
        and those that must not."""
        stop, kept, removed, failed = threading.Event(), [], [], []

        def guarded(account, number):
            try:
                self.disturb(account, stop, random.Random(f"{seed} {number}"), kept, removed)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=guarded, args=(account, n))
                   for n, account in enumerate(places)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(3):
                run()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        if failed:
            raise failed[0]
        self.assertTrue(kept and removed, "nothing was changed meanwhile")
        gone = set(removed)
        return [one for one in kept if one not in gone], gone

    def assert_alike(self, kept, gone):
        """Both accounts hold the same letters with the same flags."""
        for name in NAMES:
            alice, bob = by_number(ALICE, name), by_number(BOB, name)
            self.assertEqual(alice, bob, name)
            for other, number in kept:
                if other == name:
                    self.assertIn(number, alice, f"{name}: lost")
            for other, number in gone:
                if other == name:
                    self.assertNotIn(number, alice, f"{name}: came back")

    def everything(self):
        return {(account, name): snapshot(server, account, mailbox_name(name))
                for account in (ALICE, BOB) for name in NAMES}

    def two_ways(self, run):
        """The whole story of a program that syncs the accounts of Alice and Bob."""
        self.fill(ALICE, 8)
        self.fill(BOB, 3, ("INBOX",))
        run()
        self.assert_alike([], [])
        self.assertEqual(len(by_number(BOB, "INBOX")), 11)
        before = self.everything()
        run()
        self.assertEqual(self.everything(), before)

        # Flags and expunges of either side.
        with Imap(server, ALICE) as alice, Imap(server, BOB) as bob:
            alice.done(f"SELECT {mailbox_name('仕事')}")
            bob.done(f"SELECT {mailbox_name('仕事')}")
            alice.done(r"STORE 1 FLAGS (\Answered)")
            bob.done(r"STORE 2 FLAGS (\Flagged \Seen)")
            alice.done(r"STORE 3 +FLAGS (\Deleted)")
            alice.done("EXPUNGE")
            bob.done(r"STORE 4 +FLAGS (\Deleted)")
            bob.done("EXPUNGE")
        with Smtp(server) as sender:
            number = self.letters.draw()
            sender.deliver(letter(number), address(ALICE))
        run()
        self.assert_alike([("INBOX", number)], [])
        synced = by_number(BOB, "仕事")
        self.assertEqual(len(synced), 6)
        self.assertIn({r"\answered"}, synced.values())
        self.assertIn({r"\flagged", r"\seen"}, synced.values())

        before = {key: uids(*key) for key in self.everything()}
        kept, gone = self.under_disturbance((ALICE, ALICE, BOB), run, 7)
        run()
        run()
        self.assert_alike(kept, gone)
        after = {key: uids(*key) for key in before}
        for key, (validity, messages) in before.items():
            self.assertEqual(after[key][0], validity)
            for uid, number in messages.items():  # nothing is renumbered
                self.assertEqual(after[key][1].get(uid, number), number)
        before = self.everything()
        run()
        self.assertEqual(self.everything(), before)


class Mbsync(Sync):
    def configure(self, port, tls):
        account = """
IMAPAccount {name}
Host localhost
Port {port}
User {name}
Pass "{password}"
SSLType {tls}
CertificateFile {certificate}
AuthMechs {mechanisms}

IMAPStore {name}
Account {name}
"""
        common = {"port": port, "tls": tls, "password": PASSWORD,
                  "certificate": server.certificate, "mechanisms": "LOGIN"}
        return "".join(account.format(name=name, **common) for name in (ALICE, BOB))

    def run_with(self, text, *more):
        return self.run_program("mbsync", "-c", self.write("mbsyncrc", text), "-a", *more)

    def test_between_two_accounts(self):
        text = self.configure(server.port("imaps"), "IMAPS") + f"""

Channel all
Far :{ALICE}:
Near :{BOB}:
Patterns *
Create Near
Sync All
Expunge Both
SyncState {self.home}/state/
"""
        (self.home / "state").mkdir()
        self.two_ways(lambda: self.run_with(text))

    def test_to_a_maildir_and_back(self):
        text = self.configure(server.port("imap"), "STARTTLS") + f"""

MaildirStore local
Path {self.home}/Mail/
Inbox {self.home}/Mail/INBOX
SubFolders Verbatim

Channel {ALICE}
Far :{ALICE}:
Near :local:
Patterns *
Create Both
Sync All
Expunge Both
SyncState *

Channel {BOB}
Far :{BOB}:
Near :local:
Patterns *
Create Both
Sync All
Expunge Both
SyncState {self.home}/state/
"""
        (self.home / "Mail").mkdir()
        (self.home / "state").mkdir()
        self.fill(ALICE, 5)
        self.fill(BOB, 2)
        for _ in range(2):
            self.run_with(text)
        self.assert_alike([], [])
        self.assertEqual(len(by_number(BOB, "仕事/2026年度")), 7)
        before = self.everything()
        self.run_with(text)
        self.assertEqual(self.everything(), before)


class Interimap(Sync):
    def test_between_two_accounts(self):
        side = """
[{section}]
type = imaps
host = localhost
port = {port}
username = {name}
password = {password}
SSL_CAfile = {certificate}
"""
        text = "database = state.db\nlist-mailbox = *\n"
        for section, name in (("local", ALICE), ("remote", BOB)):
            text += side.format(section=section, name=name, port=server.port("imaps"),
                                password=PASSWORD, certificate=server.certificate)
        config = self.write("config/interimap/config", text)
        (self.home / "share").mkdir()
        self.two_ways(lambda: self.run_program("interimap", "--config", config))


class Offlineimap(Sync):
    def test_to_a_maildir_and_back(self):
        config = self.write("offlineimaprc", f"""
[general]
accounts = {ALICE}
metadata = {self.home}/meta
[Account {ALICE}]
localrepository = local
remoterepository = remote
utf8foldernames = yes
[Repository local]
type = Maildir
localfolders = {self.home}/Mail
[Repository remote]
type = IMAP
remotehost = localhost
remoteport = {server.port("imaps")}
remoteuser = {ALICE}
remotepass = {PASSWORD}
ssl = yes
sslcacertfile = {server.certificate}
""")

        def run():
            return self.run_program("offlineimap", "-c", config, "-o", "-u", "basic")

        def local(name):
            return mailbox.Maildir(self.home / "Mail" / name.replace("/", "."))

        self.fill(ALICE, 6)
        run()
        for name in NAMES:
            self.assertEqual(sorted(number_of(bytes(one)) for one in local(name)),
                             sorted(by_number(ALICE, name)))
        before = {name: snapshot(server, ALICE, mailbox_name(name)) for name in NAMES}
        run()
        self.assertEqual(
            {name: snapshot(server, ALICE, mailbox_name(name)) for name in NAMES}, before)
        # A letter written here, one deleted here, one marked there.
        new = self.letters.draw()
        here = local("仕事")
        here.add(letter(new).replace(b"\r\n", b"\n"))
        removed = here.keys()[0]
        gone = number_of(bytes(here[removed]))
        here.remove(removed)
        run()
        synced = by_number(ALICE, "仕事")
        self.assertIn(new, synced)
        self.assertNotIn(gone, synced)


if __name__ == "__main__":
    unittest.main()
