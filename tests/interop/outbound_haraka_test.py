#!/usr/bin/python3
"""Our queue and Haraka."""

import unittest

from haraka import Haraka
from outbound import Sending
from outbound_cases import Cases
from receivers import Certificate


class ToHaraka(Cases, unittest.TestCase):
    domain = "haraka.example"

    @classmethod
    def setUpClass(cls):
        cls.sending = cls.enterClassContext(Sending())
        at = cls.sending.domain(cls.domain)
        cls.receiver = cls.enterClassContext(
            Haraka(at, cls.sending.port, Certificate(f"mx.{cls.domain}")))


if __name__ == "__main__":
    unittest.main()
