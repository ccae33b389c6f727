"""Records as a table that a person chooses from by number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from bot.core.i18n import Translator
from bot.core.messages import Table
from bot.memory.records import RecordLine

MAX_TEXT_LENGTH: Final = 160
"""Characters of a message, an answer or a passage that a list shows."""


def records_table(
    numbered: Iterable[tuple[int, RecordLine]], say: Translator, passages: Mapping[UUID, int] | None = None
) -> Table:
    """Rows with the number, the text and the date of each record.

    Args:
        passages: how many passages each document has.
    """
    rows = [(str(number), _describe(line, say, passages or {}), f"{line.date:%Y-%m-%d}") for number, line in numbered]
    return Table(("N", say("what"), say("since")), rows)


def _describe(line: RecordLine, say: Translator, passages: Mapping[UUID, int]) -> str:
    if line.label == "document":
        return say("document “{name}” (passages: {count})", name=line.title, count=passages.get(line.record.id, 0))
    if line.label == "passage":
        return say("in the document “{name}”: {text}", name=line.title, text=_shorten(line.text))
    if line.label == "message":
        return say("you wrote: {text}", text=_shorten(line.text))
    if line.label == "answer":
        return say("I answered: {text}", text=_shorten(line.text))
    return line.text


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_TEXT_LENGTH else f"{text[: MAX_TEXT_LENGTH - 1]}…"
