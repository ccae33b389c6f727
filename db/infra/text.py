"""What text must be before Postgres takes it, and which language its words are stemmed in."""

from __future__ import annotations

import re
from typing import Literal

Language = Literal["russian", "english", "simple"]
"""A Postgres text search configuration."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CYRILLIC = re.compile(r"[\u0400-\u052f]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")


def clean_text(text: str) -> str:
    """Text as Postgres can store it.

    Postgres refuses NUL, and UTF-8 cannot carry surrogates. Two surrogates that make a pair become the character
    they stand for; NUL and surrogates without a partner become U+FFFD, so the reader sees that something was there.
    All other text comes back as it is. Every string passes through here on its way to the server
    (see `db.infra.connection`).
    """
    if not _UNSTORABLE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\x00", "\ufffd")


def detect_language(text: str) -> Language:
    """The configuration for a text, by its script.

    Any Cyrillic letter makes it `russian`, which stems Latin words as English too; otherwise any Latin letter makes
    it `english`; a text with neither is `simple`, which does not stem.
    """
    if _CYRILLIC.search(text):
        return "russian"
    if _LATIN.search(text):
        return "english"
    return "simple"
