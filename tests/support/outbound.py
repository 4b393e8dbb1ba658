"""A Todoke that sends, the DNS it believes, and what its books say of each recipient.

Receivers stand on 127.0.0.2 and onwards, all on the one port to which the server is told to send.
"""

import itertools
import pathlib
import smtplib
import socket
import sqlite3
import tempfile
import time

from dns_server import DnsServer
from todoke_server import ALL, PASSWORD, Server, address

# By their numbers: queue::State, queue::EventKind, smtp::Stage, smtp::Breakdown,
# provider::ReplyClass.
STATES = ("waiting", "sending", "delivered", "failed", "expired", "cancelled", "in doubt",
          "returned")
KINDS = (None, "begun", "delivered", "deferred", "failed", "in doubt", "expired", "cancelled",
         "returned", "complained", "answered", "retried", "returned late", "untouched")
STAGES = ("dns", "connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "end of data")
BREAKDOWNS = ("none", "refused", "reset", "timed out", "closed", "unreachable", "tls", "garbage",
              "dns")
FINAL = {"delivered", "failed", "expired", "cancelled", "in doubt", "returned"}
CLASSES = (None, "gone", "inactive", "full", "filtered", "throttled", "blocked", "auth", "content",
           "unreachable", "expired", "complaint", "automatic", "unknown")

addresses = (f"127.0.{number // 250}.{number % 250 + 1}" for number in itertools.count(1))
MESSAGE = (b"From: hana@example.test\r\nTo: you@elsewhere.example\r\nSubject: %s\r\n"
           b"Date: Sat, 3 Apr 2027 10:00:00 +0900\r\nMessage-ID: <%s@example.test>\r\n\r\n%s")
numbers = itertools.count(1)


def message(subject=b"hello", body=b"Good morning.\r\n"):
    return MESSAGE % (subject, b"%d" % next(numbers), body)


def free_port():
    """A port that is free on this machine, all of 127.0.0.0/8 included."""
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        return probe.getsockname()[1]


class Sending:
    """`with Sending() as sending:` is an installation that sends to `sending.port` of the hosts
    that its DNS names.  domain() adds one of these."""

    def __init__(self, signed=(), accounts=("hana", "taro"), listeners=ALL, port=None, **options):
        self.port = port or free_port()
        self.dns = DnsServer({"signed": list(signed)})
        self._folder = tempfile.TemporaryDirectory(prefix="todoke-anchors-")
        anchors = ""
        if signed:
            anchors = pathlib.Path(self._folder.name) / "anchors"
            anchors.write_text(self.dns.trust_anchors())
            anchors.chmod(0o644)
            pathlib.Path(self._folder.name).chmod(0o755)
        self.server = Server(listeners, accounts, **options, outgoing={"port": self.port},
                             dns={"server": self.dns.endpoint, "trust_anchor": str(anchors)})

    def __enter__(self):
        self.dns.start()
        try:
            self.server.__enter__()
        except BaseException:
            self.dns.stop()
            raise
        return self

    def __exit__(self, *error):
        try:
            self.server.__exit__(*error)
        finally:
            self.dns.stop()
            self._folder.cleanup()

    def domain(self, name, at=None):
        """Makes a domain whose mail host is `mx.NAME` at that address, which it answers."""
        at = at or next(addresses)
        self.dns.set(f"mx.{name}", "A", [at])
        self.dns.set(name, "MX", [f"10 mx.{name}"])
        return at

    # ---- Mail

    def submit(self, recipients, text=None, account="hana", **options):
        """Hands a message in, and answers its number in the queue."""
        if isinstance(recipients, str):
            recipients = [recipients]
        with smtplib.SMTP(*self.server.at("submission"), timeout=60) as client:
            client.login(account, PASSWORD)
            client.sendmail(address(account), recipients, text or message(), **options)
        return self.rows("select max(id) from queue_message")[0][0]

    def wait(self, queued, until=lambda states: set(states.values()) <= FINAL, timeout=60):
        """Waits for a message's recipients; {address: state}."""
        end = time.monotonic() + timeout
        while True:
            states = self.states(queued)
            if until(states):
                return states
            if time.monotonic() > end:
                raise AssertionError(f"after {timeout} s: {states}; {self.events(queued)}\n"
                                     f"{self.server.log_text()[-2000:]}")
            time.sleep(0.02)

    def send(self, recipients, text=None, **options):
        """Hands a message in and waits for its end; {address: state}."""
        return self.wait(self.submit(recipients, text, **options))

    def tried(self, queued, kind="deferred", times=1):
        """Waits until every recipient has so many events of that kind; the events."""
        def enough(_):
            count = sum(event["kind"] == kind for event in self.events(queued))
            return count >= times * len(self.states(queued))
        self.wait(queued, enough)
        return [event for event in self.events(queued) if event["kind"] == kind]

    def hurry(self):
        """Time passes: all that waits is due, and what was learnt of other servers is forgotten."""
        self.server.stop()
        with sqlite3.connect(self.server.database) as database:
            database.execute("update queue_recipient set due_at = 0 where state = 0")
        database.close()
        self.server.start()

    # ---- Books

    def rows(self, query, *values):
        database = sqlite3.connect(self.server.database, timeout=30)
        try:
            return database.execute(query, values).fetchall()
        finally:
            database.close()

    def states(self, queued):
        found = self.rows("select address, state from queue_recipient where message_id = ?", queued)
        return {who: STATES[state] for who, state in found}

    def events(self, queued):
        """Everything that happened to a message, in its order."""
        found = self.rows(
            "select r.address, e.kind, e.stage, e.breakdown, e.code, e.enhanced, e.text, "
            "e.reply_class, e.rule, e.dialogue, e.connection_id, c.host, c.address, c.tls "
            "from queue_event e join queue_recipient r using (message_id, number) "
            "left join queue_connection c on c.id = e.connection_id "
            "where e.message_id = ? order by e.id", queued)
        names = ("to", "kind", "stage", "breakdown", "code", "enhanced", "text", "class", "rule",
                 "dialogue", "connection", "host", "address", "tls")
        events = [dict(zip(names, row)) for row in found]
        for event in events:
            event["kind"] = KINDS[event["kind"]]
            event["stage"] = STAGES[event["stage"]]
            event["breakdown"] = BREAKDOWNS[event["breakdown"]]
            event["class"] = CLASSES[event["class"]]
        return events

    def last(self, queued):
        """The last event of a message."""
        return self.events(queued)[-1]

    def smarthost(self, host, port, tls=1, login="", password=""):
        """Tells the server, which must not run, to hand everything there."""
        with sqlite3.connect(self.server.database) as database:
            database.execute("insert into queue_smarthost values (0, ?, ?, ?, ?, ?)",
                             (host, port, tls, login, password))
        database.close()
