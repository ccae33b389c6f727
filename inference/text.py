"""Text as models take it."""

from __future__ import annotations


def replace_lone_surrogates(text: str) -> str:
    """The text with halves of surrogate pairs, which are no characters, joined or replaced by U+FFFD.

    Python lets them through (a broken emoji in JSON makes one); tokenizers and UTF-8 do not.
    """
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
