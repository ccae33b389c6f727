"""The person, the session and the language of a message."""

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

WINDOW_TURNS: Final = 20
"""Turns that the recent window has at most, before the token budget shortens it."""
_MIN_WORDS_TO_DETECT: Final = 3
"""Words after a command that are enough to detect English by."""


@dataclass(slots=True)
class Conversation:
    """One person in one place. `user` and `session` are as they were last read or changed."""

    user: User
    session: Session
    detected_language: Language
    """The language this message is written in, or the best guess."""
    client_conversation: ClientConversation | None = None
    """The conversation that the client keeps itself; None when the session has it."""

    @property
    def language(self) -> Language:
        """The language that the person has chosen, else the one they write in."""
        chosen = self.user.locale
        return next((language for language in LANGUAGES if language == chosen), self.detected_language)

    @property
    def say(self) -> Translator:
        """Translates the service's own sentences for this person."""
        return Translator(self.language)


def detect_message_language(incoming: Incoming) -> Language:
    """The language that a message is written in.

    For a command without arguments, or with only a name or two in Latin letters, it is what the platform says.
    """
    is_command = incoming.client_conversation is None and incoming.text.lstrip().startswith("/")
    text = incoming.text.partition(" ")[2] if is_command else incoming.text
    if not text.strip():
        # Somebody who only passes a message on has no words of their own in it.
        text = next((quotation.text for quotation in incoming.quotations), "") if not is_command else text
    detected = detect_language(text)
    if is_command and detected == "en" and len(text.split()) < _MIN_WORDS_TO_DETECT:
        detected = None
    return detected or incoming.language or system_language()


async def open_conversation(
    connection: Connection, incoming: Incoming, *, mind: str, default_mode: str
) -> tuple[Conversation, PersonConnection]:
    """Find the person and their session, or create them. The rest of the transaction runs as that person.

    Args:
        mind: the name of the mind that they talk to.
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
    await _enter_company(person, session)
    return Conversation(user, session, detect_message_language(incoming), incoming.client_conversation), person


async def load_conversation(connection: PersonConnection, turn: Turn) -> Conversation:
    """The conversation a turn belongs to, as it is now.

    Raises:
        RecordNotFound: the person or the session has been deleted.
    """
    user = await users.get(connection)
    session = await sessions.get(connection, turn.session_id)
    await _enter_company(connection, session)
    if user is None:
        raise RecordNotFound(record="person")
    language = next((language for language in LANGUAGES if language == turn.language), None)
    return Conversation(user, session, language or system_language())


async def _enter_company(connection: PersonConnection, session: Session) -> None:
    """In a chat with others, nothing private exists for the rest of the transaction."""
    if session.group_chat is not None:
        await connection.enter_chat(session.group_chat)
