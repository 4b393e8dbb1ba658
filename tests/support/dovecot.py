"""Debian's Dovecot as a second opinion: its IMAP process alone, on a folder of its own.

The packages are unpacked and not installed, so that no other mail server runs on the machine.
"""

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile

from cached import unpacked
from imap import Imap


def programs():
    """The folder in which they lie."""
    return unpacked("dovecot", "dovecot-core", "dovecot-imapd") / "usr/lib/dovecot"


class Dovecot:
    """`with Dovecot() as server: server.connect()` is an IMAP session that is logged in."""

    def __enter__(self):
        # The programs stand where another user may run them: as root it must become nobody.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="todoke-dovecot-"))
        self.programs = self.folder / "programs"
        shutil.copytree(programs(), self.programs, symlinks=True)
        self.user = pwd.getpwuid(os.geteuid())
        if self.user.pw_uid == 0:
            self.user = pwd.getpwnam("nobody")
        self.home = self.folder / "home"
        self.home.mkdir()
        self.folder.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(self.home, self.user.pw_uid, self.user.pw_gid)
        self.processes = []
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        shutil.rmtree(self.folder)

    def connect(self):
        ours, theirs = socket.socketpair()
        ours.settimeout(60)
        uid, gid = self.user.pw_uid, self.user.pw_gid
        # With DOVECONF_ENV it takes its settings from the environment instead of a daemon.
        environment = {
            "DOVECONF_ENV": "1", "USER": "tester", "HOME": str(self.home),
            "MAIL_HOME": str(self.home), "MAIL_LOCATION": f"maildir:{self.home}/Mail",
            "MAIL_UID": str(uid), "MAIL_GID": str(gid), "FIRST_VALID_UID": "0",
            "FIRST_VALID_GID": "0", "BASE_DIR": str(self.home), "STATE_DIR": str(self.home),
            "LOG_PATH": "/dev/null", "INFO_LOG_PATH": "/dev/null", "SSL": "no",
            "STATS_WRITER_SOCKET_PATH": "",
            "LD_LIBRARY_PATH": f"{self.programs}:{self.programs}/modules"}
        as_user = {"user": uid, "group": gid, "extra_groups": []} if os.geteuid() == 0 else {}
        self.processes.append(subprocess.Popen(
            [self.programs / "imap"], stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL,
            env=environment, cwd=self.home, **as_user))
        theirs.close()
        return Imap.on(ours)
