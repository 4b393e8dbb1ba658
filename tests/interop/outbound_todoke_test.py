#!/usr/bin/python3
"""Two of our own: one sends, the other receives, and IMAP shows what came of it."""

import imaplib
import re
import smtplib
import unittest

from outbound import Sending, message
from todoke_server import DOMAIN, PASSWORD, Listener, Server, address

print
