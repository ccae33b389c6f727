"""A recalled memory as a line of the prompt, which tells whose words it is and when they were said."""

from __future__ import annotations

from typing import Final

from bot.locales import Translator
from bot.mind.quoted import as_quotation
from db.memory import Memory

LONGEST_QUOTATION: Final = 640
"""Characters of a document's passage in a note, so that its end is seen in a prompt."""
LONGEST_TITLE: Final = 60
"""Characters of a document's title there, and of the place in it."""


def as_note(memory: Memory, say: Translator) -> str:
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
                for part in (title_in_notes(memory.title or ""), as_quotation(memory.place or "", LONGEST_TITLE))
                if part
            ),
            quotation=as_quotation(own_text(memory), LONGEST_QUOTATION),
        )
    if memory.kind == "summary":
        return say("Earlier in this conversation: {content}", content=memory.content)
    if memory.voice == "mind":
        return say("{date}, the answer given then: {content}", date=date, content=memory.content)
    if memory.speaker is not None:
        return say("{date}, {speaker}: {content}", date=date, speaker=memory.speaker, content=memory.content)
    return say("{date}, the person: {content}", date=date, content=memory.content)


def title_in_notes(title: str) -> str:
    """A document's title as notes from it have it, in any language."""
    return f"“{as_quotation(title, LONGEST_TITLE)}”"


def own_text(passage: Memory) -> str:
    """A passage of a document without the line above it that repeats the title and the headings."""
    lead, _, rest = passage.content.partition("\n")
    return rest if rest and passage.title and lead.startswith(passage.title) else passage.content
