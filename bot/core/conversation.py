"""Who is speaking, and in which session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.core.i18n import LANGUAGES, Language, Translator, system_language
from bot.core.messages import ClientConversation, Incoming
from bot.text.language import detect_language
from db.errors import RecordNotFound
from db.infra.connection import Connection, PersonConnection
from db.people import sessions, users
from db.people.sessions import Session
from db.people.users import User
from db.turns.turns import Turn


@dataclass(slots=True)
class Conversation:
    """One person in one place; `user` and `session` are as last read or changed."""

    user: User
    session: Session
    detected_language: Language
    """The language this message is written in, or the best guess."""
    client_conversation: ClientConversation | None = None
    """What the client brought of the conversation; None when the session has all of it."""

    @property
    def language(self) -> Language:
        """The language chosen by the person, else the one he writes in."""
        chosen = self.user.locale
        return next((language for language in LANGUAGES if language == chosen), self.detected_language)

    @property
    def say(self) -> Translator:
        return Translator(self.language)


_MIN_WORDS_TO_DETECT: Final = 3
"""Words after a command that tell by themselves in which language somebody writes."""


def detect_message_language(incoming: Incoming) -> Language:
    """What a message is written in; a bare command, or one with a name or two in Latin letters, falls back on what the
    platform says."""
    is_command = incoming.client_conversation is None and incoming.text.lstrip().startswith("/")
    text = incoming.text.partition(" ")[2] if is_command else incoming.text
    spoken = detect_language(text)
    if is_command and spoken == "en" and len(text.split()) < _MIN_WORDS_TO_DETECT:
        spoken = None
    return spoken or incoming.language or system_language()


async def open_conversation(
    connection: Connection, incoming: Incoming, *, mind: str, default_mode: str
) -> tuple[Conversation, PersonConnection]:
    """Find the person and their session, or create them; the rest of the transaction is theirs.

    Args:
        mind: the name of the mind they talk to.
        default_mode: the mode of a new session.
    """
    user = await users.identify(connection, platform=incoming.platform, external_id=incoming.person)
    person = await connection.become_person(user.id)
    session = await sessions.get_or_create(
        person,
        platform=incoming.platform,
        place=f"{mind}/{incoming.place}",
        mode=default_mode,
        chat=incoming.chat,
    )
    return Conversation(user, session, detect_message_language(incoming), incoming.client_conversation), person


async def load_conversation(connection: PersonConnection, turn: Turn) -> Conversation:
    """The conversation a turn belongs to, as it is now.

    Raises:
        RecordNotFound: the person or the session is not there any more.
    """
    user = await users.get(connection)
    session = await sessions.get(connection, turn.session_id)
    if user is None:
        raise RecordNotFound(record="person")
    spoken = next((language for language in LANGUAGES if language == turn.language), None)
    return Conversation(user, session, spoken or system_language())
