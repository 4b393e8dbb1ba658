"""Haraka from npm, in a folder of its own."""

import shutil
import subprocess

from cached import npm_packages
from receivers import Program

PLUGIN = """'use strict';
const fs = require('node:fs');
const path = require('node:path');
const folder = FOLDER;

exports.hook_rcpt = function (next, connection, [recipient]) {
  const name = recipient.user;
  if (name === 'later' && !fs.existsSync(path.join(folder, 'welcome')))
    return next(DENYSOFT, 'Greylisted, please try again later');
  if (name !== 'later' && !name.startsWith('user')) return next(DENY, 'No such user');
  next(OK);
};

let number = 0;
exports.hook_queue = function (next, connection) {
  const {message_stream, rcpt_to} = connection.transaction;
  message_stream.get_data((text) => {
    for (const _ of rcpt_to) {
      const name = String(++number).padStart(6, '0');
      fs.writeFileSync(path.join(folder, 'new', name), text);
      fs.renameSync(path.join(folder, 'new', name), path.join(folder, 'box', name));
    }
    next(OK);
  });
};
"""


class Haraka(Program):
    """Takes mail as Postfix does in postfix.py, for any domain."""

    def __init__(self, address, port, certificate):
        super().__init__("haraka")
        self.at, self.certificate = (address, port), certificate
        for name in ("config", "plugins", "box", "new", "queue"):
            (self.folder / name).mkdir()
        files = {"config/me": "mx.haraka.test\n", "config/plugins": "tls\nbox\n",
                 "config/smtp.ini": f"listen={address}:{port}\nnodes=0\n[headers]\n"
                                    "show_version=false\n",
                 "config/tls.ini": f"key={certificate.key}\ncert={certificate.file}\n",
                 "plugins/box.js": PLUGIN.replace("FOLDER", repr(str(self.folder)))}
        for name, text in files.items():
            (self.folder / name).write_text(text)

        # It would seek some of its own for long.
        subprocess.run(["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt",
                        "group:ffdhe2048", "-out", self.folder / "config/dhparams.pem"],
                       check=True, stderr=subprocess.DEVNULL)

    def welcome(self):
        """Greylists nobody any more."""
        (self.folder / "welcome").touch()

    def mails(self):
        """The text of every message that arrived, once for each recipient, as it came."""
        return [file.read_bytes() for file in sorted((self.folder / "box").iterdir())]

    def __enter__(self):
        package = npm_packages() / "node_modules/Haraka"
        for name in ("connection.ini", "log.ini"):
            shutil.copy(package / "config" / name, self.folder / "config")
        self.launch(["node", package / "bin/haraka", "-c", self.folder], self.at, cwd=self.folder)
        return self

    def __exit__(self, *_):
        self.end()
        shutil.rmtree(self.folder)
