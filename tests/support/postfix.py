"""Debian's Postfix, unpacked and not installed, in a folder of its own; root alone can run it."""

import os
import pathlib
import pwd
import shutil
import signal

from cached import unpacked
from receivers import Program, user

# Users that every Debian has, in place of those that the package would make.
OWNER, GROUP = "mail", "daemon"
MASTER = """smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


def programs():
    return unpacked("postfix", "postfix")


class Postfix(Program):
    """Takes mail for `user…@` and `later@` any domain of `domains`; the latter is greylisted until
    welcome().  Others do not exist."""

    def __init__(self, domains, address, port, certificate):
        super().__init__("postfix")
        self.at, self.certificate = (address, port), certificate
        self.box = self.folder / "mail" / "box" / "new"
        self._make_folders()
        found = programs()
        settings = {
            "compatibility_level": "3.6", "myhostname": "mx.postfix.test", "mydestination": "",
            "inet_interfaces": "loopback-only", "inet_protocols": "ipv4", "alias_maps": "",
            "mynetworks": "127.255.255.255/32", "smtpd_peername_lookup": "no",
            "queue_directory": self.folder / "queue", "data_directory": self.folder / "data",
            "daemon_directory": found / "usr/lib/postfix/sbin",
            "command_directory": found / "usr/sbin", "shlib_directory": found / "usr/lib/postfix",
            "meta_directory": self.folder, "maillog_file": self.log,
            "maillog_file_prefixes": self.folder, "mail_owner": OWNER, "setgid_group": GROUP,
            "import_environment": "MAIL_CONFIG LD_LIBRARY_PATH",
            "virtual_mailbox_domains": " ".join(domains), "virtual_mailbox_base":
            self.folder / "mail", "virtual_mailbox_maps": "regexp:{{/^(user.*|later)@/ box/}}",
            "virtual_uid_maps": f"static:{user().pw_uid}", "virtual_minimum_uid": "1",
            "virtual_gid_maps": f"static:{user().pw_gid}",
            "smtpd_recipient_restrictions": "reject_unauth_destination, "
            f"check_recipient_access regexp:{self.folder}/access",
            "smtpd_tls_cert_file": certificate.file, "smtpd_tls_key_file": certificate.key,
            "smtpd_tls_security_level": "may", "message_size_limit": "20000000",
            "smtpd_client_connection_count_limit": "0"}
        (self.folder / "main.cf").write_text(
            "".join(f"{key} = {value}\n" for key, value in settings.items()))
        (self.folder / "master.cf").write_text(
            MASTER.replace("smtp inet", f"{address}:{port} inet"))
        (self.folder / "access").write_text("/^later@/ 450 4.2.0 Greylisted, try again later\n")
        (self.folder / "dynamicmaps.cf").touch()

    def _make_folders(self):
        owner, group = pwd.getpwnam(OWNER).pw_uid, pwd.getpwnam(GROUP).pw_gid
        (self.folder / "queue").mkdir()
        for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold",
                     "incoming", "private", "saved", "trace", "../data"):
            (self.folder / "queue" / name).mkdir(mode=0o700)
            os.chown(self.folder / "queue" / name, owner, -1)
        for name, mode in (("maildrop", 0o730), ("public", 0o710)):
            (self.folder / "queue" / name).mkdir()
            (self.folder / "queue" / name).chmod(mode)
            os.chown(self.folder / "queue" / name, owner, group)
        (self.folder / "queue" / "pid").mkdir()
        (self.folder / "mail").mkdir()
        os.chown(self.folder / "mail", user().pw_uid, user().pw_gid)

    def welcome(self):
        """Greylists nobody any more."""
        (self.folder / "access").write_text("/^nobody@/ OK\n")
        self.process.send_signal(signal.SIGHUP)

    def mails(self):
        """The text of every message that arrived, once for each recipient, as it came."""
        if not self.box.exists():
            return []
        return [text_of(file) for file in sorted(self.box.iterdir())]

    def __enter__(self):
        found = programs()
        self.launch([found / "usr/lib/postfix/sbin/master", "-c", self.folder, "-d"], self.at,
                    env={**os.environ, "LD_LIBRARY_PATH": str(found / "usr/lib/postfix"),
                         "MAIL_CONFIG": str(self.folder)})
        return self

    def __exit__(self, *_):
        self.end()
        shutil.rmtree(self.folder)


def text_of(file):
    """A message of a maildir, with the line ends of SMTP."""
    return pathlib.Path(file).read_bytes().replace(b"\n", b"\r\n")


class SmtpSink(Program):
    """Postfix's smtp-sink with these options; what it takes is gone."""

    def __init__(self, address, port, *options):
        super().__init__("smtp-sink")
        self.at, self.options = (address, port), options

    def __enter__(self):
        found = programs()
        as_user = ["-u", user().pw_name] if os.geteuid() == 0 else []
        self.launch([found / "usr/sbin/smtp-sink", *as_user, *self.options,
                     "%s:%d" % self.at, "100"], self.at, cwd=self.folder,
                    env={**os.environ, "LD_LIBRARY_PATH": str(found / "usr/lib/postfix")})
        return self

    def __exit__(self, *_):
        self.end()
        shutil.rmtree(self.folder)
