#!/usr/bin/python3
"""A small DNS server for tests: it answers from a table, over UDP and TCP, on 127.0.0.x.

    with DnsServer({"names": {"example.jp": {"MX": ["10 mx.example.jp"]}}}) as dns:
        ...  dns = "{dns.endpoint}" in a configuration

    dns_server.py zone.json [--address 127.0.0.1] [--port 5353]    prints its endpoint when it serves

The table:
    names    name → type → list of records, in the form of a zone file without the owner's part;
             or, instead of the list, how to misbehave: "SERVFAIL", "REFUSED", "timeout".  The type
             "*" misbehaves for all.  A name exists when it or a name below it stands here.
    ttl      of everything, in seconds (60)
    signed   zones that DNSSEC signs (a key is made at start; trust_anchors() tells it)
    spoiled  names whose signatures are broken
    truncated  names whose UDP answers are cut, so that TCP is needed

It answers as a forwarder would: aliases are followed within the table, and recursion is offered.
"""

import argparse
import base64
import ipaddress
import json
import pathlib
import socketserver
import struct
import subprocess
import tempfile
import threading

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28,
         "OPT": 41, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "TLSA": 52}
NAMES = {number: name for name, number in TYPES.items()}
RCODES = {"NOERROR": 0, "SERVFAIL": 2, "NXDOMAIN": 3, "REFUSED": 5}
ED25519 = 15
# From 2020 to 2037, so that no test depends on the day.
INCEPTION, EXPIRATION = 1577836800, 2114380800


def normal(name):
    return name.lower().rstrip(".")


def labels(name):
    return name.split(".") if name else []


def wire_name(name):
    parts = (label.encode() for label in labels(normal(name)))
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def canonical(name):
    """The key by which DNSSEC orders names (RFC 4034 §6.1)."""
    return [label.encode() for label in reversed(labels(name))]


def is_at_or_below(name, zone):
    return not zone or name == zone or name.endswith("." + zone)


def wire_data(kind, text):
    """RDATA from the text of one record."""
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(text).packed
    if kind in ("CNAME", "PTR", "NS"):
        return wire_name(text)
    words = text.split()
    if kind == "MX":
        return struct.pack("!H", int(words[0])) + wire_name(words[1])
    if kind == "TLSA":
        return bytes(int(word) for word in words[:3]) + bytes.fromhex("".join(words[3:]))
    if kind == "SOA":
        return b"".join(map(wire_name, words[:2])) + struct.pack("!5I", *map(int, words[2:]))
    assert kind == "TXT", kind
    data = text.encode()
    pieces = [data[at:at + 255] for at in range(0, len(data), 255)] or [b""]
    return b"".join(bytes([len(piece)]) + piece for piece in pieces)


def record(name, kind, ttl, data):
    return wire_name(name) + struct.pack("!HHIH", TYPES[kind], 1, ttl, len(data)) + data


def read_name(packet, at):
    parts = []
    while packet[at]:
        if packet[at] >= 64:
            raise ValueError("compressed question")
        parts.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
        at += 1 + packet[at]
    return ".".join(parts), at + 1


class Key:
    """An Ed25519 key that signs one zone, with the openssl program for the mathematics."""

    def __init__(self, zone):
        self.zone = zone
        self._folder = tempfile.TemporaryDirectory(prefix="todoke-dns-")
        self._file = pathlib.Path(self._folder.name) / "key.pem"
        self._run("genpkey", "-algorithm", "ed25519", "-out", self._file)
        public = self._run("pkey", "-in", self._file, "-pubout", "-outform", "DER")[-32:]
        self.data = struct.pack("!HBB", 257, 3, ED25519) + public
        self.anchor = f"{zone}. IN DNSKEY 257 3 {ED25519} {base64.b64encode(public).decode()}"
        total = sum(byte << 8 if at % 2 == 0 else byte for at, byte in enumerate(self.data))
        self.tag = (total + (total >> 16)) & 0xffff
        self._made = {}

    @staticmethod
    def _run(*words):
        return subprocess.run(["openssl", *map(str, words)], check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout

    def signature(self, name, kind, ttl, datas):
        """The RDATA of the RRSIG over these records (RFC 4034 §3.1)."""
        head = struct.pack("!HBBIIIH", TYPES[kind], ED25519, len(labels(name)), ttl, EXPIRATION,
                           INCEPTION, self.tag) + wire_name(self.zone)
        signed = head + b"".join(record(name, kind, ttl, data) for data in sorted(datas))
        if signed not in self._made:
            message = pathlib.Path(self._folder.name) / "message"
            message.write_bytes(signed)
            self._made[signed] = self._run("pkeyutl", "-sign", "-inkey", self._file, "-rawin",
                                           "-in", message)
        return head + self._made[signed]


class Table:
    """What the server knows; set() changes it while it serves."""

    def __init__(self, table):
        self.ttl = table.get("ttl", 60)
        self.names = {normal(name): dict(kinds) for name, kinds in table.get("names", {}).items()}
        self.spoiled = set(map(normal, table.get("spoiled", ())))
        self.truncated = set(map(normal, table.get("truncated", ())))
        self.keys = {normal(zone): Key(normal(zone)) for zone in table.get("signed", ())}
        for zone, key in self.keys.items():
            self.names.setdefault(zone, {}).setdefault("DNSKEY", [key.data])
        for zone in self.keys:
            self.names[zone].setdefault("SOA", [self._soa(zone)])

    def _soa(self, zone):
        return f"ns.{zone} hostmaster.{zone} 1 3600 600 86400 {self.ttl}"

    def misbehaviour(self, name, kind):
        kinds = self.names.get(name, {})
        answer = kinds.get(kind, kinds.get("*"))
        return answer if isinstance(answer, str) else None

    def exists(self, name):
        return any(is_at_or_below(other, name) for other in self.names)

    def records(self, name, kind):
        found = self.names.get(name, {}).get(kind, [])
        return [one if isinstance(one, bytes) else wire_data(kind, one) for one in found]

    def key_of(self, name):
        zones = [zone for zone in self.keys if is_at_or_below(name, zone)]
        return self.keys[max(zones, key=len)] if zones else None

    def zone_of(self, name):
        key = self.key_of(name)
        return key.zone if key else ".".join(labels(name)[-2:])

    def rrset(self, name, kind, datas, secure):
        """The records, with their signature if that is asked for and can be."""
        made = [record(name, kind, self.ttl, data) for data in datas]
        key = self.key_of(name)
        if datas and secure and key:
            signature = key.signature(name, kind, self.ttl, datas)
            if name in self.spoiled:
                signature = signature[:-1] + bytes([signature[-1] ^ 1])
            made.append(record(name, "RRSIG", self.ttl, signature))
        return made

    def _nsec(self, name, secure):
        """The NSEC record that stands at `name`, or covers it (RFC 4034 §4)."""
        zone = self.key_of(name).zone
        names = sorted((one for one in self.names
                        if self.key_of(one) is self.keys[zone] and self._has_records(one)),
                       key=canonical)
        owner = max((one for one in names if canonical(one) <= canonical(name)), key=canonical)
        following = names[(names.index(owner) + 1) % len(names)]
        kinds = {TYPES[kind] for kind in self.names[owner] if kind in TYPES} | {46, 47}
        bits = bytearray(max(kinds) // 8 + 1)
        for kind in kinds:
            bits[kind // 8] |= 0x80 >> kind % 8
        data = wire_name(following) + bytes([0, len(bits)]) + bytes(bits)
        return self.rrset(owner, "NSEC", [data], secure)

    def _has_records(self, name):
        # Those that misbehave are there, too: a denial of a neighbour must not deny them.
        return any(self.names[name].values())

    def denial(self, name, secure):
        """The authority section that says: no such records, or no such name."""
        zone = self.zone_of(name)
        section = self.rrset(zone, "SOA", [wire_data("SOA", self._soa(zone))], secure)
        if not (secure and self.key_of(name)):
            return section
        section += self._nsec(name, secure)
        if not self.exists(name):
            closest = name
            while not self.exists(closest):
                closest = ".".join(labels(closest)[1:])
            wildcard = self._nsec("*." + closest, secure)
            section += [one for one in wildcard if one not in section]
        return section

    def answer(self, name, kind, secure):
        """rcode, answer section, authority section; or None for silence."""
        answers = []
        for _ in range(9):
            bad = self.misbehaviour(name, kind)
            if bad == "timeout":
                return None
            if bad:
                return RCODES[bad], [], []
            found = self.records(name, kind)
            alias = self.records(name, "CNAME") if kind != "CNAME" else []
            if found or not alias:
                break
            answers += self.rrset(name, "CNAME", alias, secure)
            name = normal(self.names[name]["CNAME"][0])
        answers += self.rrset(name, kind, found, secure)
        if found:
            return RCODES["NOERROR"], answers, []
        rcode = RCODES["NOERROR" if self.exists(name) else "NXDOMAIN"]
        return rcode, answers, self.denial(name, secure)


class DnsServer:
    """Serves a table from start() to stop(), or within `with`."""

    def __init__(self, table, address="127.0.0.1", port=0):
        self.table = Table(table)
        self.queries = []  # (name, type) in the order they came, each packet once
        self.over_tcp = 0
        self._lock = threading.Lock()
        self._tcp, self._udp = self._bind(address, port)
        self.address, self.port = self._udp.server_address
        self.endpoint = f"{self.address}@{self.port}"
        self._threads = []

    def _bind(self, address, port):
        """Both servers, on one port."""
        owner = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                packet, connection = self.request
                reply = owner._reply(packet, over_tcp=False)
                if reply:
                    connection.sendto(reply, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            timeout = 30

            def handle(self):
                while len(size := self.rfile.read(2)) == 2:
                    reply = owner._reply(self.rfile.read(*struct.unpack("!H", size)), over_tcp=True)
                    if not reply:
                        break
                    self.wfile.write(struct.pack("!H", len(reply)) + reply)

        for attempt in range(20):
            tcp = socketserver.ThreadingTCPServer((address, port), Tcp, bind_and_activate=False)
            tcp.daemon_threads = tcp.allow_reuse_address = True
            tcp.server_bind()
            try:
                udp = socketserver.ThreadingUDPServer(tcp.server_address, Udp)
            except OSError:
                tcp.server_close()
                if port or attempt == 19:
                    raise
                continue
            udp.daemon_threads = True
            tcp.server_activate()
            return tcp, udp
        raise AssertionError("unreachable")

    def start(self):
        for server in (self._tcp, self._udp):
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def stop(self):
        for server in (self._tcp, self._udp):
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def set(self, name, kind, value):
        """Changes one entry of the table's names; None takes it away."""
        with self._lock:
            kinds = self.table.names.setdefault(normal(name), {})
            if value is None:
                kinds.pop(kind, None)
                if not kinds:
                    del self.table.names[normal(name)]
            else:
                kinds[kind] = value

    def asked(self, name, kind):
        """How often this was asked for."""
        with self._lock:
            return self.queries.count((normal(name), kind))

    def trust_anchors(self):
        """The keys of the signed zones, one DNSKEY record a line."""
        return "".join(key.anchor + "\n" for key in self.table.keys.values())

    def _reply(self, packet, over_tcp):
        try:
            ident, flags, questions, _, _, additional = struct.unpack("!6H", packet[:12])
            name, at = read_name(packet, 12)
            kind, _ = struct.unpack("!HH", packet[at:at + 4])
        except (struct.error, IndexError, ValueError):
            return None
        if flags & 0x8000 or questions != 1:
            return None
        question = packet[12:at + 4]
        limit, secure, option = 512, False, b""
        if additional and packet[at + 4:at + 7] == b"\0\0\x29":
            size, _, option_flags = struct.unpack("!HHH", packet[at + 7:at + 13])
            limit, secure = max(512, min(size, 4096)), bool(option_flags & 0x8000)
            option = b"\0" + struct.pack("!HHHHH", 41, 4096, 0, option_flags & 0x8000, 0)
        with self._lock:
            self.queries.append((name, NAMES.get(kind, str(kind))))
            self.over_tcp += over_tcp
            answer = self.table.answer(name, NAMES.get(kind, str(kind)), secure)
            truncated = name in self.table.truncated and not over_tcp
        if answer is None:
            return None
        rcode, answers, authority = answer
        for cut in (truncated, True):
            if cut:
                answers, authority = [], []
            head = struct.pack("!6H", ident, 0x8080 | (flags & 0x0110) | (0x0200 if cut else 0) | rcode,
                               1, len(answers), len(authority), 1 if option else 0)
            reply = head + question + b"".join(answers) + b"".join(authority) + option
            if over_tcp or len(reply) <= limit:
                break
        return reply


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=pathlib.Path, help="JSON file")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--trust-anchors", type=pathlib.Path, help="write the zones' keys there")
    options = parser.parse_args()
    server = DnsServer(json.loads(options.table.read_text()), options.address, options.port)
    if options.trust_anchors:
        options.trust_anchors.write_text(server.trust_anchors())
    with server:
        print(server.endpoint, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
