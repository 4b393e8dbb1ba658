#!/usr/bin/python3
"""tools/check_sizes warns over 500 lines and fails over 800."""

import pathlib
import subprocess
import tempfile
import unittest

from load_tool import ROOT


class CheckSizesTest(unittest.TestCase):
    def check(self, lines, path="src/mime/parse.cc"):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / path
            file.parent.mkdir(parents=True)
            file.write_text("#!/bin/sh\n" + "x\n" * (lines - 1))
            done = subprocess.run([ROOT / "tools/check_sizes", folder], capture_output=True, text=True)
            return done.returncode, done.stdout

    def test_short(self):
        self.assertEqual(self.check(500), (0, "sizes: 0 complaints\n"))

    def test_long_is_named(self):
        status, output = self.check(501)
        self.assertEqual(status, 0)
        self.assertIn("src/mime/parse.cc: 501 lines", output)
        self.assertEqual(self.check(800)[0], 0)

    def test_too_long_fails(self):
        for path in ("src/mime/parse.cc", "tests/interop/pop3_test.py", "tools/big"):
            status, output = self.check(801, path)
            self.assertEqual(status, 1)
            self.assertIn("split it", output)

    def test_other_files_do_not_count(self):
        self.assertEqual(self.check(2000, "tests/corpus/mail.cc")[0], 0)
        self.assertEqual(self.check(2000, "docs/page.md")[0], 0)


if __name__ == "__main__":
    unittest.main()
