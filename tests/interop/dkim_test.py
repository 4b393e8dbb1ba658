#!/usr/bin/python3
"""What we sign, dkimpy, OpenDKIM and mailauth find signed; and nothing that was changed after."""

import base64
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import dkim

from cached import npm_script, unpacked

DOMAIN = "届け.example".encode("idna").decode()
HEADER = (b"From: =?utf-8?B?5bGK44GR?= <todoke@%s>\r\nTo: taro@example.test\r\n"
          b"Subject: plain\r\nDate: Fri, 20 Nov 2026 21:00:37 +0900\r\n"
          b"Message-ID: <1@%s>\r\n" % (DOMAIN.encode(), DOMAIN.encode()))
TEXT = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
MESSAGES = {
    "ascii": HEADER + b"\r\nHello,\r\n\r\n\tgood  bye.  \r\n",
    "japanese": HEADER + TEXT + "\r\nお知らせ　\r\n \t 明日は休校です。\r\n".encode(),
    "utf-8 header": HEADER + TEXT + "Comments: 件名\r\nCc: 花子 <hana@example.test>\r\n\r\n本文\r\n".encode(),
    "folded": b"Received: from a\r\n\tby b;\r\n date\r\n" + HEADER.replace(
        b"plain", b"=?utf-8?B?5bGK44GR?=\r\n\t =?utf-8?B?5bGK44GR?=  \r\n  and \t more ")
        + b"REPLY-to:\r\n a@example.test,\r\n\tb@example.test\r\n\r\nHello\r\n",
    "blank lines at the end": HEADER + b"\r\nHello\r\n\r\n \r\n\t\r\n\r\n",
    "blank lines at the start": HEADER + b"\r\n\r\n\r\nHello\r\n",
    "only blank lines": HEADER + b"\r\n\r\n \r\n\r\n",
    "empty": HEADER + b"\r\n",
    "no line end": HEADER + b"\r\nHello\r\nHello",
    "blanks and no line end": HEADER + b"\r\nHello\r\nHello \t",
    "bare line ends": HEADER + b"\r\nHello \nHello\rHello\r\r\n\n",
    "dots": HEADER + b"\r\n.\r\n..\r\n.a\r\n",
    "long lines": HEADER + b"\r\n" + b"word  " * 160 + b"\r\n" + b"x" * 990 + b"\r\n",
    "large": HEADER + b"\r\n" + b"The quick  brown fox \r\n\r\n" * 20_000,
    "two of a name": HEADER + b"To: hanako@example.test\r\nTo: jiro@example.test\r\n\r\nHello\r\n",
    "list": HEADER + TEXT + (
        b"List-Id: =?utf-8?B?5L+d6K236ICF5Lya?= <pta.example.test>\r\n"
        b"List-Unsubscribe: <https://example.test/u/abc>,\r\n <mailto:u+abc@example.test>\r\n"
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        b"Feedback-ID: notice:group:tenant:todoke\r\nAuto-Submitted: no\r\n"
        b"In-Reply-To: <0@x>\r\nReferences: <a@x>\r\n <0@x>\r\n\r\n") + "本文\r\n".encode(),
}
BOTH = {"r": "pass", "e": "pass"}


def changed(message):
    """The same with one byte changed at each place that is signed, and with fields added; what
    says so is the key.  The signatures themselves come first in `message`."""
    yield "body", message.replace(b"Hello", b"Hallo")
    yield "body's end", message + b"x\r\n"
    yield "subject", message.replace(b"Subject: plain", b"Subject: plein")
    yield "recipient", message.replace(b"taro@", b"tara@")
    yield "second from", message.replace(b"\r\nTo: ", b"\r\nFrom: other@example.test\r\nTo: ", 1)
    yield "first from", b"From: other@example.test\r\n" + message
    yield "unsubscribing", message.replace(b"/u/abc", b"/u/abd")
    yield "one-click", message.replace(b"One-Click", b"Two-Click")
    yield "time", message.replace(b"\tt=1", b"\tt=2")


class Dkim(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="todoke-dkim-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.records = {
            f"r._domainkey.{DOMAIN}": "v=DKIM1; k=rsa; p=" + cls.make_key(
                "r", 0, "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
            f"e._domainkey.{DOMAIN}": "v=DKIM1; k=ed25519; p=" + cls.make_key(
                "e", -32, "-algorithm", "ED25519")}
        cls.signed = {name: cls.sign(message) for name, message in MESSAGES.items()}
        letter = MESSAGES["list"] + b"Hello\r\n"
        cls.spoilt = {name: message for name, message in changed(cls.sign(letter))}

    @classmethod
    def make_key(cls, name, start, *options):
        """Writes a private key; the DER of the public key from there on, in base64."""
        private = cls.folder / f"{name}.pem"
        subprocess.run(["openssl", "genpkey", *options, "-out", private], check=True,
                       stderr=subprocess.DEVNULL)
        public = subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-outform", "DER"],
                                check=True, stdout=subprocess.PIPE).stdout
        return base64.b64encode(public[start:]).decode()

    @classmethod
    def sign(cls, message):
        """The signed message as a peer receives it, where there are no line ends but CRLF."""
        words = [os.environ["TODOKE_DKIM_SIGN_TOOL"]]
        for name in "re":
            words += [cls.folder / f"{name}.pem", DOMAIN, name]
        signed = subprocess.run(words, input=message, stdout=subprocess.PIPE, check=True).stdout
        assert signed.endswith(message) and signed.count(b"DKIM-Signature:") == 2
        received = re.sub(rb"\r\n|\r|\n", b"\r\n", signed)
        return received if received.endswith(b"\r\n") else received + b"\r\n"

    def check(self, verify):
        """`verify` takes messages and gives for each {selector: result}."""
        for name, results in zip(self.signed, verify(list(self.signed.values()))):
            with self.subTest(name):
                self.assertEqual(results, BOTH)
        for name, results in zip(self.spoilt, verify(list(self.spoilt.values()))):
            with self.subTest(f"changed: {name}"):
                self.assertEqual(set(results), {"r", "e"})
                self.assertNotIn("pass", results.values())

    def test_dkimpy(self):
        def key(name, timeout=None):
            return self.records[name.decode().rstrip(".")].encode()

        def verdict(message, index):
            try:
                return "pass" if dkim.DKIM(message).verify(index, dnsfunc=key) else "fail"
            except dkim.ValidationError as error:
                return str(error)
        self.check(lambda messages: [{"r": verdict(one, 0), "e": verdict(one, 1)}
                                     for one in messages])

    def test_mailauth(self):
        script = npm_script("dkim.js")

        def verify(messages):
            given = {"keys": self.records,
                     "messages": [base64.b64encode(one).decode() for one in messages]}
            done = subprocess.run(["node", script], input=json.dumps(given).encode(), check=True,
                                  stdout=subprocess.PIPE)
            return json.loads(done.stdout)
        self.check(verify)

    def test_opendkim(self):
        program = unpacked("opendkim", "opendkim") / "usr/sbin/opendkim"
        keys = self.folder / "keys"
        keys.write_text("".join(f"{name} {record}\n" for name, record in self.records.items()))
        settings = self.folder / "opendkim.conf"
        settings.write_text(f"Mode v\nTestPublicKeys {keys}\nMaximumSignaturesToVerify 2\n")

        def verdicts(message):
            file = self.folder / "message"
            file.write_bytes(message)
            done = subprocess.run([program, "-x", settings, "-vv", "-t", file], check=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            found = {}
            for line in done.stdout.decode().splitlines():
                words = line.split()
                if words and words[0].startswith("dkim="):
                    tags = dict(word.split("=", 1) for word in words if "=" in word)
                    found[tags["header.s"]] = tags["dkim"]
            return found
        self.check(lambda messages: [verdicts(one) for one in messages])


if __name__ == "__main__":
    unittest.main()
