#!/usr/bin/python3
"""What we read from returned mail, beside what Sisimai reads from the same files.

Compared are the kind, the recipients and, where Sisimai found a real one, status and reply code.  Where we
differ, the reason stands in DIFFERENT; whatever stands there and is equal after all is an error too.
"""

import json
import os
import pathlib
import subprocess
import unittest

CORPUS = pathlib.Path(__file__).resolve().parent.parent / "corpus/returns"

PERL = r"""
use strict; use warnings; use Sisimai; use JSON;
for my $file (@ARGV) {
  my $found = Sisimai->make($file, delivered => 1, vacation => 1) // [];
  my @all = map { { address => $_->recipient->address, reason => $_->reason,
                    status => $_->deliverystatus, action => $_->action,
                    alias => $_->alias, code => "" . $_->replycode } } @$found;
  print JSON->new->canonical->encode({ file => $file, recipients => \@all }), "\n";
}
"""

NO_SUCH_FORM = "Sisimai does not read this form"
FIRST_ONLY = "Sisimai takes only one of the recipients"
DIFFERENT = {
    "arf-not-spam": "a recipient who says that it is no spam does not complain",
    "auto-cron": "what a program sends of its own accord is automatic too, RFC 3834 §5",
    "auto-quotes-bounce": "the answer of a person's program is none, whatever it quotes",
    "auto-vacation-japanese": "Sisimai does not know Japanese subjects of absence",
    "broken-flattened": NO_SUCH_FORM,
    "ezweb-expired": "the server has given up after an hour, so it is no delay",
    "mdn-displayed": "a receipt is the answer of a program",
    "none-success-in-words": "it says that the mail has arrived",
    "postfix-words": FIRST_ONLY,
    "rfc3464-global": "Sisimai has no addresses in UTF-8, RFC 6533",
    "rfc3464-three-recipients": "Sisimai takes the first status for all that failed",
    "rfc3464-utf8-address": "Sisimai has no addresses in UTF-8, RFC 6533",
    "sendmail-old": FIRST_ONLY,
    "sendmail-warning": "a warning that the server goes on trying is a delay",
    "text-shift-jis": NO_SUCH_FORM,
}


def lines_of(command):
    done = subprocess.run(command, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]


def kind_of(recipients):
    """Our kinds from Sisimai's reasons and actions; the gravest recipient decides."""
    kinds = set()
    for one in recipients:
        named = {"delivered": "success", "feedback": "complaint", "vacation": "automatic"}
        kinds.add(named.get(one["reason"])
                  or ("delay" if one["action"] == "delayed" else "failure"))
    for kind in ("failure", "delay", "success", "complaint", "automatic"):
        if kind in kinds:
            return kind
    return "none"


def is_real(status):
    """Sisimai makes statuses up for reasons without one: x.0.9nn."""
    return status and not (status[1:4] == ".0." and len(status) == 7)


def compare(ours, theirs):
    wrong = []
    kind = kind_of(theirs)
    if ours["kind"] != kind:
        wrong.append(f"kind: we {ours['kind']}, they {kind}")
    if ours["kind"] in ("automatic", "none"):
        return wrong  # whose program it was is the sender, and no recipient
    we = {one["address"].lower(): one for one in ours["recipients"]}
    # Addresses that were left out of a complaint get a name of their own there.
    they = {one["address"].lower(): one for one in theirs
            if not one["address"].endswith(".invalid")}
    if we.keys() != they.keys():
        wrong.append(f"recipients: we {sorted(we)}, they {sorted(they)}")
    for address in we.keys() & they.keys():
        status = they[address]["status"]
        if is_real(status) and we[address]["status"] != status:
            wrong.append(f"{address}: we {we[address]['status']}, they {status}")
        code = they[address]["code"]
        if code[:1] in ("4", "5") and str(we[address]["code"]) != code:
            wrong.append(f"{address}: we {we[address]['code']}, they {code}")
        alias = they[address]["alias"].lower()
        if alias and alias not in (address, we[address]["original_address"].lower()):
            wrong.append(f"{address}: we {we[address]['original_address']}, they {alias}")
    return wrong


class Returns(unittest.TestCase):
    def test_beside_sisimai(self):
        files = sorted(str(file) for file in CORPUS.glob("*.eml"))
        self.assertGreater(len(files), 40)
        ours = lines_of([os.environ["RETURN_TOOL"], *files])
        theirs = lines_of(["perl", "-e", PERL, *files])
        self.assertEqual([one["file"] for one in ours], [one["file"] for one in theirs])
        names = {pathlib.Path(file).stem for file in files}
        self.assertEqual(DIFFERENT.keys() - names, set(), "no such file")
        for we, they in zip(ours, theirs):
            name = pathlib.Path(we["file"]).stem
            with self.subTest(name):
                wrong = compare(we, they["recipients"])
                if name in DIFFERENT:
                    self.assertTrue(wrong, "is equal and stands in DIFFERENT")
                else:
                    self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
