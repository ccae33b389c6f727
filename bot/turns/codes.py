"""Codes that join two accounts: short enough to be typed on a phone, and too many to be guessed in their time."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from typing import Final

CODE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no letter in it is taken for another."""
CODE_LENGTH: Final = 8
"""40 bits."""
# What is read as a sign of the alphabet: letters that look like one, and Cyrillic ones typed in its place.
_LOOKALIKES: Final = str.maketrans("OILОАВСЕНКМРТУХЗ", "0110ABCEHKMPTYX3")
_IGNORED: Final = str.maketrans("", "", " -–—_.\t\n")


def new_code() -> str:
    """A code that nobody can foresee, as it is shown: `7K2M-9PQX`."""
    signs = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
    return f"{signs[:4]}-{signs[4:]}"


def normalize_code(text: str) -> str | None:
    """The code a person has typed, in its one form; None when it cannot be one."""
    signs = unicodedata.normalize("NFKC", text[:40]).upper().translate(_IGNORED).translate(_LOOKALIKES)
    return signs if len(signs) == CODE_LENGTH and all(sign in CODE_ALPHABET for sign in signs) else None


def code_digest(code: str) -> bytes:
    """What is kept of a code and compared: of any two codes it tells as much, or as little, in the same time."""
    signs = normalize_code(code)
    assert signs is not None
    return hashlib.sha256(f"consilium link {signs}".encode()).digest()
