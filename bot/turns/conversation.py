"""Who is speaking, and in which session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.channels.given import Given
from bot.channels.port import Incoming
from bot.locales import LANGUAGES, Language, Translator, language_of, system_language
from bot.mind import Mind
from db import sessions, users
from db.connection import Connection, PersonConnection
from db.errors import RecordGone
from db.sessions import Session
from db.turns import Turn
from db.users import User


@dataclass(slots=True)
class Conversation:
    """One person in one place; `user` and `session` are as last read or changed."""

    user: User
    session: Session
    heard: Language
    """The language this message is written in, or the best guess."""
    given: Given | None = None
    """What the client brought of the conversation; None when the session has all of it."""

    @property
    def language(self) -> Language:
        """The language chosen by the person, else the one he writes in."""
        chosen = self.user.locale
        return next((language for language in LANGUAGES if language == chosen), self.heard)

    @property
    def say(self) -> Translator:
        return Translator(self.language)


_SENTENCE: Final = 3
"""Words after a command that tell by themselves in which language somebody writes."""


def heard_language(incoming: Incoming) -> Language:
    """What a message is written in; a bare command, or one with a name or two in Latin letters, falls back on what the
    platform says."""
    is_command = incoming.given is None and incoming.text.lstrip().startswith("/")
    text = incoming.text.partition(" ")[2] if is_command else incoming.text
    spoken = language_of(text)
    if is_command and spoken == "en" and len(text.split()) < _SENTENCE:
        spoken = None
    return spoken or incoming.language or system_language()


async def open_conversation(
    connection: Connection, mind: Mind, incoming: Incoming
) -> tuple[Conversation, PersonConnection]:
    """Find the person and his session, or make them; the rest of the transaction is his."""
    user = await users.identify(connection, platform=incoming.platform, external_id=incoming.person)
    person = await connection.become(user.id)
    session = await sessions.open(
        person,
        platform=incoming.platform,
        place=f"{mind.name}/{incoming.place}",
        mode=mind.default_mode,
        chat=incoming.chat,
    )
    return Conversation(user, session, heard_language(incoming), incoming.given), person


async def conversation_of(connection: PersonConnection, turn: Turn) -> Conversation:
    """The conversation a turn belongs to, as it is now.

    Raises:
        RecordGone: the person or the session is not there any more.
    """
    user = await users.get(connection)
    session = await sessions.get(connection, turn.session_id)
    if user is None:
        raise RecordGone(record="person")
    spoken = next((language for language in LANGUAGES if language == turn.language), None)
    return Conversation(user, session, spoken or system_language())
