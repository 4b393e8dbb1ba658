#!/usr/bin/python3
"""libunbound as we use it, against a DNS server of our own: answers, trouble, DNSSEC, limits."""

import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from dns_server import DnsServer

TOOL = os.environ["DNS_TOOL"]

TABLE = {
    "ttl": 77,
    "names": {
        "example.jp": {"MX": ["10 mx.example.jp", "20 mx2.example.jp"], "TXT": ["v=spf1 -all"]},
        "mx.example.jp": {"A": ["127.0.0.2", "127.0.0.3"], "AAAA": ["2001:db8::1"]},
        "mx2.example.jp": {"A": ["127.0.0.4"]},
        "www.example.jp": {"CNAME": ["Example.jp"]},
        "null.example.jp": {"MX": ["0 ."]},
        "big.example.jp": {"TXT": [str(number) * 200 for number in range(9)]},
        "cut.example.jp": {"TXT": ["over TCP"]},
        "half.example.jp": {"A": ["127.0.0.5"], "AAAA": "SERVFAIL"},
        "broken.example.jp": {"*": "SERVFAIL"},
        "refused.example.jp": {"*": "REFUSED"},
        "silent.example.jp": {"*": "timeout"},
        "name.test": {"A": ["127.0.0.6"]},
        "1.0.0.10.in-addr.arpa": {"PTR": ["host.example.jp"]},
        "signed.jp": {"MX": ["10 mx.signed.jp", "20 lost.signed.jp", "30 mx.example.jp"]},
        "mx.signed.jp": {"A": ["127.0.0.7"], "AAAA": ["2001:db8::7"]},
        "_25._tcp.mx.signed.jp": {"TLSA": ["3 1 1 " + "ab" * 32]},
        "plain.signed.jp": {"A": ["127.0.0.8"]},
        "alias.signed.jp": {"CNAME": ["mx.example.jp"]},
        "_25._tcp.alias.signed.jp": {"TLSA": ["2 0 1 " + "cd" * 32]},
        "lost.signed.jp": {"A": ["127.0.0.9"], "AAAA": ["2001:db8::9"]},
        "forged.signed.jp": {"A": ["127.0.0.66"]},
        "deaf.signed.jp": {"A": ["127.0.0.10"]},
        "_25._tcp.deaf.signed.jp": {"TLSA": "SERVFAIL"},
    },
    "truncated": ["cut.example.jp"],
    "signed": ["signed.jp"],
    "spoiled": ["forged.signed.jp"],
}


class DnsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dns = DnsServer(TABLE).start()
        cls.folder = tempfile.TemporaryDirectory()
        cls.anchors = pathlib.Path(cls.folder.name) / "anchors"
        cls.anchors.write_text(cls.dns.trust_anchors())

    @classmethod
    def tearDownClass(cls):
        cls.dns.stop()
        cls.folder.cleanup()

    def ask(self, *questions, anchors=None, timeout=10_000, most=1000, stop=0):
        """The answers, in the order of the questions ("NAME TYPE")."""
        words = [word for question in questions for word in question.split()]
        anchors = self.anchors if anchors is None else anchors
        done = subprocess.run([TOOL, self.dns.endpoint, str(anchors), str(timeout), str(most),
                               str(stop), *words], stdout=subprocess.PIPE, timeout=60, check=True)
        return [json.loads(line) for line in done.stdout.decode().splitlines()]

    def test_answers(self):
        mx, six, text, nothing, nobody = self.ask(
            "EXAMPLE.jp. MX", "mx.example.jp AAAA", "example.jp TXT", "mx.example.jp MX",
            "nobody.example.jp A")
        self.assertEqual((mx["status"], mx["name"], mx["secure"]), ("found", "example.jp", False))
        self.assertLessEqual(mx["ttl"], 77)
        self.assertGreater(mx["ttl"], 60)
        self.assertIn("000a026d78076578616d706c65026a7000", mx["records"])
        self.assertEqual(six["records"], ["20010db8000000000000000000000001"])
        self.assertEqual(bytes.fromhex(text["records"][0]), b"\x0bv=spf1 -all")
        self.assertEqual((nothing["status"], nothing["records"]), ("no_data", []))
        self.assertEqual(nobody["status"], "no_name")

    def test_aliases(self):
        mx, nothing = self.ask("www.example.jp MX", "www.example.jp A")
        self.assertEqual((mx["status"], mx["name"], len(mx["records"])), ("found", "example.jp", 2))
        self.assertEqual((nothing["status"], nothing["name"]), ("no_data", "example.jp"))

    def test_mail_hosts(self):
        hosts, null, nobody, broken = self.ask(
            "www.example.jp hosts", "null.example.jp hosts", "nobody.jp hosts",
            "broken.example.jp hosts")
        self.assertEqual(hosts["hosts"], ["10 mx.example.jp", "20 mx2.example.jp"])
        self.assertEqual([null["error"], nobody["error"], broken["error"]],
                         ["denied", "not_found", "unavailable"])

    def test_addresses(self):
        both, half = self.ask("mx.example.jp addresses", "half.example.jp addresses")
        self.assertEqual(both["addresses"][0], "2001:db8::1")
        self.assertEqual(sorted(both["addresses"][1:]), ["127.0.0.2", "127.0.0.3"])
        self.assertEqual(half["addresses"], ["127.0.0.5"])

    def test_trouble_is_no_absence(self):
        for answer in self.ask("broken.example.jp A", "refused.example.jp MX"):
            self.assertEqual(answer["error"], "unavailable")
            self.assertIn("SERVFAIL", answer["text"])

    def test_a_silent_server(self):
        begin = time.monotonic()
        late, = self.ask("silent.example.jp A", timeout=700)
        self.assertEqual(late["error"], "unavailable")
        self.assertIn("700 ms", late["text"])
        self.assertLess(time.monotonic() - begin, 5)

    def test_answers_over_tcp(self):
        before = self.dns.over_tcp
        cut, big = self.ask("cut.example.jp TXT", "big.example.jp TXT")
        self.assertEqual(bytes.fromhex(cut["records"][0]), b"\x08over TCP")
        self.assertEqual(len(big["records"]), 9)
        self.assertGreaterEqual(self.dns.over_tcp, before + 2)

    def test_answers_are_remembered(self):
        self.dns.set("cached.example.jp", "A", ["127.0.0.11"])
        answer, = self.ask("cached.example.jp twice")
        self.assertEqual(answer["found"], [True, True])
        self.assertEqual(self.dns.asked("cached.example.jp", "A"), 1)

    def test_one_query_for_all_who_ask_at_once(self):
        self.dns.set("wanted.example.jp", "A", ["127.0.0.11"])
        answers = self.ask(*["wanted.example.jp A"] * 50)
        self.assertEqual({answer["status"] for answer in answers}, {"found"})
        self.assertEqual(self.dns.asked("wanted.example.jp", "A"), 1)

    def test_zones_of_the_house(self):
        test, pointer = self.ask("name.test A", "1.0.0.10.in-addr.arpa PTR")
        self.assertEqual((test["status"], pointer["status"]), ("found", "found"))

    def test_secure_answers(self):
        mx, alias, nothing, nobody = self.ask(
            "signed.jp MX", "alias.signed.jp A", "plain.signed.jp AAAA", "nobody.signed.jp A")
        self.assertEqual((mx["status"], mx["secure"]), ("found", True))
        self.assertEqual((alias["name"], alias["secure"]), ("mx.example.jp", False))
        self.assertEqual((nothing["status"], nothing["secure"]), ("no_data", True))
        self.assertEqual((nobody["status"], nobody["secure"]), ("no_name", True))

    def test_without_trust_anchors_nothing_is_secure(self):
        mx, forged = self.ask("signed.jp MX", "forged.signed.jp A", anchors="")
        self.assertEqual((mx["status"], mx["secure"]), ("found", False))
        self.assertEqual(forged["status"], "found")

    def test_a_missing_file_of_trust_anchors(self):
        mx, = self.ask("signed.jp MX", anchors="/nonexistent/root.key")
        self.assertEqual((mx["status"], mx["secure"]), ("found", False))

    def test_forged_answers_are_trouble(self):
        forged, hosts = self.ask("forged.signed.jp A", "forged.signed.jp hosts")
        self.assertEqual(forged["error"], "unavailable")
        self.assertIn("DNSSEC", forged["text"])
        self.assertEqual(hosts["error"], "unavailable")

    def test_dane(self):
        mx, plain, alias, deaf, insecure = self.ask(
            "mx.signed.jp tlsa", "plain.signed.jp tlsa", "alias.signed.jp tlsa",
            "deaf.signed.jp tlsa", "mx.example.jp tlsa")
        self.assertEqual(mx["tlsa"], ["3 1 1 " + "ab" * 32 + " at mx.signed.jp"])
        self.assertEqual(plain["tlsa"], [])
        # The address lies in an insecure zone, the alias itself does not.
        self.assertEqual(alias["tlsa"], ["2 0 1 " + "cd" * 32 + " at alias.signed.jp"])
        self.assertEqual(deaf["error"], "unavailable")
        self.assertEqual(insecure["tlsa"], [])

    def test_too_many_queries(self):
        answers = self.ask(*[f"n{number}.silent.example.jp A" for number in range(30)], most=20,
                           timeout=3000)
        refused = [one for one in answers if "under way" in one.get("text", "")]
        self.assertEqual(len(refused), 10)

    def test_many_queries(self):
        for number in range(400):
            self.dns.set(f"many{number}.example.jp", "A", ["127.0.0.12"])
        answers = self.ask(*[f"many{number}.example.jp A" for number in range(400)])
        self.assertEqual({answer.get("status") for answer in answers}, {"found"})

    def test_stopping_ends_what_is_under_way(self):
        begin = time.monotonic()
        answers = self.ask("silent.example.jp A", "silent.example.jp MX", "mx2.example.jp A",
                           stop=500, timeout=30_000)
        self.assertLess(time.monotonic() - begin, 10)
        self.assertEqual([answer.get("error") for answer in answers],
                         ["unavailable", "unavailable", None])
        self.assertIn("shutting down", answers[0]["text"])


if __name__ == "__main__":
    unittest.main()
