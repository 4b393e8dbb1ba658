#!/usr/bin/python3
"""What the command line tells a shell: exit codes and JSON."""

import json
import smtplib
import sqlite3
import subprocess
import unittest

from todoke_server import BINARY, DOMAIN, PASSWORD, Server, address


class Commands(unittest.TestCase):
    def run_command(self, server, *words):
        return subprocess.run([BINARY, *words, "--json", "--config", str(server.config)],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_check_fails_for_errors_and_not_for_warnings(self):
        with Server() as server:
            done = self.run_command(server, "check")
            findings = json.loads(done.stdout)["findings"]
            self.assertEqual({one["weight"] for one in findings}, {"warning"}, findings)
            self.assertTrue(any(one["area"] == "certificate" for one in findings), findings)
            self.assertEqual(done.returncode, 0)
            server.stop()
            database = sqlite3.connect(server.database)
            with database:
                database.execute("update mail_account set used_bytes = used_bytes + 1")
            database.close()
            done = self.run_command(server, "check")
            self.assertIn("error", {one["weight"] for one in json.loads(done.stdout)["findings"]})
            self.assertEqual(done.returncode, 1)

    def answer(self, server, *words, stdin=None):
        done = subprocess.run([BINARY, *words, "--json", "--config", str(server.config)], text=True,
                              input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def submit(self, server, *recipients):
        with smtplib.SMTP(*server.at("submission")) as smtp:
            smtp.login("hana", PASSWORD)
            smtp.sendmail(address("hana"), recipients, "Subject: hello\r\n\r\nbody\r\n")

    def test_the_life_of_waiting_mail(self):
        with Server() as server:
            self.submit(server, "one@docomo.ne.jp", "two@other.example")
            (waiting,) = self.answer(server, "queue", "list")
            self.assertEqual(waiting["from"], f"<{address('hana')}>")
            self.assertEqual(waiting["recipients"], {"waiting": 2})
            message = waiting["id"]
            self.assertEqual(self.answer(server, "queue", "list", "--after", message), [])
            self.assertEqual(len(self.answer(server, "queue", "list", "--domain",
                                             "other.example")), 1)
            summary = self.answer(server, "queue", "summary")
            self.assertEqual({one["domain"] for one in summary["domains"]},
                             {"docomo.ne.jp", "other.example"})
            shown = self.answer(server, "queue", "show", message.upper())
            self.assertEqual(shown["submitted_by"], address("hana"))
            self.assertEqual([one["address"] for one in shown["recipients"]],
                             ["one@docomo.ne.jp", "two@other.example"])
            why = self.answer(server, "queue", "why", message, "2")["done"]
            self.assertEqual(why, "Waiting: sending is switched off in the configuration.")

            # A refusal says what is missing and ends with 1.
            for words in (("queue", "cancel"), ("queue", "hold", "--reason", "x"),
                          ("queue", "show", "nothing")):
                done = self.run_command(server, *words)
                self.assertEqual(done.returncode, 1, words)
                self.assertEqual(json.loads(done.stderr)["error"]["code"], "invalid")

            held = self.answer(server, "queue", "hold", "--org", "Tests", "--reason", "testing")
            self.assertEqual(held["recipients"], 2)
            why = self.answer(server, "queue", "why", message, "1")["done"]
            self.assertIn("testing", why)
            (hold,) = self.answer(server, "queue", "holds")
            self.assertEqual((hold["organisation"], hold["waiting"]), ("Tests", 2))
            self.answer(server, "queue", "release", "--org", "Tests")

            cancelled = self.answer(server, "queue", "cancel", message, "--recipient", "2")
            self.assertEqual(cancelled["recipients"], 1)
            shown = self.answer(server, "queue", "show", message, "--recipient", "2")
            self.assertEqual(shown["recipients"][0]["state"], "cancelled")
            actions = [one["action"] for one in self.answer(server, "audit", "--limit", "3")]
            self.assertEqual(actions, ["queue.cancel", "queue.release", "queue.hold"])
            page = server.command("queue", "show", message)
            self.assertIn("cancelled: ", page)

    def test_smarthost_passwords_are_told_to_nobody(self):
        with Server() as server:
            self.answer(server, "smarthost", "set", "relay.example:2525", "--login", "us",
                        "--password-stdin", stdin="hush hush\n")
            (host,) = self.answer(server, "smarthost", "list")
            self.assertEqual(host, {"organisation": None, "host": "relay.example", "port": 2525,
                                    "tls": "starttls", "login": "us"})
            database = sqlite3.connect(server.database)
            self.assertEqual(database.execute("select password from queue_smarthost").fetchall(),
                             [("hush hush",)])
            database.close()
            self.assertNotIn("hush", server.command("audit") + server.log_text())
            # Without a login no password is asked for.
            self.answer(server, "smarthost", "set", "relay.example", "--org", "Tests")
            self.answer(server, "smarthost", "remove")
            self.assertEqual(len(self.answer(server, "smarthost", "list")), 1)

    def test_dkim_records_are_zone_lines(self):
        with Server() as server:
            made = self.answer(server, "dkim", "create", DOMAIN)
            self.assertEqual({one["algorithm"] for one in made["keys"]}, {"rsa", "ed25519"})
            page = server.command("dkim", "records", DOMAIN).splitlines()
            for record, line in zip(made["dns"], made["zone"]):
                self.assertIn(line, page)
                name, value = line.split(". IN TXT ( ")
                self.assertEqual(name, record["name"])
                strings = value.removesuffix(" )").split('" "')
                self.assertEqual("".join(strings).strip('"'), record["value"])
            self.assertEqual(self.run_command(server, "dkim", "create", "other.example").returncode,
                             1)

    def test_providers(self):
        with Server() as server:
            means = self.answer(server, "provider", "classify", "--provider", "docomo", "--stage",
                                "rcpt", "550 5.1.1 Unknown user")
            self.assertEqual(means["class"], "gone")
            self.assertEqual(self.answer(server, "provider", "of", "x@gmail.com")["provider"],
                             "gmail")
            self.assertIn("docomo", {one["id"] for one in self.answer(server, "provider", "list")})

    def test_version(self):
        done = subprocess.run([BINARY, "version", "--json"], text=True, stdout=subprocess.PIPE,
                              check=True)
        told = json.loads(done.stdout)
        self.assertRegex(told["version"], r"^\d+\.\d+\.\d+$")
        self.assertIn("revision", told)


if __name__ == "__main__":
    unittest.main()
