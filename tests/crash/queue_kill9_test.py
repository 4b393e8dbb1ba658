#!/usr/bin/python3
"""kill -9 while a message goes out to ten thousand.

Every round: start the server, let it send, kill it.  The receiver writes down whom it took the
message for before it says so.  In the end everybody must have been delivered to or be in doubt;
whoever is delivered to was seen there, nobody was seen twice, and in doubt are only those who were
in flight at a kill, seen or not.  These are sent to once more when somebody says so.

    queue_kill9_test.py [--rounds N] [--recipients N] [--domains N] [--seed N]
"""

import argparse
import asyncio
import collections
import random
import sqlite3
import sys
import threading
import time

import books
from outbound import STATES, Sending, free_port, message
from todoke_server import Listener

# What one connection begins before it writes down how it went.
MOST_BEGUN = 64
WAITING, SENDING, DELIVERED, IN_DOUBT = (STATES.index(name) for name in
                                         ("waiting", "sending", "delivered", "in doubt"))


class Receiver:
    """Takes everything, after a moment; for all domains at once."""

    ANSWERS = {b"EHLO": b"250-mx\r\n250-PIPELINING\r\n250 8BITMIME\r\n", b"DATA": b"354 go on\r\n",
               b"QUIT": b"221 bye\r\n"}

    def __init__(self, address, port, seed):
        self.seen = collections.Counter()
        self.connections = 0
        self._random = random.Random(seed)
        self._where = address, port
        self._loop = asyncio.new_event_loop()
        self._listens = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, *self._where, backlog=1000))
        self._listens.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader, writer):
        self.connections += 1
        try:
            await self._talk(reader, writer)
        except OSError:
            pass
        finally:
            self.connections -= 1
            writer.close()

    async def _talk(self, reader, writer):
        writer.write(b"220 mx ESMTP\r\n")
        recipients = []
        while line := await reader.readline():
            word = line[:4].upper().strip()
            if word == b"RCPT":
                recipients.append(line[line.index(b"<") + 1:line.index(b">")].decode())
            writer.write(self.ANSWERS.get(word, b"250 2.0.0 OK\r\n"))
            if word != b"DATA":
                continue
            while (line := await reader.readline()) != b".\r\n":
                if not line:
                    return
            await asyncio.sleep(self._random.random() * 0.02)
            self.seen.update(recipients)
            await asyncio.sleep(self._random.random() * 0.02)
            recipients = []
            writer.write(b"250 2.0.0 taken\r\n")
            await writer.drain()

    def __enter__(self):
        self._thread.start()
        self._listens.wait()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


def address_all(sending, recipients, domains):
    """Hands in a message and adds so many recipients to it; the server does not run afterwards."""
    first = "user0@domain0.example"
    sending.dns.set("domain0.example", "MX", "SERVFAIL")
    queued = sending.submit(first, message(body=b"To everybody.\r\n" * 50))
    sending.server.stop()
    with sqlite3.connect(sending.server.database) as database:
        database.executemany(
            "insert into queue_recipient select message_id, ?, ?, ?, organisation_id, lane, 0, 0, "
            "0, notify, orcpt, 0 from queue_recipient where message_id = ? and number = 1",
            ((number + 1, f"user{number}@domain{number % domains}.example",
              f"domain{number % domains}.example", queued) for number in range(1, recipients)))
        database.execute("update queue_message set remaining = ? where id = ?",
                         (recipients, queued))
    database.close()
    for number in range(domains):
        sending.domain(f"domain{number}.example", "127.0.5.1")
    return queued


def in_state(sending, queued, *states):
    """How many recipients."""
    ((count,),) = sending.rows("select count(*) from queue_recipient where message_id = ? and "
                               f"state in ({', '.join(map(str, states))})", queued)
    return count


def compare(sending, receiver, queued, in_flight):
    """The books with what the receiver saw."""
    twice = [who for who, times in receiver.seen.items() if times > 1]
    assert not twice, f"seen twice: {twice[:5]}, {len(twice)} in all"
    rows = sending.rows("select address, state from queue_recipient where message_id = ?", queued)
    states = collections.Counter(state for _, state in rows)
    assert set(states) <= {DELIVERED, IN_DOUBT}, states
    assert states[IN_DOUBT] == in_flight, f"{states[IN_DOUBT]} in doubt, {in_flight} in flight"
    unseen = {who for who, state in rows if state == DELIVERED} - set(receiver.seen)
    assert not unseen, f"delivered, and never seen: {sorted(unseen)[:5]}"
    strangers = set(receiver.seen) - {who for who, _ in rows}
    assert not strangers, f"seen, and not in the books: {sorted(strangers)[:5]}"
    # Each recipient has one end, and as many beginnings as ends from MAIL on: whoever found no
    # connection never began.
    wrong = sending.rows(
        "select number, group_concat(kind) from queue_event where message_id = ? group by number "
        "having sum(kind in (2, 5)) <> 1 or sum(kind = 1) <> sum(kind <> 1 and stage >= 5)", queued)
    assert not wrong, f"events that make no sense: {wrong[:5]}"
    return sum(1 for who, state in rows if state == IN_DOUBT and who in receiver.seen)


def drain(sending, queued, recipients):
    """Waits until nobody waits any more."""
    last = time.monotonic() + 150 + recipients / 100
    while left := in_state(sending, queued, WAITING, SENDING):
        if time.monotonic() > last:
            reasons = sending.rows("select stage, breakdown, text, count(*) from queue_event "
                                   "where kind = 3 group by 1, 2, 3 limit 5")
            raise AssertionError(f"{left} still wait; deferred: {reasons}")
        time.sleep(0.1)


def retry_all(sending, receiver, queued):
    """Whoever is in doubt is sent to again when somebody says so, and nobody else is."""
    doubtful = {who for who, state in sending.states(queued).items() if state == "in doubt"}
    before = receiver.seen.copy()
    sending.server.command("queue", "retry", "--all")
    drain(sending, queued, len(doubtful))
    assert in_state(sending, queued, DELIVERED) == len(sending.states(queued))
    again = receiver.seen - before
    assert set(again) == doubtful and set(again.values()) == {1}, len(again)


def run(rounds, recipients, domains, seed):
    source = random.Random(seed)
    begin = time.monotonic()
    listeners = (Listener("submission", plain_text_login=True),)
    port = free_port()
    in_flight, most = 0, 0
    with Sending(listeners=listeners, accounts=("hana",), port=port, log_level="warn") as sending, \
            Receiver("127.0.5.1", port, source.random()) as receiver:
        queued = address_all(sending, recipients, domains)
        try:
            for _ in range(rounds):
                sending.server.start()
                before = len(receiver.seen)
                # From the first connections on to the middle of it all.
                end = time.monotonic() + 2
                while len(receiver.seen) == before and time.monotonic() < end:
                    time.sleep(0.002)
                time.sleep(source.random() ** 2 * 0.8)
                connections = receiver.connections
                sending.server.kill()
                cut = in_state(sending, queued, SENDING)
                assert cut <= connections * MOST_BEGUN, f"{cut} in flight on {connections}"
                in_flight, most = in_flight + cut, max(most, cut)
                time.sleep(0.1)  # the receiver reads what was still on its way
            sending.server.start()
            drain(sending, queued, recipients)
            took = time.monotonic() - begin
            sending.server.stop()
            arrived = compare(sending, receiver, queued, in_flight)
            wrong = books.check(sending.server.database)
            assert not wrong, "\n".join(wrong)
        except BaseException:
            print(f"seed {seed}", file=sys.stderr)
            print(sending.server.log_text()[-2000:], file=sys.stderr)
            raise
        # A machine on which every kill came too early or too late has proved nothing.
        assert in_flight > 0
        sending.server.start()
        retry_all(sending, receiver, queued)
        sending.server.stop()
        assert not books.check(sending.server.database)
        sending.server.start()
    print(f"{rounds} kills in {took:.0f} s (seed {seed}): {recipients} recipients, {in_flight} in "
          f"doubt, at most {most} by one kill; {arrived} of these had arrived")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--recipients", type=int, default=10_000)
    parser.add_argument("--domains", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    run(arguments.rounds, arguments.recipients, arguments.domains, arguments.seed)
