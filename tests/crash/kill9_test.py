#!/usr/bin/python3
"""kill -9 at random points under load.

Every round: start the server, compare all that it shows with all that it ever acknowledged, put it
under load, kill it.  SMTP sessions write messages whose bytes follow from their number; POP3
sessions read and delete.  Whatever was acknowledged must be true for ever after; what was asked for
and not acknowledged may have happened or not, but never by half.

    kill9_test.py [--rounds N] [--seed N]
"""

import argparse
import poplib
import random
import sys
import threading
import time

import books
from todoke_server import Listener, Server, address
from wire import Smtp, exact_lines, pop3, without_trace

ACCOUNTS = ("a", "b", "c")
WRITERS = 4
LISTENERS = (Listener("smtp"), Listener("pop3", plain_text_login=True))
BROKEN = (OSError, EOFError, poplib.error_proto)  # a conversation that the kill cut off
alphabet = bytes(range(32, 127)).replace(b".", b"")


def message(number):
    """The message of this number: always the same bytes."""
    source = random.Random(number)
    size = source.choice((0, 100, 3_000, 20_000)) if number % 50 else 400_000
    text = b"".join(bytes(source.choices(alphabet, k=70)) + b"\r\n" for _ in range(min(size // 72, 20)))
    text *= max(1, size // 1440)
    return b"Subject: message %d\r\n\r\n" % number + text + b"end of %d\r\n" % number


class Ledger:
    """What was asked of the server, and what it said."""

    def __init__(self):
        self.lock = threading.Lock()
        self.next = 0
        self.sent = {}  # number → recipients: asked for
        self.accepted = {}  # number → recipients: acknowledged
        self.numbers = {name: {} for name in ACCOUNTS}  # unique id → number, once seen
        self.deleting = {name: set() for name in ACCOUNTS}  # unique ids: asked for
        self.deleted = {name: set() for name in ACCOUNTS}  # acknowledged
        self.events = 0

    def draw(self, recipients):
        with self.lock:
            self.next += 1
            self.sent[self.next] = recipients
            return self.next

    def accept(self, number):
        with self.lock:
            self.accepted[number] = self.sent[number]
            self.events += 1


def read_all(session, wanted):
    """Number → exact bytes, the RETRs pipelined."""
    session.sock.sendall(b"".join(b"RETR %d\r\n" % number for number in wanted))
    found = {}
    for number in wanted:
        session._getresp()
        found[number] = b"".join(exact_lines(session.file))
    return found


def number_of(stored):
    """Which message this is; an error unless it is that one, whole."""
    original = without_trace(stored)
    number = int(original.split(b"\r\n", 1)[0].removeprefix(b"Subject: message "))
    if original != message(number):
        raise AssertionError(f"message {number} was changed: {original[:200]!r} …")
    return number


def compare(server, ledger, name, everything):
    """One account's mail with the ledger; `everything`: reads old messages again as well."""
    session = pop3(server, name)
    uidls = {line.split()[1]: int(line.split()[0]) for line in session.uidl()[1]}
    sizes = [int(line.split()[1]) for line in session.list()[1]]
    known, deleted = ledger.numbers[name], ledger.deleted[name]
    assert len(uidls) == len(sizes), "two messages of one unique id"
    back = deleted & set(uidls)
    assert not back, f"{name}: deleted and there again: {back}"
    # What vanished without an acknowledgement must have been asked for, and stays away.
    missing = set(known) - deleted - set(uidls)
    unasked = missing - ledger.deleting[name]
    assert not unasked, f"{name}: lost {[(uidl, known[uidl]) for uidl in unasked]}"
    deleted |= missing
    ledger.deleting[name].clear()
    wanted = [n for uidl, n in uidls.items() if everything or uidl not in known]
    bodies = read_all(session, wanted)
    session.quit()
    for uidl, place in uidls.items():
        if place not in bodies:
            continue
        assert len(bodies[place]) == sizes[place - 1], f"{name}: LIST says another size"
        number = number_of(bodies[place])
        assert name in ledger.sent[number], f"{name} has mail of others: {number}"
        assert known.setdefault(uidl, number) == number, f"{uidl} is another message now"
    numbers = list(known.values())
    assert len(numbers) == len(set(numbers)), f"{name}: a message is there twice"
    lost = {n for n, names in ledger.accepted.items() if name in names} - set(numbers)
    assert not lost, f"{name}: acknowledged and not there: {sorted(lost)}"


def write_mail(server, ledger, stop, source):
    try:
        with Smtp(server) as client:
            while not stop.is_set():
                recipients = tuple(source.sample(ACCOUNTS, source.choice((1, 1, 2, 3))))
                number = ledger.draw(recipients)
                answer = client.deliver(message(number), *map(address, recipients))
                assert answer.startswith(b"250 "), answer
                ledger.accept(number)
    except BROKEN:
        pass


def read_and_delete(server, ledger, stop, name, source):
    try:
        while not stop.is_set():
            session = pop3(server, name)
            uidls = [line.split()[1] for line in session.uidl()[1]]
            if uidls:
                read_all(session, [source.randint(1, len(uidls))])
            # About half of it, so that the mailboxes stay small.  Only what compare() has seen:
            # of everything else nobody would know that it had been there.
            known = [n for n, uidl in enumerate(uidls, 1) if uidl in ledger.numbers[name]]
            chosen = source.sample(known, len(known) // 2)
            for number in chosen:
                session.dele(number)
            gone = {uidls[number - 1] for number in chosen}
            ledger.deleting[name] |= gone
            session.quit()
            ledger.deleted[name] |= gone
            ledger.events += 1
            stop.wait(0.05)
    except BROKEN:
        pass


def load_and_kill(server, ledger, source):
    stop = threading.Event()
    threads = [threading.Thread(target=write_mail,
                                args=(server, ledger, stop, random.Random(source.random())))
               for _ in range(WRITERS)]
    threads += [threading.Thread(target=read_and_delete,
                                 args=(server, ledger, stop, name, random.Random(source.random())))
                for name in source.sample(ACCOUNTS, 2)]
    for thread in threads:
        thread.start()
    # After so many acknowledgements or so long, and a moment more: anywhere in what comes next.
    enough, end = ledger.events + source.randint(0, 40), time.monotonic() + 0.5
    while ledger.events < enough and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(source.random() * 0.01)
    stop.set()
    server.kill()
    for thread in threads:
        thread.join()


def kill_at_start(server, source):
    """Kills it while it opens its files, which includes mending them."""
    server.launch()
    time.sleep(source.random() * 0.05)
    server.kill()


def run(rounds, seed):
    source = random.Random(seed)
    ledger = Ledger()
    server = Server(LISTENERS, ACCOUNTS, log_level="warn").create()
    begin = time.monotonic()
    done = 0
    try:
        for done in range(1, rounds + 1):
            if source.random() < 0.15:
                kill_at_start(server, source)
            server.start()
            for name in ACCOUNTS:
                compare(server, ledger, name, everything=False)
            load_and_kill(server, ledger, source)
        server.start()
        for name in ACCOUNTS:
            compare(server, ledger, name, everything=True)
        server.stop()
        wrong = books.check(server.database)
        assert not wrong, "\n".join(wrong)
    except BaseException:
        print(f"round {done}, seed {seed}; the installation is kept in {server.folder}",
              file=sys.stderr)
        if server.process:
            server.kill()
        raise
    deleted = sum(map(len, ledger.deleted.values()))
    print(f"{rounds} rounds in {time.monotonic() - begin:.0f} s (seed {seed}): "
          f"{len(ledger.accepted)} messages acknowledged of {len(ledger.sent)} begun, "
          f"{deleted} deleted; all as it should be")
    # A machine so slow that nothing happened between two kills has proved nothing.
    assert len(ledger.accepted) > 2 * rounds and deleted > rounds / 2
    server.remove()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    run(arguments.rounds, arguments.seed)
