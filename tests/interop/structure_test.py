#!/usr/bin/python3
"""ENVELOPE, BODYSTRUCTURE and the parts of odd mail, beside what Dovecot says of it.

Where we differ, the reason stands in DIFFERENT; whatever stands there and is equal after all is an
error too.

    structure_test.py [--show NAME]
"""

import sys
import unittest

from dovecot import Dovecot
from imap import Imap
from todoke_server import Listener, Server


def lines(*all_lines):
    return "".join(line + "\r\n" for line in all_lines).encode("utf-8", "surrogateescape")


def header(*fields, body="text"):
    return lines(*fields, "", body)


def multipart(kind, *parts, boundary="b", epilogue=(), prologue=()):
    text = [f'Content-Type: multipart/{kind}; boundary="{boundary}"', "", *prologue]
    for part in parts:
        text += [f"--{boundary}", *part]
    return text + [f"--{boundary}--", *epilogue]


PLAIN = ("Content-Type: text/plain; charset=utf-8", "", "plain")
HTML = ("Content-Type: text/html", "Content-Transfer-Encoding: base64", "", "PGI+aGk8L2I+")
INNER = ("Subject: inner", "From: Inner <inner@example.org>", "", "inside", "two lines")

MAIL = {
    "only a line end": b"\r\n",
    "no header": b"\r\nonly a body\r\n",
    "no body": lines("Subject: x"),
    "no body, no line end": b"Subject: x",
    "header and blank line": lines("Subject: x", ""),
    "no end of last line": b"Subject: x\r\n\r\none\r\ntwo",
    "plain": header("Subject: hello", "From: Ann <ann@example.org>", "To: bob@example.org",
                    "Date: Thu, 1 Jan 2026 09:00:00 +0900", "Message-ID: <1@example.org>",
                    "In-Reply-To: <0@example.org>", "Cc: a@b, c@d", "Bcc: e@f",
                    "Sender: s@example.org", "Reply-To: r@example.org"),
    "folded fields": header("Subject: one", " two", "\tthree", "To: a@b,", "  c@d"),
    "empty fields": header("Subject:", "From:", "To: ", "Date:", "Message-ID:"),
    "fields twice": header("Subject: one", "Subject: two", "To: a@b", "To: c@d", "From: a@a",
                           "From: b@b"),
    "field names in any case": header("SUBJECT: x", "froM: a@b", "CONTENT-TYPE: TEXT/HTML"),
    "blank before colon": header("Subject : x", "From : a@b"),
    "groups": header("To: A Group: Ed <ed@example.org>, joe@where.test; , last@example.org",
                     "Cc: undisclosed-recipients:;", "From: a@b"),
    "quoted names": header(r'From: "Ann \"A.\" O\\Neil" <ann@example.org>',
                           'To: "a b"@example.org, <c@d>, (comment) e@f (Eve (nested))'),
    "routes": header("To: <@one.example,@two.example:joe@where.test>"),
    "no domain": header("To: joe", "From: <joe>", "Cc: <>"),
    "domain literal": header("To: joe@[192.0.2.1], <ann@[IPv6:2001:db8::1]>"),
    "dots in names": header("From: Ann A. Bell <ann@example.org>", "To: J.R. <j.r@x>"),
    "broken addresses": header("To: a@b c@d, , <e@f", "Cc: @, >x<, a@b@c"),
    "encoded words": header("Subject: =?UTF-8?B?6YGL5YuV5Lya?= =?ISO-2022-JP?B?GyRCMlY7UhsoQg==?=",
                            "From: =?UTF-8?Q?Andr=C3=A9?= <a@b>"),
    "raw 8-bit": header("Subject: 運動会", "From: 花子 <hana@example.org>", 'To: "太郎" <t@x>'),
    "raw shift_jis": b"Subject: \x89^\x93\xae\x89\xef\r\n\r\nx\r\n",
    "raw iso-2022-jp": b"Subject: \x1b$B2V;R\x1b(B\r\nFrom: \x1b$B2V;R\x1b(B <a@b>\r\n\r\nx\r\n",
    "html": lines(*HTML),
    "type without slash": header("Content-Type: text"),
    "type is nonsense": header("Content-Type: ;;; what/is/this"),
    "type is empty": header("Content-Type:"),
    "unknown type": header("Content-Type: x-odd/thing; a=b"),
    "text parameters": header('Content-Type: text/plain; charset="ISO-2022-JP"; format=flowed; '
                              'delsp=yes'),
    "parameters with comments": header("Content-Type: text/plain (c); (d) charset=(e)us-ascii"),
    "parameters with semicolons": header('Content-Type: text/plain; name="a;b\\"c"; charset=utf-8;'),
    "RFC 2231": header("Content-Type: text/plain; name*=UTF-8''%E9%81%8B%E5%8B%95.txt",
                       "Content-Disposition: attachment; filename*0*=UTF-8'ja'%E9%81%8B;",
                       " filename*1*=%E5%8B%95; filename*2=.txt"),
    "raw 8-bit parameter": header('Content-Type: text/plain; name="運動会.txt"'),
    "all the extensions": header("Content-Type: text/plain", "Content-ID: <c@x>",
                                 "Content-Description: what it is", "Content-MD5: Q2hlY2s=",
                                 "Content-Language: ja, en", "Content-Location: http://x/ y",
                                 "Content-Disposition: INLINE; filename=a.txt; size=3"),
    "disposition alone": header("Content-Disposition: attachment"),
    "encoding with blanks": header("Content-Transfer-Encoding:  Quoted-Printable "),
    "encoding unknown": header("Content-Transfer-Encoding: x-uuencode"),
    "alternative": lines("Subject: x", *multipart("alternative", PLAIN, HTML)),
    "nested": lines(*multipart("mixed", multipart("alternative", PLAIN,
                                                  multipart("related", HTML, PLAIN, boundary="d"),
                                                  boundary="c"), PLAIN)),
    "prologue and epilogue": lines(*multipart("mixed", PLAIN, prologue=("before", ""),
                                              epilogue=("after", "--b"))),
    "empty parts": lines(*multipart("mixed", (), ("",), ("", ""), ("Content-Type: text/html", ""))),
    "no parts": lines(*multipart("mixed")),
    "no boundary parameter": header("Content-Type: multipart/mixed", body="--b\r\n\r\nx\r\n--b--"),
    "boundary never found": header('Content-Type: multipart/mixed; boundary="z"', body="text"),
    "boundary not closed": lines(*multipart("mixed", PLAIN, HTML)[:-1]),
    "boundary with blanks behind": lines("Content-Type: multipart/mixed; boundary=b", "", "--b  ",
                                         *PLAIN, "--b\t", *HTML, "--b-- "),
    "boundary is a prefix": lines("Content-Type: multipart/mixed; boundary=b", "", "--b",
                                  'Content-Type: multipart/mixed; boundary="bb"', "", "--bb",
                                  *PLAIN, "--bb--", "--b", *PLAIN, "--b--"),
    "outer ends inner": lines("Content-Type: multipart/mixed; boundary=b", "", "--b",
                              'Content-Type: multipart/mixed; boundary="c"', "", "--c", *PLAIN,
                              "--b", *HTML, "--b--"),
    "same boundary twice": lines("Content-Type: multipart/mixed; boundary=b", "", "--b",
                                 "Content-Type: multipart/mixed; boundary=b", "", "--b", *PLAIN,
                                 "--b--", "", "--b--"),
    "part header without end": lines("Content-Type: multipart/mixed; boundary=b", "", "--b",
                                     "Content-Type: text/html", "--b", *PLAIN, "--b--"),
    "digest": lines(*multipart("digest", ("", *INNER), ("Content-Type: text/plain", "", "x"),
                               ("", *INNER))),
    "message": lines("Content-Type: message/rfc822", "", *INNER),
    "message in message": lines("Content-Type: message/rfc822", "", "Subject: middle",
                                "Content-Type: message/rfc822", "", *INNER),
    "multipart in message": lines(*multipart("mixed", PLAIN, ("Content-Type: message/rfc822", "",
                                                              "Subject: in",
                                                              *multipart("mixed", PLAIN, HTML,
                                                                         boundary="c")))),
    "message in base64": lines("Content-Type: message/rfc822", "Content-Transfer-Encoding: base64",
                               "", "U3ViamVjdDogeA0KDQp5DQo="),
    "empty message in message": lines(*multipart("mixed", ("Content-Type: message/rfc822", ""),
                                                 PLAIN)),
    "delivery report": lines(*multipart('report; report-type=delivery-status', PLAIN, (
        "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; x", "",
        "Final-Recipient: rfc822; a@b"), ("Content-Type: text/rfc822-headers", "", "Subject: x"))),
    "external body": lines("Content-Type: message/external-body; access-type=URL", "",
                           "Content-Type: image/png", ""),
    "a field that is none": lines("Subject: x", "this is no field", "From: a@b", "", "body"),
    "begins with From": b"From a@b Thu Jan  1 00:00:00 2026\r\nSubject: x\r\n\r\ny\r\n",
    "many levels": lines(*multipart("mixed", multipart("mixed", multipart("mixed", multipart(
        "mixed", PLAIN, boundary="e"), boundary="d"), boundary="c"))),
}

# Name → why we say something else.
DIFFERENT = {}


def parts_of(structure, prefix=""):
    """The part numbers of a BODYSTRUCTURE, and whether each is a message or a multipart."""
    if isinstance(structure[0], list):
        for number, part in enumerate([p for p in structure if isinstance(p, list)], 1):
            if not part or not isinstance(part[0], (bytes, list)):
                return  # no part any more but a list of parameters
            yield from parts_of(part, f"{prefix}{number}.")
        return
    name = prefix[:-1] or "1"
    is_message = structure[0].lower() == b"message" and structure[1].lower() == b"rfc822"
    yield name, is_message
    if is_message and len(structure) > 8 and isinstance(structure[8], list):
        inner = structure[8]
        yield from parts_of(inner, f"{name}." if isinstance(inner[0], list) else f"{name}.1.")


def lower(value):
    """Types, encodings and parameter names count in any case, and servers change it freely."""
    if isinstance(value, list):
        return [lower(one) for one in value]
    return value.lower() if isinstance(value, bytes) else value


def allowing(theirs, ours):
    """Their structure, with ours where the servers differ as a rule:

    Dovecot gives a text without charset the parameter it might as well have had (which is untrue of
    much Japanese mail), and does not count a last line that has no end.
    """
    if not isinstance(theirs, list) or not isinstance(ours, list) or len(theirs) != len(ours):
        return theirs
    made = [allowing(one, other) for one, other in zip(theirs, ours)]
    is_text = made[:1] == [b"text"] and len(made) > 7
    is_message = made[:2] == [b"message", b"rfc822"] and len(made) > 9
    default = [b"charset", b"us-ascii"]
    if is_text and made[2] and made[2][-2:] == default and made[2][:-2] == (ours[2] or []):
        made[2] = ours[2]
    for place, wanted in ((7, is_text), (9, is_message)):
        if wanted and ours[place] == str(int(made[place]) + 1):
            made[place] = ours[place]
    return made


def described(client, message):
    """What a server says of a message."""
    client.done("SELECT INBOX")
    client.command(r"STORE 1:* +FLAGS.SILENT (\Deleted)")
    client.done("EXPUNGE")
    client.append("INBOX", message)
    client.done("NOOP")
    (one,) = client.done("FETCH 1 (RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE BODY.PEEK[] "
                         "BODY.PEEK[HEADER] BODY.PEEK[TEXT])").of("FETCH")
    items = one.items()
    said = {"ENVELOPE": items["ENVELOPE"], "BODY": lower(items["BODY"]),
            "BODYSTRUCTURE": lower(items["BODYSTRUCTURE"]), "SIZE": items["RFC822.SIZE"],
            "HEADER": items["BODY[HEADER]"], "TEXT": items["BODY[TEXT]"], "ALL": items["BODY[]"]}
    for name, is_message in parts_of(items["BODYSTRUCTURE"]):
        wanted = [name, f"{name}.MIME"] + [f"{name}.HEADER", f"{name}.TEXT"] * is_message
        reply = client.done("FETCH 1 (" + " ".join(f"BODY.PEEK[{one}]" for one in wanted) + ")")
        for key, value in reply.of("FETCH")[0].items().items():
            said[key] = value or b""
    return said


def compare(ours, theirs):
    for key in ("BODY", "BODYSTRUCTURE"):
        theirs[key] = allowing(theirs[key], ours[key])
    return [f"{key}:\n    we     {ours.get(key)!r}\n    others {theirs.get(key)!r}"
            for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)]


class Structure(unittest.TestCase):
    def test_odd_mail(self):
        listeners = (Listener("imap", plain_text_login=True),)
        with Server(listeners, accounts=("hana",)) as server, Dovecot() as other:
            with Imap(server, "hana") as we, other.connect() as they:
                for name, message in MAIL.items():
                    with self.subTest(name):
                        wrong = compare(described(we, message), described(they, message))
                        if name in DIFFERENT:
                            self.assertTrue(wrong, "is equal and stands in DIFFERENT")
                        else:
                            self.assertEqual(wrong, [], "\n" + "\n".join(sorted(wrong)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--show"]:
        print(MAIL[sys.argv[2]].decode("utf-8", "replace"))
    else:
        unittest.main()
