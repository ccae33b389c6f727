"""Text with entities, as Telegram has it: joined, cut into messages, and measured in UTF-16 units."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from aiogram.types import MessageEntity

MOST_UNITS: Final = 4096
"""UTF-16 units of one message."""
MOST_ENTITIES: Final = 100
"""Entities of one message; Telegram drops those over it in silence."""
_DROPPED: Final = dict.fromkeys([0x0D, 0x030A, 0x0333, 0x033F, *range(0x2028, 0x202F), *range(0xD800, 0xE000)])
_SPACED: Final = dict.fromkeys([c for c in range(0x20) if c not in (0x09, 0x0A, 0x0D)], " ") | {0x09: "    "}
_CUTS: Final = tuple(map(re.compile, (r"\n\s*\n", r"\n", r"[.!?…;]\s", r"\s")))
"""Where a text may be cut, the best first: between paragraphs, lines, sentences, words."""
_LEAST: Final = 0.3
"""A better cut is taken when at least so much of the message is filled."""


@dataclass(frozen=True, slots=True)
class Span:
    """One entity, from `start` to before `end`, counted in characters."""

    kind: str
    """As Telegram calls it: `bold`, `code`, `pre`, `text_link`, …"""
    start: int
    end: int
    detail: str | None = None
    """The address of a link, the language of a block of code."""


@dataclass(frozen=True, slots=True)
class Formatted:
    """A text and what of it looks otherwise."""

    text: str = ""
    spans: tuple[Span, ...] = ()

    @property
    def units(self) -> int:
        """Its length as Telegram counts it."""
        return utf16(self.text)

    @property
    def is_blank(self) -> bool:
        """Whether Telegram would not take it for a message: nothing of it is visible."""
        return not any(visible(c) for c in self.text)

    def entities(self) -> list[MessageEntity]:
        """As the Bot API takes them."""
        return [
            MessageEntity(
                type=span.kind,
                offset=utf16(self.text[: span.start]),
                length=utf16(self.text[span.start : span.end]),
                url=span.detail if span.kind == "text_link" else None,
                language=span.detail if span.kind == "pre" else None,
            )
            for span in self.spans
        ]

    def cut(self, start: int, end: int) -> Formatted:
        """A piece of it, with what of each entity lies in it."""
        kept = (
            replace(span, start=max(span.start, start) - start, end=min(span.end, end) - start)
            for span in self.spans
            if span.start < end and span.end > start
        )
        return Formatted(self.text[start:end], tuple(kept))


def utf16(text: str) -> int:
    """UTF-16 units of a text."""
    return len(text) + sum(c > "\uffff" for c in text)


def visible(character: str) -> bool:
    """Whether a character by itself shows anything."""
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"}


def clean(text: str) -> str:
    """Without what Telegram drops or changes by itself, so that what is sent is what is shown."""
    return text.translate(_DROPPED).translate(_SPACED)


def plain(text: str) -> Formatted:
    """A text as it is."""
    return Formatted(clean(text).strip())


def styled(text: str, kind: str, detail: str | None = None) -> Formatted:
    """A text that looks one way from end to end."""
    text = clean(text).strip("\n")
    return Formatted(text, (Span(kind, 0, len(text), detail),) if text else ())


def joined(pieces: Iterable[Formatted], between: str = "\n\n") -> Formatted:
    """The pieces that are not empty, one after another."""
    text, spans = "", list[Span]()
    for piece in pieces:
        if not piece.text:
            continue
        at = len(text) + len(between) if text else 0
        text = text + between + piece.text if text else piece.text
        spans += (replace(span, start=span.start + at, end=span.end + at) for span in piece.spans)
    return Formatted(text, tuple(spans))


def pages(whole: Formatted, most: int = MOST_UNITS) -> list[Formatted]:
    """The messages a text is shown in. Nothing is lost but blanks where it is cut; a block of code that is cut goes on
    as one. As a text grows at its end, the messages before the last stay as they are.
    """
    found = []
    at = _begin(whole, 0)
    while at < len(whole.text):
        end = _end(whole, at, most)
        piece = whole.cut(at, at + len(whole.text[at:end].rstrip()))
        if not piece.is_blank:
            found.append(piece)
        at = _begin(whole, end)
    return found


def _begin(whole: Formatted, at: int) -> int:
    """Where the next message begins: blank lines are left out, and blanks too, but for those of code."""
    text = whole.text
    first = at
    while first < len(text) and text[first].isspace():
        first += 1
    line = text.rfind("\n", at, first) + 1 or at
    in_code = any(span.kind == "pre" and span.start <= line < span.end for span in whole.spans)
    return line if in_code and first < len(text) else first


def _end(whole: Formatted, at: int, most: int) -> int:
    hard = _reach(whole.text, at, most)
    begun = sorted(span.start for span in whole.spans if span.start < hard and span.end > at)
    if len(begun) > MOST_ENTITIES and begun[MOST_ENTITIES] > at:
        hard = begun[MOST_ENTITIES]
    elif hard == len(whole.text):
        return hard
    least = at + int((hard - at) * _LEAST)
    for cut in _CUTS:
        ends = [found.end() for found in cut.finditer(whole.text, least, hard)]
        if ends:
            return ends[-1]
    return _whole_character(whole.text, at, hard)


def _reach(text: str, at: int, most: int) -> int:
    """The furthest end of a piece of so many UTF-16 units."""
    end = min(len(text), at + most)
    while utf16(text[at:end]) > most:
        end -= max(1, (utf16(text[at:end]) - most + 1) // 2)
    return end


def _whole_character(text: str, at: int, end: int) -> int:
    """An end that parts no letter from its accents, and no emoji that is joined of several."""
    for back in range(end, max(at, end - 16), -1):
        parted = unicodedata.combining(text[back]) or text[back] in "\u200d\ufe0f" or text[back - 1] == "\u200d"
        if not parted and not "\U0001f3fb" <= text[back] <= "\U0001f3ff":
            return back
    return end
