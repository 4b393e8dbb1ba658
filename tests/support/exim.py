"""Debian's Exim, unpacked and not installed, as an unprivileged daemon in a folder of its own."""

import os
import shutil

from cached import unpacked
from postfix import text_of
from receivers import Program, user

CONFIG = """
primary_hostname = mx.exim.test
exim_user = Debian-exim
exim_group = Debian-exim
exim_path = {program}
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/pid
local_interfaces = {address}.{port}
daemon_smtp_ports = {port}
domainlist ours = {domains}
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
smtputf8_advertise_hosts = *
smtp_accept_max = 0
message_size_limit = 20M
smtp_accept_queue_per_connection = 0
deliver_drop_privilege
never_users =
acl_smtp_rcpt = recipient
acl_smtp_data = accept
begin acl
recipient:
  deny message = relay not permitted
       domains = !+ours
  defer message = greylisted, try again later
        local_parts = later
        condition = ${{if exists{{{folder}/welcome}}{{no}}{{yes}}}}
  require message = unknown user
          verify = recipient
  accept
begin routers
box:
  driver = accept
  domains = +ours
  local_parts = ^user : later
  transport = box
begin transports
box:
  driver = appendfile
  directory = {folder}/mail
  maildir_format
  create_directory
  user = Debian-exim
"""


class Exim(Program):
    """Takes mail as Postfix does in postfix.py."""

    def __init__(self, domains, address, port, certificate):
        super().__init__("exim")
        self.at, self.certificate = (address, port), certificate
        found = unpacked("exim", "exim4-daemon-light") / "usr/sbin/exim4"
        # Where another user may run it.
        self.program = self.folder / "exim4"
        shutil.copy(found, self.program)
        self.user = user()
        self.config = self.folder / "exim.conf"
        self.config.write_text(CONFIG.format(
            program=self.program, folder=self.folder, address=address, port=port,
            domains=" : ".join(domains), certificate=certificate.file, key=certificate.key))
        # The package's own user, who is nobody here.
        (self.folder / "passwd").write_text(
            "root:x:0:0:root:/root:/bin/sh\n"
            f"Debian-exim:x:{self.user.pw_uid}:{self.user.pw_gid}:x:{self.folder}:/bin/false\n")
        (self.folder / "group").write_text(f"root:x:0:\nDebian-exim:x:{self.user.pw_gid}:\n"
                                           f"mail:x:{self.user.pw_gid}:\n")
        if os.geteuid() == 0:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)

    def welcome(self):
        """Greylists nobody any more."""
        (self.folder / "welcome").touch()

    def mails(self):
        """The text of every message that arrived, once for each recipient, as it came."""
        box = self.folder / "mail" / "new"
        return [text_of(file) for file in sorted(box.iterdir())] if box.exists() else []

    def __enter__(self):
        as_user = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        self.launch([self.program, "-C", self.config, "-bdf", "-q1h"], self.at, cwd=self.folder,
                    env={"PATH": "/usr/bin:/bin", "LD_PRELOAD": "libnss_wrapper.so",
                         "NSS_WRAPPER_PASSWD": str(self.folder / "passwd"),
                         "NSS_WRAPPER_GROUP": str(self.folder / "group")},
                    **(as_user if os.geteuid() == 0 else {}))
        return self

    def __exit__(self, *_):
        self.end()
        shutil.rmtree(self.folder)
