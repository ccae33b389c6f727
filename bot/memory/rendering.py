"""Renders a recalled memory as a line of the prompt that says whose words they are and when they were said."""

from __future__ import annotations

from typing import Final

from bot.core.i18n import Translator
from bot.minds.quoting import sanitise_quotation
from bot.text.dates import format_day
from db.memory.memories import Memory

MAX_QUOTATION_LENGTH: Final = 640
"""Maximum length of a document's passage, in characters: the line must fit into a prompt with its end."""
MAX_TITLE_LENGTH: Final = 60
"""Maximum length of a document's title, and of a place in it, in characters."""


def render_memory(memory: Memory, say: Translator) -> str:
    """One line in the person's language.

    A fact has the day from which it holds. An answer of the mind and a passage of a document are marked as such, since
    they are not the person's own words.
    """
    date = f"{memory.valid_from:%Y-%m-%d}"
    if memory.kind == "fact":
        return say("as of {day}: {content}", day=format_day(memory.valid_from, say.language), content=memory.content)
    if memory.kind == "passage":
        return say(
            "{date}, from the document {where} that the person sent: “{quotation}”",
            date=date,
            where=", ".join(
                part
                for part in (quoted_title(memory.title or ""), sanitise_quotation(memory.place or "", MAX_TITLE_LENGTH))
                if part
            ),
            quotation=passage_quotation(memory.content, memory.title),
        )
    if memory.kind == "summary":
        return say("Earlier in this conversation: {content}", content=memory.content)
    if memory.voice == "mind":
        return say("{date}, the answer given then: {content}", date=date, content=memory.content)
    if memory.speaker is not None:
        return say("{date}, {speaker}: {content}", date=date, speaker=memory.speaker, content=memory.content)
    return say("{date}, the person: {content}", date=date, content=memory.content)


def quoted_title(title: str) -> str:
    """A document's title as `render_memory` writes it, in any language."""
    return f"“{sanitise_quotation(title, MAX_TITLE_LENGTH)}”"


def passage_quotation(content: str, title: str | None) -> str:
    """A passage as `render_memory` quotes it: without its first line, which repeats the title and the headings."""
    lead, _, rest = content.partition("\n")
    body = rest if rest and title and lead.startswith(title) else content
    return sanitise_quotation(body, MAX_QUOTATION_LENGTH)
