"""A recalled memory as a line of the prompt, which tells whose words it is and when they were said."""

from __future__ import annotations

from bot.locales import Translator
from db.memory import Memory


def as_note(memory: Memory, say: Translator) -> str:
    """One line in the person's language.

    A fact stands as it was told. What the mind answered is told as that: it is no word of the person's.
    """
    date = f"{memory.valid_from:%Y-%m-%d}"
    if memory.kind == "fact":
        return memory.content
    if memory.kind == "summary":
        return say("Earlier in this conversation: {content}", content=memory.content)
    if memory.voice == "mind":
        return say("{date}, the answer given then: {content}", date=date, content=memory.content)
    if memory.speaker is not None:
        return say("{date}, {speaker}: {content}", date=date, speaker=memory.speaker, content=memory.content)
    return say("{date}, the person: {content}", date=date, content=memory.content)
