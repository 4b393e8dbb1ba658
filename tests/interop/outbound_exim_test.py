#!/usr/bin/python3
"""Our queue and Debian's Exim."""

import unittest

from exim import Exim
from outbound import Sending
from outbound_cases import Cases
from receivers import Certificate


class ToExim(Cases, unittest.TestCase):
    domain = "exim.example"

    @classmethod
    def setUpClass(cls):
        cls.sending = cls.enterClassContext(Sending())
        at = cls.sending.domain(cls.domain)
        cls.receiver = cls.enterClassContext(
            Exim([cls.domain], at, cls.sending.port, Certificate(f"mx.{cls.domain}")))


if __name__ == "__main__":
    unittest.main()
