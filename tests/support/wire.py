"""The protocols byte by byte, for what well-behaved libraries refuse to send."""

import poplib
import re
import socket
import struct

from todoke_server import PASSWORD

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def proxy_v2(source, port, command=1, extra=b""):
    """A PROXY protocol header, version 2, for TCP over IPv4 or IPv6."""
    six = ":" in source
    family = socket.AF_INET6 if six else socket.AF_INET
    destination = "2001:db8::1" if six else "192.0.2.1"
    addresses = (socket.inet_pton(family, source) + socket.inet_pton(family, destination)
                 + struct.pack("!HH", port, 25) + extra)
    return SIGNATURE + bytes((0x20 | command, 0x21 if six else 0x11)) + struct.pack(
        "!H", len(addresses)) + addresses


class Smtp:
    """One SMTP or LMTP connection."""

    def __init__(self, server, protocol="smtp", greet=True, timeout=60):
        self.socket = server.connect(protocol, timeout)
        self.begin(b"LHLO" if protocol == "lmtp" else b"EHLO", greet)

    @classmethod
    def on(cls, connected, greet=True):
        """Over a socket that is connected already."""
        made = cls.__new__(cls)
        made.socket = connected
        made.begin(b"EHLO", greet)
        return made

    def begin(self, verb, greet):
        self._input = b""
        self.greeting = self.reply() if greet else None
        self.offers = self.command(verb + b" client.example") if greet else None

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        while b"\n" not in self._input:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError(f"the server hung up after {self._input!r}")
            self._input += more
        line, self._input = self._input.split(b"\n", 1)
        return line + b"\n"

    def reply(self):
        """The next reply, all its lines."""
        text = b""
        while True:
            line = self.line()
            assert re.match(rb"[2-5]\d\d[ -].*\r\n$", line), f"not a reply: {line!r}"
            text += line
            if line[3:4] == b" ":
                return text

    def command(self, line):
        self.send(line + b"\r\n")
        return self.reply()

    def envelope(self, *recipients, sender=b"sender@elsewhere.example"):
        """MAIL and RCPT for each, up to the answers."""
        answer = self.command(b"MAIL FROM:<" + sender + b">")
        assert answer.startswith(b"250"), answer
        for recipient in recipients:
            answer = self.command(b"RCPT TO:<" + recipient.encode() + b">")
            assert answer.startswith(b"250"), answer

    def data(self, wire):
        """DATA and these bytes, which hold their own dots and end; the reply."""
        assert self.command(b"DATA").startswith(b"354")
        self.send(wire)
        return self.reply()

    def deliver(self, message, *recipients, sender=b"sender@elsewhere.example"):
        """A message with CRLF line ends, dots doubled here; the reply to its end."""
        self.envelope(*recipients, sender=sender)
        return self.data(stuffed(message) + b".\r\n")

    def hung_up(self):
        """Whether the server ends the connection, whatever it says before."""
        try:
            while self.socket.recv(65536):
                pass
            return True
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def stuffed(message):
    """RFC 5321 §4.5.2, and the CRLF that a message must end with."""
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", message)


poplib._MAXLINE = 64 << 20  # it refuses lines beyond 2,048 octets, which real mail has


def pop3(server, name, password=PASSWORD):
    """A POP3 session in the TRANSACTION state."""
    session = poplib.POP3("127.0.0.1", server.port("pop3"), timeout=120)
    session.user(name)
    session.pass_(password)
    return session


def retrieve(session, number):
    """A message's exact bytes; poplib would lose what ends its lines."""
    session._putcmd(f"RETR {number}")
    session._getresp()
    return b"".join(exact_lines(session.file))


def exact_lines(file):
    while True:
        line = file.readline()
        if not line:
            raise EOFError("the server hung up")
        if line == b".\r\n":
            return
        yield line[1:] if line.startswith(b".") else line


def all_messages(server, name, delete=True):
    """The bytes of every message of an account, which is empty afterwards."""
    session = pop3(server, name)
    messages = [retrieve(session, number + 1) for number in range(session.stat()[0])]
    if delete:
        for number in range(len(messages)):
            session.dele(number + 1)
    session.quit()
    return messages


TRACE = re.compile(rb"\AReturn-Path: <[^\r\n]*>\r\nReceived: [^\r\n]*\r\n([ \t][^\r\n]*\r\n)*")


def without_trace(stored):
    """The message behind the header fields that the server puts in front."""
    match = TRACE.match(stored)
    assert match, f"no trace header in {stored[:300]!r}"
    return stored[match.end():]
