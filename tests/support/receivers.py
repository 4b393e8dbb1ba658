"""Servers that take mail, on a port of 127.0.0.x: aiosmtpd for good manners, and one that says what
a test wants for bad ones."""

import contextlib
import pathlib
import pwd
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Certificate:
    """A self-signed certificate for a host, in a folder of its own."""

    def __init__(self, host):
        self._folder = tempfile.TemporaryDirectory(prefix="todoke-certificate-")
        folder = pathlib.Path(self._folder.name)
        folder.chmod(0o755)
        self.file, self.key = folder / "certificate.pem", folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
                        "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}", "-keyout", self.key,
                        "-out", self.file], check=True, stderr=subprocess.DEVNULL)
        self.key.chmod(0o644)  # servers read it as users of their own

    def remove(self):
        self._folder.cleanup()

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context

    def tlsa(self):
        """The record that names its key: DANE-EE, SPKI, SHA-256."""
        key = subprocess.run(["openssl", "x509", "-in", self.file, "-noout", "-pubkey"], check=True,
                             stdout=subprocess.PIPE).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key,
                             check=True, stdout=subprocess.PIPE).stdout
        digest = subprocess.run(["openssl", "dgst", "-sha256"], input=der, check=True,
                                stdout=subprocess.PIPE).stdout
        return "3 1 1 " + digest.decode().split()[-1]


class Receiver:
    """aiosmtpd.  `taken`: (reverse-path, recipients, text) in the order in which they came.
    `refuse(recipient)` gives a reply to RCPT, or None.  `login`: (user, password), required."""

    def __init__(self, address, port, certificate=None, login=None, refuse=None):
        self.taken = []
        self.sessions = set()
        self.refuse = refuse or (lambda recipient: None)
        options = {"enable_SMTPUTF8": True}
        if certificate:
            options["tls_context"] = certificate.context()
        if login:
            def check(server, session, envelope, mechanism, data):
                shown = (data.login.decode(), data.password.decode())
                return AuthResult(success=shown == login, handled=False)
            options |= {"authenticator": check, "auth_required": True}
        self._controller = Controller(self, address, port, **options)

    async def handle_RCPT(self, server, session, envelope, address, options):
        reply = self.refuse(address)
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.sessions.add(session)
        self.taken.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 taken"

    def __enter__(self):
        self._controller.start()
        return self

    def __exit__(self, *_):
        self._controller.stop()


class Scripted:
    """Gives each connection, as a binary file with `socket` beside it, to `talk` in a thread.  When
    the test ends, all of them do."""

    def __init__(self, address, port, talk):
        self._talk = talk
        self._socket = socket.create_server((address, port), backlog=100)
        self._open = []
        self.connections = 0

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        with contextlib.suppress(OSError, EOFError, ValueError), connection:
            self._talk(connection)

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Dialogue:
    """The simplest server there is: one that can be told to stop at any point of a conversation.
    `at[word]` is called with the connection instead of an answer to that command; the word is
    "greeting", a command, "text" for the first bytes of the text, or "dot" for its end."""

    def __init__(self, at=None, offers=("8BITMIME",)):
        self.at = at or {}
        self.offers = offers
        self.texts = []

    def __call__(self, connection):
        file = connection.makefile("rb")
        if self._turn("greeting", connection, b"220 mx ESMTP\r\n"):
            return
        for line in file:
            word = line.split(b" ")[0].strip().decode().upper()
            answer = b"250 OK\r\n"
            if word == "EHLO":
                words = ["mx", *self.offers]
                answer = b"".join(b"250%s%s\r\n" % (b"-" if one is not words[-1] else b" ",
                                                   one.encode()) for one in words)
            elif word == "DATA":
                answer = b"354 go on\r\n"
            elif word == "QUIT":
                answer = b"221 bye\r\n"
            if self._turn(word, connection, answer):
                return
            if word == "DATA" and self._take(file, connection):
                return
            if word == "QUIT":
                return

    def _turn(self, word, connection, answer):
        """True when the conversation is over."""
        if word in self.at:
            return self.at[word](connection)
        connection.sendall(answer)
        return False

    def _take(self, file, connection):
        text = b""
        for line in file:
            if not text and "text" in self.at:
                return self.at["text"](connection)
            if line == b".\r\n":
                break
            text += line
        if "dot" not in self.at:
            self.texts.append(text)
        return self._turn("dot", connection, b"250 2.0.0 taken\r\n")


def user():
    """As whom a server runs that must not be root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


class Program:
    """Another's server in a folder of its own: started, waited for, and ended by its process."""

    def __init__(self, name):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"todoke-{name}-"))
        self.folder.chmod(0o755)
        self.log = self.folder / "log"
        self.process = None

    def launch(self, words, at, **options):
        """Runs it until it accepts connections `at` (address, port)."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True,
                                            **options)
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(at, timeout=5).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    text = self.log.read_text(errors="replace")[-4000:]
                    self.end()
                    raise AssertionError(f"{words[0]} does not start:\n{text}") from None
                time.sleep(0.02)

    def end(self):
        """Ends it and its children, which are its session."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
