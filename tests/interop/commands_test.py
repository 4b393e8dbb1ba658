#!/usr/bin/python3
"""What the command line tells a shell: exit codes and JSON."""

import json
import sqlite3
import subprocess
import unittest

from todoke_server import BINARY, Server


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

    def test_version(self):
        done = subprocess.run([BINARY, "version", "--json"], text=True, stdout=subprocess.PIPE,
                              check=True)
        told = json.loads(done.stdout)
        self.assertRegex(told["version"], r"^\d+\.\d+\.\d+$")
        self.assertIn("revision", told)


if __name__ == "__main__":
    unittest.main()
