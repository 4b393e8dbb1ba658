#!/usr/bin/python3
"""tools/check_layers finds every kind of wrong include, and accepts the right ones."""

import pathlib
import tempfile
import unittest

from load_tool import load_tool

layers = load_tool("check_layers")


class CheckLayersTest(unittest.TestCase):
    def complaints(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            return layers.check(root)

    def assert_accepts(self, files):
        self.assertEqual(self.complaints(files), [])

    def assert_refuses(self, files, *words):
        complaints = self.complaints(files)
        self.assertEqual(len(complaints), 1, complaints)
        for word in words:
            self.assertIn(word, complaints[0])

    def test_every_folder_stands_once(self):
        folders = [folder for row in layers.ROWS for folder in row]
        self.assertEqual(len(folders), len(set(folders)))

    def test_downward(self):
        self.assert_accepts({
            "base/ids.h": "#include <string>\n",
            "net/stream.h": '#include "base/ids.h"\n',
            "pop3/session.cc": '#include "net/stream.h"\n#include "pop3/session.h"\n',
            "pop3/session.h": "#pragma once\n",
        })

    def test_upward(self):
        self.assert_refuses({"base/ids.h": '#include "net/stream.h"\n'},
                            "src/base/ids.h:1", "a row above")

    def test_sideways(self):
        self.assert_refuses({"sql/db.cc": '\n#include "net/stream.h"\n'},
                            "src/sql/db.cc:2", "on its own row")

    def test_sessions_never_use_each_other(self):
        self.assert_refuses({"pop3/auth.cc": '#include "smtp/server/auth.h"\n'}, "on its own row")

    def test_arrow_on_a_row_goes_one_way(self):
        self.assert_accepts({"delivery/accept.cc": '#include "queue/queue.h"\n'})
        self.assert_refuses({"queue/queue.cc": '#include "delivery/accept.h"\n'}, "on its own row")
        self.assert_accepts({"delivery/delivery.h": '#include "queue/enqueue.h"\n'})
        self.assert_refuses({"directory/model.h": '#include "store/store.h"\n'}, "on its own row")

    def test_parts_of_one_protocol_are_different_folders(self):
        self.assert_accepts({"smtp/server/session.cc": '#include "smtp/syntax/command.h"\n'})
        self.assert_refuses({"smtp/syntax/command.cc": '#include "smtp/server/session.h"\n'},
                            "a row above")

    def test_folder_within_a_folder_belongs_to_it(self):
        self.assert_accepts({"sql/sqlite/driver.cc": '#include "sql/db.h"\n#include <sqlite3.h>\n'})

    def test_unknown_folders(self):
        self.assert_refuses({"misc/helper.cc": ""}, "src/misc/helper.cc", "not in the table")
        self.assert_refuses({"base/a.cc": '#include "misc/helper.h"\n'}, "does not name a folder")
        self.assert_refuses({"base/a.cc": '#include "a.h"\n'}, "does not name a folder")

    def test_tests_may_use_their_support(self):
        self.assert_accepts({"net/stream_test.cc": '#include "support/pipe.h"\n'})
        self.assert_accepts({"net/stream_fuzz.cc": '#include "support/pipe.h"\n'})
        self.assert_refuses({"net/stream.cc": '#include "support/pipe.h"\n'}, "does not name")

    def test_circle_of_headers(self):
        self.assert_refuses({"base/a.h": '#include "base/b.h"\n', "base/b.h": '#include "base/a.h"\n'},
                            "circle: base/a.h → base/b.h → base/a.h")

    def test_hidden_libraries(self):
        for path, header in [
            ("store/view.cc", "boost/asio/post.hpp"),
            ("base/task.h", "boost/asio/post.hpp"),
            ("api/handler.cc", "boost/beast/http.hpp"),
            ("directory/password.cc", "sodium.h"),
            ("smtp/server/tls.cc", "openssl/ssl.h"),
            ("store/rows.cc", "sqlite3.h"),
            ("store/rows.cc", "libpq-fe.h"),
            ("store/body.cc", "zstd.h"),
            ("queue/config.cc", "toml++/toml.h"),
            ("api/json.h", "boost/json.hpp"),
            ("mime/parse.cc", "doctest/doctest.h"),
        ]:
            with self.subTest(path=path, header=header):
                self.assert_refuses({path: f"#include <{header}>\n"}, header, "only in")

    def test_libraries_where_they_belong(self):
        self.assert_accepts({
            "base/task.h": "#include <boost/asio/awaitable.hpp>\n",
            "base/task.cc": "#include <boost/asio/post.hpp>\n",
            "net/tls.cc": "#include <openssl/ssl.h>\n",
            "crypto/password.cc": "#include <sodium.h>\n#include <crypt.h>\n",
            "blob/record.cc": "#include <zstd.h>\n",
            "api/json.cc": "#include <boost/json.hpp>\n",
            "mime/parse_test.cc": "#include <doctest/doctest.h>\n",
        })

    def test_header_with_a_hidden_library_is_private(self):
        tree = {"net/tcp_stream.h": "#include <boost/asio/posix/stream_descriptor.hpp>\n"}
        self.assert_accepts(tree | {"net/listener.cc": '#include "net/tcp_stream.h"\n'})
        self.assert_refuses(tree | {"pop3/session.cc": '#include "net/tcp_stream.h"\n'},
                            "private to net")

    def test_commented_includes_do_not_count(self):
        self.assert_accepts({"base/a.h": '// #include "net/stream.h"\n'})


if __name__ == "__main__":
    unittest.main()
