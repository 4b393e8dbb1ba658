#!/usr/bin/python3
"""tools/coro_lint finds every bad probe and passes the good ones."""

import re
import subprocess
import unittest

from load_tool import ROOT

PROBES = ROOT / "tests/tools/coro"


def lint(name, standard="c++23"):
    return subprocess.run([ROOT / "tools/coro_lint", f"--flags=-std={standard}", PROBES / name],
                          capture_output=True, text=True)


class CoroLintTest(unittest.TestCase):
    def test_good_probes_pass(self):
        done = lint("good.cc")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("1 files, 0 findings", done.stdout)

    def test_bad_probes_are_found(self):
        lines = (PROBES / "bad.cc").read_text().splitlines()
        bad = {number for number, line in enumerate(lines, start=1) if line.endswith("// BAD")}
        done = lint("bad.cc")
        found = {int(number) for number in re.findall(r"bad\.cc:(\d+):", done.stdout)}
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(found, bad)

    def test_a_file_that_does_not_compile_is_an_error(self):
        done = lint("good.cc", "c++11")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("clang-query failed", done.stdout)


if __name__ == "__main__":
    unittest.main()
