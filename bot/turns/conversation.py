"""Who is speaking, and in which session."""

from __future__ import annotations

from dataclasses import dataclass

from bot.channels.port import Incoming
from bot.locales import LANGUAGES, Language, Translator, language_of, system_language
from bot.mind import Mind
from db import sessions, users
from db.database import Database
from db.sessions import Session
from db.users import User


@dataclass(slots=True)
class Conversation:
    """One person in one place; `user` and `session` are as last read or changed."""

    user: User
    session: Session
    heard: Language
    """The language this message is written in, or the best guess."""

    @property
    def language(self) -> Language:
        """The language chosen by the person, else the one he writes in."""
        chosen = self.user.locale
        return next((language for language in LANGUAGES if language == chosen), self.heard)

    @property
    def say(self) -> Translator:
        return Translator(self.language)


def heard_language(incoming: Incoming) -> Language:
    """What a message is written in; a bare command falls back on what the platform says."""
    spoken = None if incoming.text.lstrip().startswith("/") else language_of(incoming.text)
    return spoken or incoming.language or system_language()


async def open_conversation(database: Database, mind: Mind, incoming: Incoming) -> Conversation:
    """Find the person and his session, or make them."""
    async with database.nobody() as connection:
        user = await users.identify(connection, platform=incoming.platform, external_id=incoming.person)
    async with database.person(user.id) as connection:
        session = await sessions.open(
            connection, platform=incoming.platform, place=f"{mind.name}/{incoming.place}", mode=mind.default_mode
        )
    return Conversation(user, session, heard_language(incoming))
