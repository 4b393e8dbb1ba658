"""IMAP byte by byte: a client that believes nothing and forgets nothing.

Responses are parsed strictly: whatever is not exactly the grammar of RFC 9051 §9 is an error.
"""

import base64
import re
import socket

from todoke_server import PASSWORD

ATOM = re.compile(rb"[^\s(){\"\x00-\x1f]+")
SECTION = re.compile(rb"(BODY|BINARY|BINARY\.SIZE)\[[^\]]*\](<\d+>)?")


class Broken(AssertionError):
    """The server said what no server may say."""


class Response:
    """One untagged response: its words, and all of its bytes.

    An atom is a str, a string is bytes, NIL is None, a list is a list.  Of a status response the
    words are the condition and its text.
    """

    def __init__(self, raw):
        self.raw = raw
        self.words = parse(raw)
        first, second = self.words[0], self.words[1] if len(self.words) > 1 else None
        numbered = isinstance(first, str) and first.isdigit()
        self.number = int(first) if numbered else None
        self.kind = (second if numbered else first).upper()

    def items(self):
        """Of a FETCH: name → value."""
        pairs = self.words[2]
        if len(pairs) % 2:
            raise Broken(f"items without values: {self.raw!r}")
        named = dict(zip((name.upper() for name in pairs[::2]), pairs[1::2]))
        if 2 * len(named) != len(pairs):
            raise Broken(f"an item stands twice: {self.raw!r}")
        return named

    def __repr__(self):
        return repr(self.raw)


class Reply:
    """The tagged end of a command, with the untagged responses before it."""

    def __init__(self, raw, untagged):
        tag, self.status, self.text = (raw.decode().split(" ", 2) + [""])[:3]
        if self.status not in ("OK", "NO", "BAD"):
            raise Broken(f"not an end: {raw!r}")
        self.tag = tag
        self.untagged = untagged

    def of(self, kind):
        return [one for one in self.untagged if one.kind == kind]

    def code(self, name):
        """The arguments of a response code, or None."""
        match = re.match(rf"\[{name}(?: ([^\]]*))?\]", self.text)
        return match and (match[1] or "")


def parse(raw):
    """The words of a response without its line end, behind "* "."""
    if re.match(rb"(OK|NO|BAD|BYE|PREAUTH) ", raw):
        condition, text = raw.split(b" ", 1)
        return [condition.decode(), text.decode()]
    words, at = _words(raw, 0, None)
    if at != len(raw):
        raise Broken(f"rest at {at}: {raw!r}")
    return words


def _words(raw, at, end):
    words = []
    while True:
        if at == len(raw) or raw[at:at + 1] == end:
            return words, at
        if words:
            # Between the parts of a multipart there is no blank.
            adjoin = isinstance(words[-1], list) and raw[at:at + 1] == b"("
            if raw[at:at + 1] == b" ":
                at += 1
            elif not adjoin:
                raise Broken(f"a blank is missing at {at}: {raw!r}")
        word, at = _word(raw, at)
        words.append(word)


def _word(raw, at):
    first = raw[at:at + 1]
    if first == b"(":
        words, at = _words(raw, at + 1, b")")
        if raw[at:at + 1] != b")":
            raise Broken(f"an open list: {raw!r}")
        return words, at + 1
    if first == b'"':
        match = re.compile(rb'"((?:[^"\\\r\n\0]|\\["\\])*)"').match(raw, at)
        if not match:
            raise Broken(f"a bad quoted string at {at}: {raw!r}")
        return re.sub(rb"\\(.)", rb"\1", match[1]), match.end()
    if match := re.compile(rb"~?\{(\d+)\}\r\n").match(raw, at):
        end = match.end() + int(match[1])
        return raw[match.end():end], end
    match = SECTION.match(raw, at) or ATOM.match(raw, at)
    if not match:
        raise Broken(f"no word at {at}: {raw!r}")
    word = match[0].decode()
    return None if word == "NIL" else word, match.end()


class Imap:
    """One connection, logged in if a name is given."""

    def __init__(self, server, name=None, protocol="imap", timeout=60):
        self._begin(server.connect(protocol, timeout))
        if name:
            self.done(f'LOGIN {name} "{PASSWORD}"')

    @classmethod
    def on(cls, connected):
        """Over a socket that is connected already."""
        made = cls.__new__(cls)
        made._begin(connected)
        return made

    def _begin(self, connected):
        self.socket = connected
        self._input = b""
        self._tags = 0
        self.greeting = self.read()

    # ---- what goes out

    def send(self, data):
        self.socket.sendall(data)

    def tag(self):
        self._tags += 1
        return f"t{self._tags}"

    def begin(self, command):
        """Sends a command (a str; or bytes, with literals that do not wait); its tag."""
        tag = self.tag()
        text = command.encode() if isinstance(command, str) else command
        self.send(tag.encode() + b" " + text + b"\r\n")
        return tag

    # ---- what comes in

    def _more(self):
        more = self.socket.recv(1 << 18)
        if not more:
            raise EOFError(f"the server hung up after {self._input!r}")
        self._input += more

    def line(self):
        """A response with its literals, without its line end."""
        at = 0
        while True:
            end = self._input.find(b"\r\n", at)
            if end < 0:
                self._more()
                continue
            literal = re.search(rb"\{(\d+)\}$", self._input[at:end])
            if not literal:
                break
            at = end + 2 + int(literal[1])
            while len(self._input) < at:
                self._more()
        line, self._input = self._input[:end], self._input[end + 2:]
        return line

    def read(self):
        """The next untagged response."""
        line = self.line()
        if not line.startswith(b"* "):
            raise Broken(f"not untagged: {line!r}")
        return Response(line[2:])

    def end_of(self, tag):
        """Reads up to the end of the command of this tag."""
        untagged = []
        while True:
            line = self.line()
            if line.startswith(b"* "):
                untagged.append(Response(line[2:]))
            elif line.startswith(tag.encode() + b" "):
                return Reply(line, untagged)
            else:
                raise Broken(f"neither untagged nor the end of {tag}: {line!r}")

    # ---- both

    def command(self, command):
        return self.end_of(self.begin(command))

    def done(self, command):
        """A command that must succeed."""
        reply = self.command(command)
        if reply.status != "OK":
            raise AssertionError(f"{command!r}: {reply.status} {reply.text}")
        return reply

    def append(self, mailbox, message, flags="", wanted="OK"):
        """APPEND; the UID it got."""
        reply = self.command(f"APPEND {mailbox} ({flags}) ".encode()
                             + b"{%d+}\r\n" % len(message) + message)
        if reply.status != wanted:
            raise AssertionError(f"APPEND: {reply.status} {reply.text}")
        return int(reply.code("APPENDUID").split()[1]) if wanted == "OK" else None

    def begin_idle(self):
        """IDLE; what was told before it idles, and the tag."""
        tag = self.begin("IDLE")
        untagged = []
        while not (line := self.line()).startswith(b"+"):
            untagged.append(Response(line[2:]))
        return tag, untagged

    def end_idle(self, tag):
        self.send(b"DONE\r\n")
        return self.end_of(tag)

    def waiting(self, seconds):
        """Whether something comes within so many seconds."""
        if b"\r\n" in self._input:
            return True
        before = self.socket.gettimeout()
        self.socket.settimeout(seconds)
        try:
            self._more()
            return True
        except socket.timeout:
            return False
        finally:
            self.socket.settimeout(before)

    def logout(self):
        self.done("LOGOUT")
        self.socket.close()

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def numbers_of(text):
    """The numbers of a sequence set without "*", in its order."""
    found = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition(":")
        low, high = sorted((int(first), int(last or first)))
        found += range(low, high + 1)
    return found


def mailbox_name(name):
    """Modified UTF-7, quoted.  RFC 3501 §5.1.3."""
    parts = []
    for ascii_run, other in re.findall(r"([\x20-\x7e]+)|([^\x20-\x7e]+)", name):
        if ascii_run:
            parts.append(ascii_run.replace("&", "&-"))
        else:
            coded = base64.b64encode(other.encode("utf-16-be")).decode()
            parts.append("&" + coded.rstrip("=").replace("/", ",") + "-")
    return '"' + "".join(parts).replace("\\", "\\\\").replace('"', '\\"') + '"'


def snapshot(server, account, mailbox="INBOX"):
    """A mailbox as a fresh session sees it: UIDVALIDITY, and UID → (flags, message)."""
    with Imap(server, account) as client:
        opened = client.done(f"EXAMINE {mailbox}")
        (validity,) = [re.search(r"UIDVALIDITY (\d+)", one.words[1])[1]
                       for one in opened.of("OK") if "UIDVALIDITY" in one.words[1]]
        found = {}
        for one in client.done("UID FETCH 1:* (FLAGS BODY.PEEK[])").of("FETCH"):
            items = one.items()
            found[int(items["UID"])] = (frozenset(map(str.lower, items["FLAGS"])), items["BODY[]"])
        client.logout()
    return int(validity), found
