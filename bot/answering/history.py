"""Past answers as the model sees them: the author's own text, without marks and quotations of the library."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from bot.core.i18n import LANGUAGES, Translator
from bot.library.cite import strip_marks
from consilium.errors import N_

LIBRARY_QUOTATION: Final = N_("From the library: “{quotation}” {mark}")
"""The paragraph below an answer that the library does not support."""


def without_sources(answer: str) -> str:
    """An answer without its citation marks and without the quotation below it.

    Old marks would look like those of the passages in the new prompt, which have the same numbers.
    """
    return strip_marks(_quotations().sub("", answer)).strip()


@cache
def _quotations() -> re.Pattern[str]:
    """A quotation of the library at the end of an answer, in any language."""
    beginnings = {
        Translator(language)(LIBRARY_QUOTATION, quotation="\0", mark="").partition("\0")[0] for language in LANGUAGES
    }
    return re.compile(rf"(?:\A|\n\n)(?:{'|'.join(map(re.escape, beginnings))})[^\n]*\Z")
