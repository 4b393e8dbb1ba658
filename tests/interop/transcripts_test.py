#!/usr/bin/python3
"""The golden transcripts, held with the real binary over TCP and TLS.

tests/transcripts/runner/transcript.h describes the files.  Each is played against an installation
of its own.  What its `given` lines ask for is made by the command line; a transcript that asks for
what no administrator can make (a clock put forward, a full disk) is skipped, with the reason.
"""

import base64
import os
import pathlib
import re
import select
import socket
import sqlite3
import ssl
import sys
import tempfile
import unittest

from todoke_server import SOURCE, Listener, Server
from wire import exact_lines, pop3, proxy_v2

FOLDER = SOURCE / "tests/transcripts"
# Files are read as Latin-1, so that each octet is one character.
REST = "…".encode().decode("latin-1")
DATE = "Fri, 4 Oct 2024 00:00:00 +0000"  # of the simulated clock
ANY_DATE = r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"
PROTOCOLS = {("mx", False): "smtp", ("submission", False): "submission",
             ("submission", True): "submissions", ("lmtp", False): "lmtp",
             ("pop3", False): "pop3", ("pop3", True): "pop3s",
             ("imap", False): "imap", ("imap", True): "imaps"}
LISTENERS = {"smtp": ("smtp", "submission", "submissions", "lmtp"), "pop3": ("pop3", "pop3s"),
             "imap": ("imap", "imaps")}


def parse(text):
    """[line number, connection, kind, text or words, block] of each step."""
    steps = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line.startswith("#") or line == "whole":
            continue
        if line.startswith("|"):
            steps[-1][4].append(line[2:] if line.startswith("| ") else line[1:])
            continue
        connection = 0
        if re.match(r"\d:", line):
            connection, line = int(line[0]), line[2:].lstrip(" ")
        kind, _, rest = line.partition(" ")
        if kind in ("given", "then"):
            rest = rest.split()
        steps.append([number, connection, kind.rstrip(":"), rest, []])
    return steps


TOKEN = re.compile(r"\{base64 (?P<plain>[^}]*)\}|\{repeat (?P<times>\d+) (?P<what>[^}]*)\}"
                   r"|\$(?P<name>\w+)|\\x(?P<hex>.{0,2})|\\(?P<escaped>.)|(?P<byte>.)", re.S)
ESCAPES = {"n": "\n", "r": "\r", "0": "\0"}


def tokens(text):
    """('text', octets) and ('name', NAME) in their order."""
    for found in TOKEN.finditer(text):
        if found["plain"] is not None:
            yield "text", base64.b64encode(literal(found["plain"]).encode("latin-1")).decode()
        elif found["times"] is not None:
            yield "text", int(found["times"]) * literal(found["what"])
        elif found["name"] is not None:
            yield "name", found["name"]
        elif found["hex"] is not None:
            is_hex = re.fullmatch(r"[0-9a-fA-F]{2}", found["hex"])
            yield "text", chr(int(found["hex"], 16)) if is_hex else "?"
        elif found["escaped"] is not None:
            yield "text", ESCAPES.get(found["escaped"], found["escaped"])
        else:
            yield "text", found["byte"]


def literal(text):
    return "".join(value for _, value in tokens(text))


def to_send(text, names):
    with_end = not text.endswith("\\") or text.endswith("\\\\")
    text = text if with_end else text[:-1]
    sent = "".join(value if kind == "text" else names[value] for kind, value in tokens(text))
    return (sent + ("\r\n" if with_end else "")).encode("latin-1")


def matches(expected, line, names):
    """Whether `line` is as described; binds the names that are new."""
    expected = expected.replace("Fri, " + REST, REST)
    open_end = expected.endswith(REST)
    pattern, new = "", set()
    for kind, value in tokens(expected[:-len(REST)] if open_end else expected):
        if kind == "text":
            pattern += re.escape(value)
        elif value in names:
            pattern += re.escape(names[value])
        else:
            pattern += f"(?P={value})" if value in new else f"(?P<{value}>[^ \\]);]+)"
            new.add(value)
    pattern = pattern.replace(re.escape(DATE), ANY_DATE)
    found = re.match(pattern + ("" if open_end else r"\Z"), line, re.S)
    if found:
        names.update(found.groupdict())
    return bool(found)


class Connection:
    def __init__(self, connected, is_smtp):
        self.socket = connected
        self.is_smtp = is_smtp
        self.input = b""
        self.outbox = b""
        self.skipping = False

    def flush(self):
        outbox, self.outbox = self.outbox, b""
        try:
            self.socket.sendall(outbox)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the next expectation tells

    def line(self):
        """The next line without CRLF; None if the server has ended the connection."""
        while b"\r\n" not in self.input:
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.input += more
        line, self.input = self.input.split(b"\r\n", 1)
        return line.decode("latin-1")

    def is_quiet(self, seconds):
        if self.input or (isinstance(self.socket, ssl.SSLSocket) and self.socket.pending()):
            return False
        return not select.select([self.socket], [], [], seconds)[0]

    def nothing_left(self):
        """After S: ... what has come is forgotten, else nothing may have come."""
        if self.skipping:
            self.skipping = False
            line = self.line()
            while line is not None and not (
                    re.match(r"\d{3} ", line) and self.is_quiet(0.05) if self.is_smtp else
                    self.is_quiet(0.2)):
                line = self.line()
        elif not self.is_quiet(0.01):
            line = self.line()
            assert line is None, f"came unasked: {line}"

    def expect(self, expected, names):
        while True:
            line = self.line()
            assert line is not None, f"the connection ended; wanted: {expected}"
            if matches(expected, line, names):
                break
            assert self.skipping, f"came: {line}; wanted: {expected}"
        self.skipping = False


class Stage:
    """The world of one transcript."""

    def __init__(self, protocol, steps, folder):
        self.protocol = protocol
        self.face = "mx" if protocol == "smtp" else protocol
        self.peer = "192.0.2.1"
        self.tls = False
        self.passwords = {}
        self.suspended = set()
        self.domains = set()
        self.imports = 0
        self.folder = pathlib.Path(folder)
        self.unix = str(self.folder / "socket") if self.uses(steps, "peer", "unix") else None
        plain = self.uses(steps, "plain-text-login", "allowed")
        listeners = [Listener(name, plain_text_login=plain, proxies=("127.0.0.1",))
                     for name in LISTENERS[protocol]]
        if self.unix:
            listeners = [Listener(self.faces(steps)[-1], self.unix, plain)]
        if protocol == "smtp":
            listeners.append(Listener("pop3", plain_text_login=True))  # for a look at the mail
        self.server = Server(listeners, accounts=(), host="mail.example.test")

    @staticmethod
    def uses(steps, *words):
        return any(kind == "given" and rest[:len(words)] == list(words)
                   for _, _, kind, rest, _ in steps)

    def faces(self, steps):
        return [self.face] + [rest[1] for _, _, kind, rest, _ in steps
                              if kind == "given" and rest[0] == "face"]

    def given(self, words, block):
        kind = words[0]
        if kind == "face":
            self.face = words[1]
        elif kind == "peer":
            self.peer = words[1]
        elif kind == "tls":
            self.tls = True
        elif kind == "plain-text-login":
            pass  # the listener was made so
        elif kind == "account":
            self.account(words[1], words[2], words[3:])
        elif kind == "state":
            self.set_state(words[1], words[2])
        elif kind == "password":
            self.passwords[words[1]] = words[2]
            self.server.command("password", "set", words[1], "--password", words[2])
        elif kind == "mailbox":
            self.server.command("mailbox", "create", words[1], utf8(words[2]))
        elif kind == "expunged":
            self.expunge(words[1], words[2])
        elif kind == "quota":
            self.server.command("account", "change", words[1], "--quota", words[2])
        elif kind == "organisation-quota":
            self.server.command("org", "change", "Tests", "--quota", words[1])
        elif kind == "address":
            self.server.command("address", "add", utf8(words[1]), utf8(words[2]))
        elif kind == "catch-all":
            self.server.command("domain", "catch-all", words[1], words[2])
        elif kind == "message":
            self.messages(words[1], ["".join(literal(line) + "\r\n" for line in block)])
        elif kind == "messages":
            self.messages(words[2], [made_up(number, int(words[3]))
                                     for number in range(1, int(words[1]) + 1)])
        else:
            raise AssertionError(f"given {kind}: not known here")

    def account(self, address, password, options):
        domain = address.partition("@")[2]
        if not self.domains:
            self.server.command("org", "add", "Tests")
        if domain not in self.domains:
            self.domains.add(domain)
            self.server.command("domain", "add", domain)
        self.server.command("account", "add", address, "--password", password)
        self.passwords[address] = password
        for option in options:
            name, _, value = option.partition("=")
            if name == "login":
                self.server.command("login", "add", value, address)
            elif name == "suspended":
                self.set_state(address, "suspended")
            else:
                flag, value = {"quota": ("--quota", value), "per-hour": ("--send-limit", value),
                               "read-only": ("--pop3-read-only", "yes")}[name]
                self.server.command("account", "change", address, flag, value)

    def set_state(self, address, state):
        self.suspended.discard(address)
        if state == "suspended":
            self.suspended.add(address)
        verb = {"active": "resume", "suspended": "suspend", "deleted": "delete"}[state]
        self.server.command("account", verb, address)

    def messages(self, address, texts):
        maildir = self.folder / f"maildir{self.imports}"
        for part in ("cur", "new", "tmp"):
            (maildir / part).mkdir(parents=True)
        for text in texts:
            self.imports += 1
            name = f"{self.imports:06}.test:2,"
            (maildir / "cur" / name).write_bytes(text.encode("latin-1"))
        self.server.command("mailbox", "import", address, str(maildir))

    def expunge(self, address, uid):
        """As another session of the account would; by MOVE, so that no flag is told before."""
        face, peer, tls = self.face, self.peer, self.tls
        self.face, self.peer, self.tls = "imap", "192.0.2.99", True
        session = Connection(self.connect(), False)
        self.face, self.peer, self.tls = face, peer, tls
        for number, command in enumerate((
                f'LOGIN {address} "{self.passwords[address]}"', "CREATE Expunged", "SELECT INBOX",
                f"UID MOVE {uid} Expunged", "DELETE Expunged", "LOGOUT")):
            session.outbox += f"x{number} {command}\r\n".encode()
            session.flush()
            session.skipping = True
            session.expect(f"x{number} OK {REST}", {})
        session.socket.close()

    def connect(self):
        if self.peer == "unix":
            connected = socket.socket(socket.AF_UNIX)
            connected.settimeout(30)
            connected.connect(self.unix)
            return connected
        connected = self.server.connect(PROTOCOLS[self.face, self.tls], timeout=30)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.sendall(proxy_v2(self.peer, 4711))
        if self.tls:
            context = ssl.create_default_context(cafile=self.server.certificate)
            connected = context.wrap_socket(connected, server_hostname="mail.example.test")
        return connected

    def look(self, words):
        if words[0] == "blobs":
            return [f"refs={refs}" for (refs,) in self.rows("select refs from blob order by id")]
        if words[0] == "queue":
            return list(self.queue())
        if words[1] in self.suspended:
            self.set_state(words[1], "active")
            try:
                return self.look(words)
            finally:
                self.set_state(words[1], "suspended")
        session = pop3(self.server, words[1], self.passwords[words[1]])
        if words[0] == "count":
            shown = [str(session.stat()[0])]
        else:
            session._putcmd(f"RETR {words[2]}")
            session._getresp()
            shown = [line[:-2].decode("latin-1") for line in exact_lines(session.file)]
        session.quit()
        return shown

    def rows(self, query, *values):
        database = sqlite3.connect(f"file:{self.server.database}?mode=ro", uri=True)
        try:
            return database.execute(query, values).fetchall()
        finally:
            database.close()

    def queue(self):
        for row in self.rows("select id, reverse_path, ret, envid, body, smtputf8, require_tls, "
                             "account_id from queue_message order by id"):
            by = "nobody" if row[7] is None else "account"
            yield latin(f"from <{row[1]}> ret={row[2]} envid={row[3]} body={row[4]} utf8={row[5]} "
                        f"tls={row[6]} by={by} id={id_text(row[0])}")
            for one in self.rows("select address, domain, notify, orcpt from queue_recipient "
                                 "where message_id = ? order by number", row[0]):
                yield latin(f"to <{one[0]}> domain={one[1]} notify={one[2]} orcpt={one[3]}")


def utf8(text):
    """A word of a file as the command line wants it."""
    return text.encode("latin-1").decode()


def latin(text):
    return text.encode().decode("latin-1")


def id_text(number):
    digits = "0123456789abcdefghjkmnpqrstvwxyz"
    return "".join(digits[number >> shift & 31] for shift in range(60, -1, -5))


def made_up(number, size):
    """The same text as tests/support/world.cc makes."""
    text = f"Subject: {number}\r\n\r\n"
    while len(text) < size:
        left = size - len(text)
        line = min(left, 72)
        line -= left - line == 1
        text += "x" * (line - 2) + "\r\n" if line >= 2 else "x"
    return text


def why_not(protocol, steps):
    """Why a transcript cannot be played here; None if it can."""
    face, tls, begun = "mx" if protocol == "smtp" else protocol, False, False
    for _, _, kind, rest, block in steps:
        if kind != "given":
            begun = begun or kind in ("C", "S")
            if kind == "C" and re.match(r"(\w+ )?(STARTTLS|STLS)\b", rest, re.I):
                return "a TLS handshake in the middle"
            if protocol == "imap" and re.search(r"\b2024\b", rest):
                return "dates of the simulated clock"
            if begun and (face, tls) not in PROTOCOLS:
                return f"no listener has implicit TLS for {face}"
            continue
        what = rest[0]
        if what in ("limit", "append-limit", "seconds", "disk", "database"):
            return f"given {what}"
        if what in ("expunged", "mailbox") and protocol != "imap":
            return f"given {what}"
        if what == "face":
            face = rest[1]
        if what == "tls":
            if len(rest) > 1:
                return "given tls none: there is always a certificate"
            tls = True
        if what == "plain-text-login" and begun:
            return "a listener that changes"
        if what == "state" and rest[2] == "purged":
            return f"given state {rest[2]}"
        if what == "message" and re.search(r"[\r\n]", "".join(map(literal, block))):
            return "given message with line ends that an import mends"
        options = [one.partition("=")[0] for one in rest[3 if what == "account" else 2:]]
        if what == "account" and "pop3" in options or what == "message" and options:
            return f"given {what} {' '.join(options)}"
    return None


def play(protocol, steps):
    connections, names = {}, {}
    with tempfile.TemporaryDirectory(prefix="todoke-transcript-") as folder:
        stage = Stage(protocol, steps, folder)
        stage.server.data.mkdir(mode=0o700)
        first = next(i for i, step in enumerate(steps) if step[2] in ("C", "S"))
        for _, _, _, rest, block in steps[:first]:
            stage.given(rest, block)
        try:
            stage.server.start()
            for number, at, kind, rest, block in steps[first:]:
                try:
                    step(stage, connections, names, at, kind, rest, block)
                except (AssertionError, OSError) as trouble:
                    raise AssertionError(f"line {number}: {trouble}") from None
            for one in connections.values():
                one.nothing_left()
        finally:
            for one in connections.values():
                one.socket.close()
            try:
                stage.server.stop()
            finally:
                stage.server.remove()


def step(stage, connections, names, at, kind, rest, block):
    if kind == "given":
        return stage.given(rest, block)
    if kind == "then":
        return compare(stage.look(rest), block, names)
    if at not in connections:
        connections[at] = Connection(stage.connect(), stage.protocol == "smtp")
    one = connections[at]
    if kind == "C":
        if not one.outbox:
            one.nothing_left()
        one.outbox += to_send(rest, names)
        return None
    one.flush()
    if kind == "S" and rest == "...":
        one.skipping = True
    elif kind == "S":
        one.expect(rest, names)
    elif kind == "closed":
        line = one.line()
        assert line is None, f"came unasked: {line}"
    else:
        one.socket.close()
        del connections[at]
    return None


def compare(shown, block, names):
    shown, skipping = list(shown), False
    for wanted in block:
        if wanted == "...":
            skipping = True
            continue
        while shown and not matches(wanted, shown[0], names):
            assert skipping, f"there is: {shown[0]}; wanted: {wanted}"
            shown.pop(0)
        assert shown, f"there is no more; wanted: {wanted}"
        shown.pop(0)
        skipping = False
    assert skipping or not shown, f"there is more: {shown[0]}"


class Transcripts(unittest.TestCase):
    def hold(self, protocol):
        only = os.environ.get("TODOKE_TRANSCRIPT")
        played, skipped = 0, []
        for path in sorted((FOLDER / protocol).glob("*.txt")):
            if only and only not in path.name:
                continue
            steps = parse(path.read_text(encoding="latin-1"))
            reason = why_not(protocol, steps)
            if reason:
                skipped.append(f"  {protocol}/{path.name}: {reason}")
                continue
            with self.subTest(transcript=path.name):
                play(protocol, steps)
            played += 1
        print(f"{protocol}: {played} transcripts played, {len(skipped)} skipped", *skipped,
              sep="\n", file=sys.stderr)
        self.assertTrue(only or played > len(skipped), "most transcripts can be played")

    def test_smtp(self):
        self.hold("smtp")

    def test_pop3(self):
        self.hold("pop3")

    def test_imap(self):
        self.hold("imap")


if __name__ == "__main__":
    unittest.main()
