"""Keys by which a Todoke signs, put into its database, and their DNS records."""

import base64
import sqlite3
import subprocess

ALGORITHMS = (("rsa", 0, ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")),
              ("ed25519", -32, ("-algorithm", "ED25519")))


def add(database, domain):
    """{name: TXT record} of an RSA and an Ed25519 key."""
    records = {}
    connection = sqlite3.connect(database, timeout=30)
    with connection:
        for number, (name, start, options) in enumerate(ALGORITHMS):
            private = subprocess.run(["openssl", "genpkey", *options], check=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            public = subprocess.run(["openssl", "pkey", "-pubout", "-outform", "DER"],
                                    input=private, check=True, stdout=subprocess.PIPE).stdout
            public = base64.b64encode(public[start:]).decode()
            connection.execute("insert into dkim_key values (?, ?, ?, ?, ?, 0, 0, null)",
                               (domain, name, number, private.decode(), public))
            records[f"{name}._domainkey.{domain}"] = f"v=DKIM1; k={name}; p={public}"
    connection.close()
    return records
