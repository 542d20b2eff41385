"""Malformed files, made here and nowhere stored: each with what should become of it.

A file is refused whole, in words, or it is read: then so many rows are usable, and these are set aside for these
reasons. Nothing else may happen.
"""

from tests.malformed.conversations import CONVERSATIONS
from tests.malformed.of_json import JSON_LINES, JSON_LISTS
from tests.malformed.own_chains import OWN_CHAINS
from tests.malformed.packed import BYTES, ENCODINGS, GZIPS
from tests.malformed.tables import LINES, PARQUETS, TABLES

CASES = [*BYTES, *GZIPS, *ENCODINGS, *JSON_LINES, *JSON_LISTS, *TABLES, *LINES, *PARQUETS, *CONVERSATIONS, *OWN_CHAINS]
