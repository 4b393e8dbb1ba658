#!/usr/bin/python3
"""kill -9 while IMAP sessions append, copy, move, mark and expunge.

Every worker knows where its own messages lie.  After each kill the mailboxes must hold exactly
what was acknowledged; of the one command whose answer the kill cut off either all has happened or
nothing: a message moved is in one place, neither in two nor in none.  No UID ever means another
message.

    imap_kill9_test.py [--rounds N] [--seed N]
"""

import argparse
import random
import re
import sys
import threading
import time

import books
from imap import Imap, numbers_of, snapshot
from todoke_server import Listener, Server

WORKERS = 4
MAILBOXES = ("INBOX", '"second"', '"third"')
FLAGS = (r"\seen", r"\flagged", r"\answered", "$k0", "$k1")
BROKEN = (OSError, EOFError)  # a conversation that the kill cut off


def message(number):
    """The message of this number: always the same bytes."""
    size = random.Random(number).choice((0, 10, 200)) if number % 40 else 8_000
    return b"Subject: message %d\r\n\r\n" % number + b"line of %d\r\n" % number * size


def number_of(stored):
    number = int(re.match(rb"Subject: message (\d+)\r\n", stored)[1])
    assert stored == message(number), f"message {number} was changed"
    return number


class Pending:
    """What a command will have done once it is acknowledged."""

    def __init__(self, lost=(), flags=None, added=(), floor=0):
        self.lost = set(lost)  # places
        self.flags = flags or {}  # place → what it will have
        self.added = list(added)  # (number, mailbox, flags)
        self.floor = floor  # a UID in the target that was given out before


class Worker:
    def __init__(self, number, ledger):
        self.number, self.ledger = number, ledger
        self.places = {}  # (mailbox, uid) → (number of the message, flags)
        self.pending = None
        self.next = number
        self.done = 0

    # ---- what it does

    def work(self, server, stop, source):
        try:
            with Imap(server, "a") as client:
                selected = None
                while not stop.is_set():
                    if selected is None or source.random() < 0.2:
                        selected = source.choice(MAILBOXES)
                        client.done(f"SELECT {selected}")
                    self.act(client, selected, source)
                    self.done += 1
        except BROKEN:
            pass

    def begin(self, **what):
        self.pending = Pending(**what)

    def acknowledged(self, new_uids=()):
        for place in self.pending.lost:
            del self.places[place]
        for place, flags in self.pending.flags.items():
            self.places[place] = (self.places[place][0], flags)
        assert len(new_uids) == len(self.pending.added), "UIDs told, and messages added"
        for uid, (number, mailbox, flags) in zip(new_uids, self.pending.added):
            self.ledger.saw(mailbox, uid, number)
            self.places[mailbox, uid] = (number, flags)
        self.pending = None

    def act(self, client, mailbox, source):
        mine = sorted(place for place in self.places if place[0] == mailbox)
        kind = source.choice(("append", "append", "copy", "move", "move", "store", "expunge"))
        if kind == "append" or not mine:
            return self.append(client, source)
        chosen = source.sample(mine, min(len(mine), source.choice((1, 1, 2, 5))))
        chosen.sort()
        uids = ",".join(str(uid) for _, uid in chosen)
        if kind == "store":
            flags = frozenset(source.sample(FLAGS, source.randrange(4)))
            self.begin(flags={place: flags for place in chosen})
            client.done(f"UID STORE {uids} FLAGS.SILENT ({' '.join(flags)})")
            self.acknowledged()
        elif kind == "expunge":
            self.begin(flags={place: self.places[place][1] | {r"\deleted"} for place in chosen})
            client.done(rf"UID STORE {uids} +FLAGS (\Deleted)")
            self.acknowledged()
            self.begin(lost=chosen)
            client.done(f"UID EXPUNGE {uids}")
            self.acknowledged()
        else:
            target = source.choice(MAILBOXES)
            added = [(self.places[place][0], target, self.places[place][1]) for place in chosen]
            self.begin(lost=chosen if kind == "move" else (), added=added,
                       floor=self.ledger.largest(target))
            reply = client.done(f"UID {kind.upper()} {uids} {target}")
            texts = reply.text + "".join(one.words[1] for one in reply.of("OK"))
            old, new = re.search(r"\[COPYUID \d+ (\S+) (\S+)\]", texts).groups()
            assert numbers_of(old) == [uid for _, uid in chosen], "COPYUID of others"
            self.acknowledged(numbers_of(new))

    def append(self, client, source):
        """One message or several at once, which are kept together or not at all."""
        target = source.choice(MAILBOXES)
        added, command = [], f"APPEND {target}".encode()
        for _ in range(source.choice((1, 1, 1, 4))):
            self.next += WORKERS
            flags = frozenset(source.sample(FLAGS, source.randrange(3)))
            text = message(self.next)
            added.append((self.next, target, flags))
            command += f" ({' '.join(flags)}) ".encode() + b"{%d+}\r\n" % len(text) + text
        self.begin(added=added, floor=self.ledger.largest(target))
        reply = client.done(command)
        self.acknowledged(numbers_of(reply.code("APPENDUID").split()[1]))

    # ---- what must be true of it

    def compare(self, found):
        """found: what there is of this worker's messages."""
        pending, self.pending = self.pending, None
        if pending is None or found == self.places:
            assert found == self.places, self.difference(found, self.places)
            return
        expected = {place: what for place, what in self.places.items() if place not in pending.lost}
        for place, flags in pending.flags.items():
            expected[place] = (expected[place][0], flags)
        new = {place: what for place, what in found.items() if place not in expected}
        rest = {place: what for place, what in found.items() if place in expected}
        assert rest == expected, "by half: " + self.difference(rest, expected)
        added = sorted((number, mailbox, sorted(flags)) for (mailbox, _), (number, flags)
                       in new.items())
        wanted = sorted((number, mailbox, sorted(flags)) for number, mailbox, flags
                        in pending.added)
        assert added == wanted, f"by half: added {added} of {wanted}"
        assert all(uid > pending.floor for _, uid in new), "a UID was used before"
        self.places = found

    def difference(self, found, expected):
        places = [place for place in found.keys() | expected.keys()
                  if found.get(place) != expected.get(place)]
        return f"worker {self.number}: " + "; ".join(
            f"{place}: {found.get(place)}, should be {expected.get(place)}" for place in places[:10])


class Ledger:
    """Which message every UID has meant."""

    def __init__(self):
        self.lock = threading.Lock()
        self.numbers = {}
        self.uidnext = dict.fromkeys(MAILBOXES, 0)

    def saw(self, mailbox, uid, number):
        with self.lock:
            known = self.numbers.setdefault((mailbox, uid), number)
            self.uidnext[mailbox] = max(self.uidnext[mailbox], uid)
        assert known == number, f"{mailbox} UID {uid} was message {known} and is {number}"

    def largest(self, mailbox):
        with self.lock:
            return self.uidnext[mailbox]


def compare(server, ledger, workers, validities):
    found = [{} for _ in workers]
    for mailbox in MAILBOXES:
        validity, messages = snapshot(server, "a", mailbox)
        assert validities.setdefault(mailbox, validity) == validity, "another UIDVALIDITY"
        for uid, (flags, stored) in messages.items():
            number = number_of(stored)
            ledger.saw(mailbox, uid, number)
            found[number % WORKERS][mailbox, uid] = (number, flags)
    for worker in workers:
        worker.compare(found[worker.number])


def load_and_kill(server, workers, source):
    stop = threading.Event()
    failures = []

    def guarded(worker, random_source):
        try:
            worker.work(server, stop, random_source)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(worker, random.Random(source.random())))
               for worker in workers]
    begin = sum(worker.done for worker in workers)
    for thread in threads:
        thread.start()
    # After so many commands or so long, and a moment more: anywhere in what comes next.
    enough, end = begin + source.randint(0, 100), time.monotonic() + 0.6
    while sum(worker.done for worker in workers) < enough and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(source.random() * 0.01)
    server.kill()
    stop.set()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def run(rounds, seed):
    source = random.Random(seed)
    ledger, validities = Ledger(), {}
    workers = [Worker(number, ledger) for number in range(WORKERS)]
    server = Server((Listener("imap", plain_text_login=True),), ("a",), log_level="warn").create()
    begin = time.monotonic()
    done = unanswered = 0
    try:
        server.start()
        with Imap(server, "a") as client:
            for mailbox in MAILBOXES[1:]:
                client.done(f"CREATE {mailbox}")
        for done in range(1, rounds + 1):
            load_and_kill(server, workers, source)
            unanswered += sum(worker.pending is not None for worker in workers)
            server.start()
            compare(server, ledger, workers, validities)
        server.stop()
        wrong = books.check(server.database)
        assert not wrong, "\n".join(wrong)
    except BaseException:
        print(f"round {done}, seed {seed}; the installation is kept in {server.folder}",
              file=sys.stderr)
        if server.process:
            server.kill()
        raise
    commands = sum(worker.done for worker in workers)
    print(f"{rounds} rounds in {time.monotonic() - begin:.0f} s (seed {seed}): {commands} commands "
          f"acknowledged, {unanswered} cut off; "
          f"{sum(len(worker.places) for worker in workers)} messages remain; all as it should be")
    # A machine so slow that nothing happened between two kills has proved nothing.
    assert commands > 5 * rounds and unanswered > rounds
    server.remove()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    run(arguments.rounds, arguments.seed)
