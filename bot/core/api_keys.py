"""The form of API keys: how they are made, and what of them is stored and shown.

`csk_`, forty random letters and digits (238 bits), and six that are computed from these: a key that is cut off,
mistyped or in another case is refused without asking the database.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from typing import Final

KEY_PREFIX: Final = "csk_"
SHOWN_LENGTH: Final = 12
"""Characters at the beginning of a key that are shown: with them, the rest still has 190 bits."""
_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_LENGTH: Final = 40
_CHECKSUM_LENGTH: Final = 6
_KEY: Final = re.compile(rf"{KEY_PREFIX}[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECKSUM_LENGTH}}}")


def generate_key() -> str:
    """A new key."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return f"{KEY_PREFIX}{drawn}{_checksum(drawn)}"


def is_key(text: str) -> bool:
    """Whether a text has the form of a key, its checksum included."""
    if not _KEY.fullmatch(text):
        return False
    drawn, checksum = text[len(KEY_PREFIX) : -_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    return _checksum(drawn) == checksum


def key_digest(key: str) -> bytes:
    """What is stored of a key: 32 bytes of SHA-256."""
    return hashlib.sha256(key.encode()).digest()


def _checksum(drawn: str) -> str:
    number, digits = zlib.crc32(drawn.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
