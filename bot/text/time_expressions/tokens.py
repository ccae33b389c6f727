"""The words of a text with their places, and how phrases of them are looked up."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from bot.text.numerals import ENGLISH_NUMBERS
from bot.text.words import fold

LONGEST_PHRASE: Final = 6
"""Words in the longest phrase that is looked up."""

_ORDINAL_ENDING: Final = r"(?:st|nd|rd|th|s|-?(?:го|его|ого|е|ое|му|м|ом|й|х|ых|ые)|г)"
_TOKEN: Final = re.compile(
    rf"""(?<![\w.,-])\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}(?!\w|[-/.,]\d)
    |(?<![\w.,-])\d{{1,2}}(?:-\d{{1,2}}-|/\d{{1,2}}/)\d{{4}}(?!\w|[-/.,]\d)
    |(?<![\w.,:])\d{{1,2}}\.\d{{1,2}}(?:\.(?:\d{{4}}|\d\d))?(?!\w|[.,:%]\d|%)
    |\d+{_ORDINAL_ENDING}(?!\w)
    |\d+(?:[.,:]\d+)*(?!\w)
    |\w+
    |['’]\w+
    |\S""",
    re.IGNORECASE | re.VERBOSE,
)
_ENGLISH_TENS: Final = frozenset(word for word, value in ENGLISH_NUMBERS.items() if value >= 20)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a number, a date in digits or a mark."""

    text: str
    """Folded."""
    start: int
    end: int
    is_capitalised: bool


def tokenise(text: str) -> list[Token]:
    """The tokens of a text in order; "twenty-one" is two, without the hyphen."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        tokens.append(Token(fold(match[0]), match.start(), match.end(), match[0][0].isupper()))
        if len(tokens) > 2 and tokens[-2].text == "-" and tokens[-3].text in _ENGLISH_TENS:
            del tokens[-2]
    return tokens


def phrase_key(phrase: str) -> str:
    """A phrase as `Words.find` looks it up: its tokens with blanks between."""
    return " ".join(token.text for token in tokenise(phrase))


class Words:
    """The tokens of a text."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self.tokens: Final = list(tokens)
        self.texts: Final = [token.text for token in self.tokens]
        self._phrases: Final[dict[int, list[tuple[str, int]]]] = {}

    def text(self, at: int) -> str:
        """The token at an index; empty beyond the last and before the first."""
        return self.texts[at] if 0 <= at < len(self.texts) else ""

    def find(self, table: Mapping[str, _T], at: int) -> tuple[_T, int] | None:
        """What the longest phrase of a table that begins at an index stands for, and the index after it."""
        for phrase, end in self._phrases_at(at):
            if phrase in table:
                return table[phrase], end
        return None

    def skip(self, phrases: Collection[str], at: int) -> int:
        """The index after the longest of some phrases that begins at an index; that index itself if none does."""
        return next((end for phrase, end in self._phrases_at(at) if phrase in phrases), at)

    def starts(self, phrases: Collection[str], at: int) -> bool:
        """Whether one of some phrases begins at an index."""
        return self.skip(phrases, at) > at

    def _phrases_at(self, at: int) -> list[tuple[str, int]]:
        """Each phrase that begins at an index with the index after it, the longest first."""
        if at < 0:
            return []
        if at not in self._phrases:
            ends = range(min(at + LONGEST_PHRASE, len(self.texts)), at, -1)
            self._phrases[at] = [(" ".join(self.texts[at:end]), end) for end in ends]
        return self._phrases[at]
