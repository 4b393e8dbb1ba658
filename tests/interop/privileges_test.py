#!/usr/bin/python3
"""Started as root with `user` in its configuration: no thread keeps any right, and mail arrives."""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

from todoke_server import Listener, Server, address
from wire import Smtp, all_messages

USER = "nobody"
# Root's own groups, which are to go.
GROUPS = (0, 4, 24)


def free_low_port():
    """A port that only root may bind, or who was given that right."""
    for port in range(1023, 600, -1):
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", port))
            return port
        except OSError:
            continue
        finally:
            probe.close()
    return 0


def threads(pid):
    """What the kernel says of each thread: name to words."""
    found = []
    for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
        lines = (line.split(":", 1) for line in status.read_text().splitlines())
        found.append({name: value.split() for name, value in lines})
    return found


def write_certificate(folder, name):
    """A new key and certificate; answers the certificate as bytes."""
    certificate, key = folder / "tls-certificate.pem", folder / "tls-key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-out", certificate, "-keyout", key], check=True, stderr=subprocess.DEVNULL)
    user = pwd.getpwnam(USER)
    os.chown(certificate, user.pw_uid, user.pw_gid)
    os.chown(key, user.pw_uid, user.pw_gid)
    return ssl.PEM_cert_to_DER_cert(certificate.read_text())


def served_certificate(server):
    context = ssl._create_unverified_context()
    with server.connect("pop3s") as plain, context.wrap_socket(plain) as stream:
        return stream.getpeercert(binary_form=True)


@unittest.skipUnless(os.geteuid() == 0, "only root can give its rights up")
class Privileges(unittest.TestCase):
    def setUp(self):
        user = pwd.getpwnam(USER)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="todoke-user-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        os.chown(self.folder, user.pw_uid, user.pw_gid)
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        os.chown(data, user.pw_uid, user.pw_gid)
        listeners = (Listener("smtp", port=free_low_port()),
                     Listener("pop3", plain_text_login=True), Listener("pop3s"))
        self.server = Server(listeners, settings={"user": f'"{USER}"'}, folder=self.folder,
                             prepare=lambda: os.setgroups(GROUPS))

    def expect(self, wanted, found, seconds=20):
        end = time.monotonic() + seconds
        while found() != wanted and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(found(), wanted)

    def test_no_thread_keeps_a_right(self):
        user = pwd.getpwnam(USER)
        groups = {str(group) for group in os.getgrouplist(USER, user.pw_gid)}
        with self.server as server:
            with Smtp(server) as smtp:
                answer = smtp.deliver(b"Subject: one\r\n\r\nhello\r\n", address("hana"))
                self.assertTrue(answer.startswith(b"250"), answer)
            self.assertEqual(len(all_messages(server, "hana")), 1)
            found = threads(server.process.pid)
            self.assertGreater(len(found), 4)
            for thread in found:
                with self.subTest(thread["Name"]):
                    self.assertEqual(thread["Uid"], [str(user.pw_uid)] * 4)
                    self.assertEqual(thread["Gid"], [str(user.pw_gid)] * 4)
                    self.assertLessEqual(set(thread["Groups"]), groups)
                    for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                        self.assertEqual(int(thread[kind][0], 16), 0, kind)
                    self.assertEqual(thread["NoNewPrivs"], ["1"])
            for path in server.data.rglob("*"):
                self.assertEqual(path.stat().st_uid, user.pw_uid, path)

    def test_a_new_certificate_is_taken_if_the_user_may_read_it(self):
        with self.server as server:
            before = served_certificate(server)
            new = write_certificate(server.data, "second.example")
            self.assertNotEqual(new, before)
            server.process.send_signal(signal.SIGHUP)
            self.expect(new, lambda: served_certificate(server))
            # One that only root may read is refused in the log, and the old one goes on.
            write_certificate(server.data, "third.example")
            os.chown(server.data / "tls-key.pem", 0, 0)
            (server.data / "tls-key.pem").chmod(0o600)
            server.process.send_signal(signal.SIGHUP)
            self.expect(True, lambda: "app.reload_failed" in server.log_text())
            self.assertEqual(served_certificate(server), new)


if __name__ == "__main__":
    unittest.main()
