#!/usr/bin/python3
"""Many IMAP clients work on the same mailboxes, and none may be told anything wrong.

Every client mirrors its mailbox only from what the server tells it: message numbers, UIDs, flags,
mod-sequences.  Some have enabled CONDSTORE or QRESYNC, some come and go.  SMTP delivers meanwhile.
Whenever a response contradicts a mirror, or a mirror differs from what a fresh session is shown
after all have come to rest, the server is wrong.

    views_test.py [--seconds N] [--seed N]

One run per seed; without arguments some seeds that are always the same and one that is not.  The
seed decides what clients ask, not how their commands meet.
"""

import argparse
import random
import re
import sys
import threading
import time

from imap import Broken, Imap, mailbox_name, numbers_of
from todoke_server import Listener, Server, address
from wire import Smtp

SEEDS = (1, 2, 3)
CLIENTS = 7
MAILBOXES = ("INBOX", mailbox_name("控え"))
FLAGS = (r"\Seen", r"\Flagged", r"\Deleted", r"\Answered", "$K0", "$K1", "Kw2")
PHASE = 1.2  # seconds between rests


def subject_of(message):
    return re.search(rb"^Subject: (.*?)\r$", message, re.M)[1].decode()


class Entry:
    """One message as a client knows it; None: not told yet."""

    def __init__(self, uid=None):
        self.uid = uid
        self.flags = None
        self.modseq = None
        self.told_at = 0  # the command during which the flags were told last


class History:
    """What all clients have learned of which message has which UID."""

    def __init__(self):
        self._lock = threading.Lock()
        self._subjects = {}  # (mailbox, uid) → subject
        self._letters = 0

    def letter(self):
        with self._lock:
            self._letters += 1
            return b"Subject: letter %d\r\n\r\ntext\r\n" % self._letters

    def saw(self, mailbox, uid, subject):
        with self._lock:
            known = self._subjects.setdefault((mailbox, uid), subject)
        if known != subject:
            raise Broken(f"{mailbox} UID {uid} is {subject}, and was {known}")

    def of(self, mailbox, uid):
        with self._lock:
            return self._subjects.get((mailbox, uid))


class Client:
    """A client and its mirror."""

    def __init__(self, server, history, number, source):
        self.server, self.history, self.number, self.source = server, history, number, source
        self.mode = ("plain", "plain", "condstore", "qresync")[number % 4]
        self.mailbox = MAILBOXES[1] if number == 5 else MAILBOXES[0]
        self.connection = None
        self.log = []
        self.commands = 0
        self.entries = []
        self.validity = self.modseq = None  # as of the last moment when all had been told
        self.named = set()  # keywords that FLAGS has named
        self.open()

    # ---- connections

    def open(self):
        self.connection = Imap(self.server, "hana")
        if self.mode != "plain":
            self.connection.done("ENABLE " + self.mode)
        can_resynchronise = self.mode == "qresync" and self.modseq and all(
            entry.uid and entry.flags is not None for entry in self.entries)
        if not can_resynchronise:
            self.entries = []
            self.ask(f"SELECT {self.mailbox}", selecting=True)
        else:
            self.resynchronise()
        self.fetch_unknown()

    def close(self):
        self.connection.close()

    def resynchronise(self):
        """RFC 7162 §3.2.5: what was missed must be told, and the result must be complete."""
        before = {entry.uid: entry for entry in self.entries}
        known = f" {min(before)}:{max(before)}" if before and self.source.random() < 0.5 else ""
        command = f"SELECT {self.mailbox} (QRESYNC ({self.validity} {self.modseq}{known}))"
        self.log.append(command)
        reply = self.connection.done(command)
        self.log += reply.untagged
        ((highest,),) = filter(None, (re.findall(r"HIGHESTMODSEQ (\d+)", one.words[1])
                                      for one in reply.of("OK")))
        exists, numbers, news = None, {}, None
        for place, one in enumerate(reply.untagged):
            if (one.kind == "EXISTS" and exists is not None) or (
                    one.kind == "VANISHED" and one.words[1] != ["EARLIER"]):
                news = place  # what happened after the mailbox was opened
                break
            if one.kind == "EXISTS":
                exists = one.number
            elif one.kind == "FLAGS":
                self.named = {flag.lower() for flag in one.words[1]}
            elif one.kind == "VANISHED":
                for uid in numbers_of(one.words[2]):
                    before.pop(uid, None)
            elif one.kind == "FETCH":
                items = one.items()
                entry = before.setdefault(int(items["UID"]), Entry(int(items["UID"])))
                entry.flags, entry.modseq = self.flags_of(items), int(items["MODSEQ"][0])
                numbers[entry.uid] = one.number
        self.entries = [before[uid] for uid in sorted(before)]
        if known:  # of those only it is told; what is new comes behind them
            self.entries += [Entry() for _ in range(exists - len(self.entries))]
        if len(self.entries) != exists:
            raise Broken(f"QRESYNC leads to {len(self.entries)} messages of {exists}")
        for place, entry in enumerate(self.entries, 1):
            if numbers.get(entry.uid, place) != place:
                raise Broken(f"UID {entry.uid} was told as {numbers[entry.uid]}, is {place}")
        self.modseq = int(highest)
        for one in reply.untagged[news:] if news is not None else ():
            self.hear(one)
        self.caught_up()

    # ---- the mirror

    def ask(self, command, expunges=True, selecting=False, wanted=("OK",)):
        self.commands += 1
        self.log.append(command)
        return self.finish(self.connection.begin(command), expunges, selecting, wanted)

    def finish(self, tag, expunges=True, selecting=False, wanted=("OK",)):
        reply = self.connection.end_of(tag)
        for response in reply.untagged:
            self.hear(response, expunges, selecting)
        self.log.append(f"{reply.status} {reply.text}")
        if reply.status not in wanted:
            raise Broken(f"{reply.status} {reply.text}")
        if expunges:
            self.caught_up()
        return reply

    def caught_up(self):
        """All that has happened up to the largest number heard was told."""
        heard = [entry.modseq for entry in self.entries if entry.modseq]
        self.modseq = max([self.modseq or 0, *heard])

    def hear(self, response, expunges=True, selecting=False):
        self.log.append(response)
        kind = response.kind
        if kind == "EXISTS":
            if response.number < len(self.entries):
                raise Broken(f"EXISTS went down from {len(self.entries)}")
            self.entries += [Entry() for _ in range(response.number - len(self.entries))]
        elif kind == "EXPUNGE":
            if self.mode == "qresync" or not expunges:
                raise Broken("EXPUNGE where none may be")
            if not 1 <= response.number <= len(self.entries):
                raise Broken(f"EXPUNGE of {len(self.entries)}")
            del self.entries[response.number - 1]
        elif kind == "VANISHED":
            if self.mode != "qresync" or not expunges:
                raise Broken("VANISHED where none may be")
            for uid in numbers_of(response.words[1]):
                self.vanish(uid)
        elif kind == "FETCH":
            self.hear_fetch(response)
        elif kind == "FLAGS":
            self.named = {flag.lower() for flag in response.words[1]}
        elif kind == "OK":
            self.hear_code(response.words[1], selecting)
        elif kind == "SEARCH":
            pass
        elif kind == "NO" and response.words[1].startswith("[EXPUNGEISSUED]"):
            pass  # beside a tagged [MODIFIED]; see store()
        elif not (selecting and kind in ("RECENT", "LIST")):
            raise Broken(f"unexpected {kind}")

    def hear_code(self, text, selecting):
        if match := re.match(r"\[UIDVALIDITY (\d+)\]", text):
            if self.validity not in (None, match[1]):
                raise Broken("another UIDVALIDITY")
            self.validity = match[1]
        if match := re.match(r"\[HIGHESTMODSEQ (\d+)\]", text):
            if selecting:
                self.modseq = int(match[1])

    def vanish(self, uid):
        """A UID that was not told yet must be one of those in between."""
        low = high = 0
        for place, entry in enumerate(self.entries):
            if entry.uid is None:
                continue
            if entry.uid == uid:
                del self.entries[place]
                return
            if entry.uid < uid:
                low = place + 1
        high = next((place for place in range(low, len(self.entries))
                     if self.entries[place].uid is not None), len(self.entries))
        if low == high:
            raise Broken(f"VANISHED {uid}, which is not here")
        del self.entries[low]

    def flags_of(self, items):
        flags = frozenset(flag.lower() for flag in items["FLAGS"])
        if unknown := flags - self.named:
            raise Broken(f"FLAGS has not named {set(unknown)}")
        return flags

    def hear_fetch(self, response):
        if not 1 <= response.number <= len(self.entries):
            raise Broken(f"FETCH of {len(self.entries)}")
        entry = self.entries[response.number - 1]
        items = response.items()
        if "UID" in items:
            self.learn_uid(response.number - 1, int(items["UID"]))
        if "FLAGS" in items:
            entry.flags = self.flags_of(items)
            entry.told_at = self.commands
            if self.mode != "plain" and "MODSEQ" not in items:
                raise Broken("FLAGS without MODSEQ")
        if "MODSEQ" in items:
            modseq = int(items["MODSEQ"][0])
            if modseq < (entry.modseq or 0):
                raise Broken(f"MODSEQ went down from {entry.modseq}")
            entry.modseq = modseq
        for name, value in items.items():
            if name.startswith("BODY[") and entry.uid and value:
                self.history.saw(self.mailbox, entry.uid, subject_of(value))

    def learn_uid(self, place, uid):
        entry = self.entries[place]
        if entry.uid not in (None, uid):
            raise Broken(f"number {place + 1} is UID {uid}, and was {entry.uid}")
        entry.uid = uid
        before = next((e.uid for e in reversed(self.entries[:place]) if e.uid), 0)
        behind = next((e.uid for e in self.entries[place + 1:] if e.uid), uid + 1)
        if not before < uid < behind:
            raise Broken(f"UID {uid} stands between {before} and {behind}")

    # ---- commands

    def fetch_unknown(self):
        unknown = [n for n, entry in enumerate(self.entries, 1)
                   if entry.uid is None or entry.flags is None]
        if not unknown:
            return
        self.ask(f"FETCH {unknown[0]}:{unknown[-1]} (UID FLAGS)", expunges=False,
                 wanted=("OK", "NO"))

    def some(self):
        """Some messages: whether by UID, the set, the entries."""
        if not self.entries:
            return None
        first = self.source.randrange(len(self.entries))
        last = min(first + self.source.choice((0, 0, 1, 3, 10)), len(self.entries) - 1)
        chosen = self.entries[first:last + 1]
        if self.source.random() < 0.5:
            known = [entry for entry in chosen if entry.uid]
            if known:
                return True, ",".join(str(entry.uid) for entry in known), known
        return False, f"{first + 1}:{last + 1}", chosen

    def store(self):
        by_uid, chosen, entries = self.some()
        sign = self.source.choice(("", "+", "+", "-"))
        silent = self.source.random() < 0.5
        flags = self.source.sample(FLAGS, self.source.choice((1, 1, 2)))
        since = ""
        if self.mode != "plain" and self.source.random() < 0.4:
            since = f"(UNCHANGEDSINCE {max(0, self.modseq - self.source.choice((0, 20)))}) "
        # NO: some are gone; what became of the others is told or must be asked.
        reply = self.ask(f"{'UID ' * by_uid}STORE {chosen} {since}{sign}FLAGS"
                         f"{'.SILENT' * silent} ({' '.join(flags)})", by_uid, wanted=("OK", "NO"))
        named = numbers_of(reply.code("MODIFIED") or "")
        given = frozenset(map(str.lower, flags))
        for place, entry in enumerate(entries):
            name = entry.uid if by_uid else int(chosen.split(":")[0]) + place
            if name in named or entry.told_at == self.commands or entry not in self.entries:
                continue
            if reply.status == "NO":
                entry.flags = None
                continue
            if not silent:
                raise Broken(f"the flags of {name} were not told")
            # What a client believes after .SILENT; whatever others did, it must have been told.
            if sign == "":
                entry.flags = given
            elif entry.flags is not None:
                entry.flags = entry.flags | given if sign == "+" else entry.flags - given

    def fetch(self):
        by_uid, chosen, _ = self.some()
        # VANISHED is for who knows the UIDs.
        what = self.source.choice(("(UID FLAGS)" if self.mode == "qresync" else "FLAGS", "(UID BODY.PEEK[HEADER])",
                                   "(UID RFC822.SIZE INTERNALDATE)", "(UID BODY[])",
                                   "ALL" if self.mode == "plain" else "(UID ENVELOPE MODSEQ)"))
        more = ""
        if by_uid and self.mode == "qresync" and self.source.random() < 0.3:
            more = f" (CHANGEDSINCE {self.modseq})"
        # NO: some are gone, which must be told next time.
        self.ask(f"{'UID ' * by_uid}FETCH {chosen} {what}{more}", expunges=by_uid,
                 wanted=("OK", "NO"))

    def copy(self, verb):
        by_uid, chosen, entries = self.some()
        target = self.source.choice(MAILBOXES)
        known = {entry.uid for entry in entries}
        reply = self.ask(f"{'UID ' * by_uid}{verb} {chosen} {target}")
        texts = [reply.text] + [one.words[1] for one in reply.of("OK")]
        for match in re.findall(r"\[COPYUID \d+ (\S+) (\S+)\]", " ".join(texts)):
            old, new = map(numbers_of, match)
            if len(old) != len(new) or (by_uid and not set(old) <= known):
                raise Broken(f"COPYUID {match}")
            for source, made in zip(old, new):
                subject = self.history.of(self.mailbox, source)
                if subject:
                    self.history.saw(target, made, subject)

    def append(self):
        target = self.source.choice(MAILBOXES)
        message = self.history.letter()
        flags = self.source.choice(("", r"\Seen", "$K1"))
        command = f"APPEND {target} ({flags}) ".encode() + b"{%d+}\r\n" % len(message) + message
        reply = self.ask(command)
        uid = int(reply.code("APPENDUID").split()[1])
        self.history.saw(target, uid, subject_of(message))

    def idle(self):
        self.commands += 1
        self.log.append("IDLE")
        tag, before = self.connection.begin_idle()
        for response in before:
            self.hear(response)
        end = time.monotonic() + self.source.random() * 0.1
        while (left := end - time.monotonic()) > 0:
            if self.connection.waiting(left):
                self.hear(self.connection.read())
        self.log.append("DONE")
        self.connection.send(b"DONE\r\n")
        self.finish(tag)

    def pipeline(self):
        """Several commands in one write; none of them speaks of numbers."""
        uids = [entry.uid for entry in self.entries if entry.uid] or [1]
        uid = self.source.choice(uids)
        commands = self.source.sample(("NOOP", f"UID FETCH {uid}:* FLAGS", "UID SEARCH ALL",
                                       f"UID STORE {uid} +FLAGS ($K0)", "CHECK",
                                       f"UID EXPUNGE {uid}"), 3)
        self.commands += 1
        tags = [self.connection.tag() for _ in commands]
        self.log += commands
        self.connection.send("".join(f"{tag} {command}\r\n"
                                     for tag, command in zip(tags, commands)).encode())
        for tag in tags:
            self.finish(tag, wanted=("OK", "NO"))

    def search(self):
        before = len(self.entries)
        reply = self.ask("SEARCH ALL", expunges=False)
        found = [int(word) for one in reply.of("SEARCH") for word in one.words[1:]]
        if any(not 1 <= number <= before for number in found):
            raise Broken(f"SEARCH finds {found} of {before}")

    def act(self):
        kinds = {"store": 8, "fetch": 6, "copy": 2, "move": 2, "append": 2, "noop": 3, "idle": 2,
                 "expunge": 1, "uid expunge": 1, "pipeline": 1, "search": 1, "come again": 0.3,
                 "unknown": 3}
        (kind,) = self.source.choices(list(kinds), list(kinds.values()))
        if kind == "append":
            self.append()
        elif kind == "noop":
            self.ask("NOOP")
        elif kind == "idle":
            self.idle()
        elif kind == "expunge":
            self.ask("EXPUNGE")
        elif kind == "pipeline":
            self.pipeline()
        elif kind == "unknown":
            self.fetch_unknown()
        elif kind == "come again":
            self.fetch_unknown()
            self.close()
            self.open()
        elif not self.entries:
            pass
        elif kind == "store":
            self.store()
        elif kind == "fetch":
            self.fetch()
        elif kind == "search":
            self.search()
        elif kind == "uid expunge":
            uids = sorted(entry.uid for entry in self.entries if entry.uid)
            if uids:
                self.ask(f"UID EXPUNGE {self.source.choice(uids)}:{self.source.choice(uids)}")
        else:
            self.copy(kind.upper())

    # ---- at rest

    def compare(self, truth):
        """truth: number by number UID, flags and MODSEQ as a fresh session is shown them."""
        self.ask("NOOP")
        believed = [(entry.uid, entry.flags, entry.modseq) for entry in self.entries]
        if len(believed) != len(truth):
            raise Broken(f"{len(believed)} messages, in truth {len(truth)}")
        for number, (mine, true) in enumerate(zip(believed, truth), 1):
            for what, one, other in zip(("UID", "flags", "MODSEQ"), mine, true):
                if what == "MODSEQ" and self.mode == "plain":
                    continue
                if one is not None and one != other:
                    raise Broken(f"{what} of {number} (UID {true[0]}): {one}, in truth {other}")
        self.fetch_unknown()


def truth_of(server, history, mailbox):
    with Imap(server, "hana") as fresh:
        fresh.done(f"EXAMINE {mailbox} (CONDSTORE)")
        reply = fresh.done("FETCH 1:* (UID FLAGS MODSEQ BODY.PEEK[HEADER])")
        found = []
        for number, one in enumerate(reply.of("FETCH"), 1):
            items = one.items()
            assert one.number == number
            uid = int(items["UID"])
            history.saw(mailbox, uid, subject_of(items["BODY[HEADER]"]))
            found.append((uid, frozenset(map(str.lower, items["FLAGS"])), int(items["MODSEQ"][0])))
        fresh.logout()
    return found


class Run:
    def __init__(self, server, seed, seconds):
        self.server, self.seed, self.seconds = server, seed, seconds
        self.history = History()
        self.stop = threading.Event()
        self.failures = []
        self.commands = 0

    def guarded(self, work, client=None):
        try:
            while not self.stop.is_set():
                work()
        except BaseException as error:
            self.failures.append((client, error))
            self.stop.set()

    def deliver(self, sender, source):
        sender.deliver(self.history.letter(), address("hana"))
        self.stop.wait(source.random() * 0.05)

    def phase(self, clients, sender, source):
        self.stop.clear()
        threads = [threading.Thread(target=self.guarded, args=(client.act, client))
                   for client in clients]
        threads.append(threading.Thread(target=self.guarded,
                                        args=(lambda: self.deliver(sender, source),)))
        for thread in threads:
            thread.start()
        self.stop.wait(PHASE)
        self.stop.set()
        for thread in threads:
            thread.join()
        if self.failures:
            return
        truths = {mailbox: truth_of(self.server, self.history, mailbox) for mailbox in MAILBOXES}
        for client in clients:
            try:
                client.compare(truths[client.mailbox])
            except BaseException as error:
                self.failures.append((client, error))

    def go(self):
        source = random.Random(self.seed)
        clients = [Client(self.server, self.history, n, random.Random(f"{self.seed} {n}"))
                   for n in range(CLIENTS)]
        with Smtp(self.server) as sender:
            end = time.monotonic() + self.seconds
            while time.monotonic() < end and not self.failures:
                self.phase(clients, sender, source)
        for client in clients:
            client.close()
        self.commands = sum(client.commands for client in clients)
        for client, error in self.failures:
            print(f"seed {self.seed}: {type(error).__name__}: {error}", file=sys.stderr)
            if client:
                print(f"client {client.number}, {client.mode}, in {client.mailbox}; its end:",
                      *client.log[-25:], sep="\n  ", file=sys.stderr)
        return not self.failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=4, help="for each seed")
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    seeds = (*SEEDS, random.SystemRandom().randrange(10**6))
    if arguments.seed is not None:
        seeds = (arguments.seed,)
    listeners = (Listener("smtp"), Listener("imap", plain_text_login=True))
    for seed in seeds:
        with Server(listeners, accounts=("hana",), log_level="warn") as server:
            with Imap(server, "hana") as client:
                client.done(f"CREATE {MAILBOXES[1]}")
            run = Run(server, seed, arguments.seconds)
            if not run.go():
                sys.exit(1)
            print(f"seed {seed}: {run.commands} commands of {CLIENTS} clients, "
                  f"{len(truth_of(server, run.history, 'INBOX'))} messages remain; all agree")


if __name__ == "__main__":
    main()
