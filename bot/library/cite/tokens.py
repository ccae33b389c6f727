"""The words and signs of a sentence, in one spelling, and what single words are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bot.library.cite.light_words import DETERMINERS
from bot.text.calendar import (
    ENGLISH_MONTHS,
    ENGLISH_WEEKDAYS,
    MONTH_NUMBERS,
    RUSSIAN_MONTH_FORMS,
    RUSSIAN_WEEKDAY_FORMS,
    RUSSIAN_WEEKDAYS,
)
from bot.text.language import has_russian_letters
from bot.text.morphology import read_word
from bot.text.prepositions import PREPOSITIONS
from bot.text.quantities import mark_signs
from bot.text.quantity_spellings import unify_spellings
from bot.text.stop_words import STOP_WORDS

_FOOTNOTE: Final = re.compile(r"\[\s*[\^№#]?\s?\d{1,3}\s*\]|↑|[\u00b9\u00b2\u00b3\u2070-\u2079]+(?=\W|$)")
_HYPHEN: Final = re.compile(r"(?<=[^\W\d_])[-\u2010\u2011](?=[^\W\d_])")
_SPLIT_CONJUNCTION: Final = re.compile(r"(?<=того), (?=как\b|чтобы\b)")
"""The comma inside of «после того, как»."""
_CELSIUS: Final = re.compile(r"°\s?[CС](?!\w)")
_TOKEN: Final = re.compile(r"\d{4}-\d\d-\d\d|\d+(?:[.,:]\d+)*|°[CF](?!\w)|[%°€$£₽]|[^\W\d_]+(?:['’][^\W\d_]+)*|[^\s\w]")
_EXCEPT: Final = re.compile(
    r"\b(?:with\s+the\s+exception\s+of|except\s+for|apart\s+from|other\s+than)\b|\b(?:за\s+исключением)\b",
    re.IGNORECASE,
)
_UNLIKE: Final = re.compile(
    r"\b(?:in\s+contrast\s+(?:to|with)|as\s+opposed\s+to|в\s+отличие\s+от|в\s+противоположность)\b", re.IGNORECASE
)


def tokenize(text: str) -> list[str]:
    """The words, numbers and signs of a sentence, without footnotes and emphasis, each in one spelling."""
    text = _EXCEPT.sub(_except_in_language, unify_spellings(_SPLIT_CONJUNCTION.sub(" ", text)))
    text = _UNLIKE.sub(" unlike ", text)
    plain = _HYPHEN.sub(" ", _CELSIUS.sub("°C", _FOOTNOTE.sub(" ", text.replace("**", "").replace("__", ""))))
    return _TOKEN.findall(mark_signs(plain))


def _except_in_language(match: re.Match[str]) -> str:
    return "кроме" if has_russian_letters(match[0]) else "except"


def date_key(token: str, word: str, at: int) -> str | None:
    """A month or weekday, the same for all of its forms and both languages."""
    lemmas = (word, word.removesuffix("s"), *read_word(word).lemmas)
    if has_russian_letters(word):
        for lemma in lemmas:
            if (month := RUSSIAN_MONTH_FORMS.get(lemma)) is not None:
                return f"month:{month}"
            if lemma in RUSSIAN_WEEKDAY_FORMS:
                return f"weekday:{RUSSIAN_WEEKDAY_FORMS[lemma]}"
            if lemma in RUSSIAN_WEEKDAYS:
                return f"weekday:{RUSSIAN_WEEKDAYS.index(lemma)}"
        return None
    for lemma in lemmas:
        if lemma in ENGLISH_WEEKDAYS:
            return f"weekday:{ENGLISH_WEEKDAYS.index(lemma)}"
        if lemma in ENGLISH_MONTHS and (lemma not in ("may", "march") or (token[0].isupper() and at > 0)):
            return f"month:{MONTH_NUMBERS[lemma]}"
    if len(word) >= 3 and token[0].isupper() and word in MONTH_NUMBERS and at > 0:
        return f"month:{MONTH_NUMBERS[word]}"
    return None


def is_imperative(words: Sequence[str]) -> bool:
    """Whether a sentence tells to do something: in Russian by the verb's form, in English by how it begins."""
    if not words:
        return False
    if any(has_russian_letters(word) for word in words):
        return any(read_word(word).is_imperative for word in words)
    first = words[0]
    if first in ("do", "don't", "never", "always", "please"):
        return True
    is_content = first not in STOP_WORDS and first not in PREPOSITIONS and not first.endswith(("s", "ing", "ed"))
    return is_content and len(words) > 1 and (words[1] in DETERMINERS or words[1] in PREPOSITIONS or len(words) < 4)
