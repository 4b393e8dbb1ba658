"""A Todoke of its own for a test: a temporary folder, a configuration, accounts, and the server.

The binary is found in the environment variable TODOKE; without it the release build's is taken.
Everything listens on free ports of 127.0.0.1, as the server's ready file tells.
"""

import collections
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("TODOKE", str(SOURCE / "build/release/src/app/todoke"))
DOMAIN = "example.test"
PASSWORD = "correct horse"

Listener = collections.namedtuple("Listener", "protocol address plain_text_login proxies port",
                                  defaults=("127.0.0.1", False, (), 0))

# What most tests need.  A protocol that stands twice is found in the ready file by its last.
ALL = (Listener("smtp"), Listener("submission", plain_text_login=True), Listener("submissions"),
       Listener("lmtp"), Listener("pop3", plain_text_login=True), Listener("pop3s"),
       Listener("imap", plain_text_login=True), Listener("imaps"))


def quoted(text):
    return json.dumps(str(text))  # a TOML basic string is written as one of JSON


class Server:
    """One installation.  `with Server() as server:` makes, starts, stops and removes it.

    accounts: local parts; each gets the address NAME@example.test, the login names NAME@example.test
    and NAME, and the password PASSWORD.
    folder: where to make it, for a test that needs a special file system.
    host: the name by which the server goes.
    outgoing: {"port": …, …}, the keys of [outgoing], for a server that sends; others only queue.
    dns: the keys of [dns].
    trust: a file of authorities that the server knows instead of the system's.
    prepare: called in the server's process before it becomes Todoke (limits of the process).
    """

    def __init__(self, listeners=ALL, accounts=("hana", "taro"), settings=None, folder=None,
                 prepare=None, log_level="info", host="localhost", outgoing=None, dns=None,
                 trust=None):
        self._temporary = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="todoke-test-"))
        self.data = self.folder / "data"
        self.config = self.folder / "todoke.toml"
        self.log = self.folder / "log"
        self.accounts = accounts
        self.process = None
        self.prepare = prepare
        self.host = host
        self.trust = trust
        self._ready = {}
        # Whoever asks for no sending must not reach the real DNS and the servers in it.
        sections = {"log": {"level": log_level}, "outgoing": outgoing or {"send": False},
                    "dns": dns or {}}
        self._write_config(listeners, settings or {}, sections)

    def _write_config(self, listeners, settings, sections):
        lines = [f"data = {quoted(self.data)}", f"host = {quoted(self.host)}"]
        lines += [f"{key} = {value}" for key, value in settings.items()]
        for name, keys in sections.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
        for one in listeners:
            lines += ["[[listener]]", f'protocol = "{one.protocol}"',
                      f"address = {quoted(one.address)}", f"port = {one.port}",
                      f"plain_text_login = {str(one.plain_text_login).lower()}",
                      f"proxies = {json.dumps(list(one.proxies))}"]
        self.config.write_text("\n".join(lines) + "\n")
        self.config.chmod(0o600)

    def command(self, *words, check=True):
        """Runs a command of the program, and answers what it printed."""
        done = subprocess.run([BINARY, *words, "--config", str(self.config)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f"todoke {' '.join(words)} failed: {done.stderr}")
        return done.stdout

    def create(self):
        """Makes the data folder and the accounts."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.command("org", "add", "Tests")
        self.command("domain", "add", DOMAIN)
        for name in self.accounts:
            self.command("account", "add", f"{name}@{DOMAIN}", "--password", PASSWORD)
            self.command("login", "add", name, f"{name}@{DOMAIN}")
        return self

    def launch(self):
        """Starts the server and waits for nothing; answers where its ready file will be."""
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        environment = dict(os.environ)
        if self.trust:
            environment["SSL_CERT_FILE"] = str(self.trust)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve", "--config", str(self.config), "--ready-file", str(ready)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=self.prepare,
                env=environment)
        return ready

    def start(self, timeout=60):
        """Starts the server and waits until it listens everywhere."""
        ready = self.launch()
        end = time.monotonic() + timeout
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the server does not start:\n{self.log_text()[-4000:]}")
            time.sleep(0.005)
        self._ready = json.loads(ready.read_text())
        return self

    def stop(self):
        """Asks the server to end, as an administrator would; an error unless it ends well."""
        process, self.process = self.process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the server does not stop:\n{self.log_text()[-4000:]}")
        if code != 0:
            raise AssertionError(f"the server ended with {code}:\n{self.log_text()[-4000:]}")

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def remove(self):
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        try:
            return self.create().start()
        except BaseException:
            self.remove()
            raise

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            self.remove()

    def port(self, protocol):
        return self._ready[protocol]["port"]

    def at(self, protocol):
        return self._ready[protocol]["host"], self.port(protocol)

    def connect(self, protocol, timeout=60):
        return socket.create_connection(self.at(protocol), timeout=timeout)

    @property
    def certificate(self):
        """What a client must trust; it stands for the host name localhost."""
        return self.data / "tls-certificate.pem"

    @property
    def database(self):
        return self.data / "todoke.db"

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def memory_kib(self):
        """Resident memory of the server."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])


def address(name):
    return f"{name}@{DOMAIN}"
