"""What any receiver must get from us unharmed: mixed into a unittest.TestCase by those that have
`sending` (outbound.Sending), `domain`, and `receiver` with mails() and welcome()."""

import base64
import os
import re
import time

from outbound import message

TRACE = re.compile(rb"\A(?:[A-Za-z-]+:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)*\Z")


class Cases:
    # How many Received fields a message has in the end.
    hops = 2
    # Its answer to a recipient it does not know.
    unknown_code = 550
    # What it offers and we then use.
    tls = "TLSv1.3 unverified"

    def user(self, number=1):
        return f"user{number}@{self.domain}"

    def arrived(self, text, count=1):
        """Waits for `count` copies, which have this text behind what was put in front of it on the
        way, and answers them."""
        end = time.monotonic() + 20
        while True:
            found = [mail for mail in self.receiver.mails() if mail.endswith(text)]
            if len(found) >= count:
                break
            self.assertLess(time.monotonic(), end, f"{self.receiver.mails()[-1:]}"[:2000])
            time.sleep(0.05)
        self.assertEqual(len(found), count)
        for mail in found:
            self.assertRegex(mail.removesuffix(text), TRACE)
        return found

    def delivered(self, text, recipients, **options):
        queued = self.sending.submit(recipients, text, **options)
        states = self.sending.wait(queued)
        self.assertEqual(set(states.values()), {"delivered"}, self.sending.events(queued))
        return queued

    def test_a_plain_message(self):
        text = message()
        queued = self.delivered(text, self.user())
        (mail,) = self.arrived(text)
        self.assertEqual(mail.count(b"\r\nReceived:") + mail.startswith(b"Received:"), self.hops)
        begun, end = self.sending.events(queued)
        self.assertEqual((begun["kind"], end["kind"], end["stage"]),
                         ("begun", "delivered", "end of data"))
        self.assertEqual(end["host"], f"mx.{self.domain}")
        self.assertEqual(end["tls"], self.tls)

    def test_japanese_with_a_large_attachment(self):
        file = base64.encodebytes(os.urandom(2_000_000)).replace(b"\n", b"\r\n")
        text = message("四月の予定表".encode()).replace(
            b"\r\n\r\n", b"\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
            b"\r\n" + "添付をご覧ください。\r\n".encode() + b"--b\r\nContent-Type: application/pdf\r\n"
            b"Content-Disposition: attachment; filename*=utf-8''" b"%E4%BA%88%E5%AE%9A.pdf\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n" + file + b"--b--\r\n", 1)
        text = text[:text.index(b"--b--\r\n") + 7]
        self.delivered(text, self.user(), mail_options=["BODY=8BITMIME"])
        self.arrived(text)

    def test_dots(self):
        text = message(body=b".\r\n..\r\n.hidden\r\n...\r\nend.\r\n.\r\n\r\n.\r\n")
        self.delivered(text, self.user())
        self.arrived(text)

    def test_thirty_recipients(self):
        text = message()
        everybody = [self.user(number) for number in range(30)]
        queued = self.delivered(text, everybody)
        self.assertEqual(len(self.sending.states(queued)), 30)
        self.arrived(text, 30)

    def test_one_connection_for_several_messages(self):
        queued = [self.sending.submit(self.user()) for _ in range(6)]
        for one in queued:
            self.assertEqual(set(self.sending.wait(one).values()), {"delivered"})
        connections = {event["connection"] for one in queued for event in self.sending.events(one)}
        self.assertLess(len(connections), 6)

    def test_nobody_of_that_name(self):
        text = message()
        queued = self.sending.submit([self.user(), f"nobody@{self.domain}"], text)
        self.assertEqual(self.sending.wait(queued), {self.user(): "delivered",
                                                     f"nobody@{self.domain}": "failed"})
        (event,) = [one for one in self.sending.events(queued) if one["kind"] == "failed"]
        self.assertEqual((event["stage"], event["code"], event["class"]),
                         ("rcpt", self.unknown_code, "gone"))
        self.assertIn(f"RCPT TO:<nobody@{self.domain}>", event["dialogue"])
        self.arrived(text)

    def test_y_greylisting(self):
        """Late in the alphabet, as others must not be greeted before."""
        text = message()
        queued = self.sending.submit(f"later@{self.domain}", text)
        (event,) = self.sending.tried(queued)
        self.assertEqual((event["stage"], event["code"] // 100), ("rcpt", 4))
        self.assertEqual(event["class"], "throttled")
        self.receiver.welcome()
        self.sending.hurry()
        self.assertEqual(self.sending.wait(queued), {f"later@{self.domain}": "delivered"})
        self.arrived(text)
