#!/usr/bin/python3
"""tools/fuzz_smoke passes a sound target and fails a broken, silent or missing one."""

import pathlib
import subprocess
import tempfile
import unittest

from load_tool import ROOT, load_tool

smoke = load_tool("fuzz_smoke")


class FuzzSmokeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = pathlib.Path(folder.name) / "build"
        (self.build / "src/base").mkdir(parents=True)
        smoke.FINDINGS = pathlib.Path(folder.name) / "findings"

    def target(self, name, script):
        """A stand-in for a libFuzzer program."""
        program = self.build / "src/base" / name
        program.write_text("#!/bin/sh\n" + script)
        program.chmod(0o755)
        return program

    def test_finds_programs_only(self):
        self.target("a_fuzz", "")
        (self.build / "b_fuzz").mkdir()
        (self.build / "c_fuzz").write_text("not a program")
        self.assertEqual(list(smoke.built_targets(self.build)), ["a_fuzz"])

    def test_sound_target(self):
        program = self.target("a_fuzz", "echo stat::number_of_executed_units: 4000 >&2\n")
        self.assertEqual(smoke.run("a_fuzz", program, 2), (True, "a_fuzz: 4000 inputs, 2000 per second"))

    def test_broken_target(self):
        program = self.target("a_fuzz", "echo heap-buffer-overflow >&2\nexit 77\n")
        passed, report = smoke.run("a_fuzz", program, 1)
        self.assertFalse(passed)
        self.assertIn("heap-buffer-overflow", report)

    def test_target_that_did_nothing(self):
        self.assertFalse(smoke.run("a_fuzz", self.target("a_fuzz", "true\n"), 1)[0])

    def test_missing_target(self):
        done = subprocess.run([ROOT / "tools/fuzz_smoke", self.build, "1", "b_fuzz"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("b_fuzz: FAILED: not built", done.stdout)


if __name__ == "__main__":
    unittest.main()
