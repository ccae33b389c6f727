"""A recalled memory as a line of the prompt, which tells whose words it is and when they were said."""

from __future__ import annotations

from typing import Final

from bot.core.i18n import Translator
from bot.minds.quoting import sanitise_quotation
from db.memory.memories import Memory

MAX_QUOTATION_LENGTH: Final = 640
"""Characters of a document's passage in a note, so that its end is seen in a prompt."""
MAX_TITLE_LENGTH: Final = 60
"""Characters of a document's title there, and of the place in it."""


def render_memory(memory: Memory, say: Translator) -> str:
    """One line in the person's language.

    A fact stands as it was told. What the mind answered is told as that: it is no word of the person's; nor is what
    stands in a document that he has sent.
    """
    date = f"{memory.valid_from:%Y-%m-%d}"
    if memory.kind == "fact":
        return memory.content
    if memory.kind == "passage":
        return say(
            "{date}, from the document {where} that the person sent: “{quotation}”",
            date=date,
            where=", ".join(
                part
                for part in (quoted_title(memory.title or ""), sanitise_quotation(memory.place or "", MAX_TITLE_LENGTH))
                if part
            ),
            quotation=sanitise_quotation(passage_body(memory), MAX_QUOTATION_LENGTH),
        )
    if memory.kind == "summary":
        return say("Earlier in this conversation: {content}", content=memory.content)
    if memory.voice == "mind":
        return say("{date}, the answer given then: {content}", date=date, content=memory.content)
    if memory.speaker is not None:
        return say("{date}, {speaker}: {content}", date=date, speaker=memory.speaker, content=memory.content)
    return say("{date}, the person: {content}", date=date, content=memory.content)


def quoted_title(title: str) -> str:
    """A document's title as notes from it have it, in any language."""
    return f"“{sanitise_quotation(title, MAX_TITLE_LENGTH)}”"


def passage_body(passage: Memory) -> str:
    """A passage of a document without the line above it that repeats the title and the headings."""
    lead, _, rest = passage.content.partition("\n")
    return rest if rest and passage.title and lead.startswith(passage.title) else passage.content
