#!/usr/bin/python3
"""tools/check_headers accepts a header that stands alone and refuses one that leans on others."""

import pathlib
import tempfile
import unittest

from load_tool import load_tool

headers = load_tool("check_headers")


class CheckHeadersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        headers.ROOT = pathlib.Path(folder.name)
        headers.STAMPS = headers.ROOT / "build/headers"
        headers.STAMPS.mkdir(parents=True)
        (headers.ROOT / "src/base").mkdir(parents=True)

    def header(self, text, name="a.h"):
        path = headers.ROOT / "src/base" / name
        path.write_text("#pragma once\n" + text)
        return path

    def test_self_contained(self):
        header = self.header("#include <string>\nstd::string name();\n")
        self.assertFalse(headers.is_fresh(header))
        self.assertEqual(headers.compile_alone(header), "")
        self.assertTrue(headers.is_fresh(header))

    def test_missing_include(self):
        header = self.header("std::string name();\n")
        complaint = headers.compile_alone(header)
        self.assertIn("src/base/a.h does not compile alone", complaint)
        self.assertFalse(headers.is_fresh(header))

    def test_compiled_again_when_an_included_header_changes(self):
        self.header("using Length = int;\n", "b.h")
        header = self.header('#include "base/b.h"\nLength length();\n')
        self.assertEqual(headers.compile_alone(header), "")
        self.header("\n", "b.h")
        self.assertFalse(headers.is_fresh(header))
        self.assertNotEqual(headers.compile_alone(header), "")


if __name__ == "__main__":
    unittest.main()
