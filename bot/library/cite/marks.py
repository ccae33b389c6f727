"""Citation marks: `[1]` and what models and documents write that looks like one."""

from __future__ import annotations

import re
from typing import Final

_NUMBER: Final = r"[\^№#]?\s?\d{1,3}"
_LABEL: Final = (
    r"(?:(?:sources?|refs?|references?|citations?|passages?|docs?|documents?|quotes?|excerpts?|footnotes?|источники?|ссылк[аи]|"
    r"отрыв(?:ок|ки)|цитат[аы]|документы?|сноск[аи])[.:]?\s?)?"
)
_NUMBERS: Final = rf"\s*{_LABEL}{_NUMBER}(?:\s*[,;–—-]\s*{_NUMBER})*\s*"
MARK: Final = re.compile(
    rf"\[\[{_NUMBERS}\]\]|\[{_NUMBERS}\]|［{_NUMBERS}］|【\s*\d{{1,3}}[^】\n]{{0,40}}】", re.IGNORECASE
)
PARTIAL_MARK: Final = re.compile(
    rf"(?:\[\[?|［)\s*(?:[a-zа-я]{{0,10}}|[a-zа-я]{{3,10}}[.:]?\s?[\d\s,;–—^№#-]{{0,40}}|[\d\s,;–—^№#-]{{0,40}})|"
    rf"\[\[{_NUMBERS}\]|【[^】\n]{{0,45}}",
    re.IGNORECASE,
)
"""What may still become a mark when more text comes."""
OPENING_BRACKETS: Final = "[［【"
_SEVERAL_NUMBERS: Final = re.compile(r"\d\D+\d")
_BEFORE_A_LIST: Final = ":=([{+*/<>"
_MARK_WITH_SPACE: Final = re.compile(rf"[ \t]*(?:{MARK.pattern})")
_CODE: Final = re.compile(r"(`+)(?:.*?(?<!`)\1(?!`)|.*\Z)", re.DOTALL)
_ARROWS: Final = re.compile(r"\s?[↑↩]\ufe0e?")


def is_list(bracket: str, before: str) -> bool:
    """Whether numbers in brackets are a list and no mark: "the answer is: [3, 1, 2]".

    Args:
        bracket: with its brackets.
        before: the text before it.
    """
    return before.rstrip().endswith(tuple(_BEFORE_A_LIST)) and _SEVERAL_NUMBERS.search(bracket) is not None


def strip_marks(text: str) -> str:
    """A text without the marks in it. Code keeps them: there they are indices."""
    parts, start = [], 0
    for code in _CODE.finditer(text):
        parts += [_strip_prose(text[start : code.start()]), code[0]]
        start = code.end()
    return "".join([*parts, _strip_prose(text[start:])])


def strip_footnotes(text: str) -> str:
    """A passage's text without what its footnotes left: marks, and arrows back to the text."""
    return _ARROWS.sub("", strip_marks(text))


def _strip_prose(text: str) -> str:
    return _MARK_WITH_SPACE.sub(
        lambda match: match[0] if is_list(match[0].strip(), text[: match.start()]) else "", text
    )
