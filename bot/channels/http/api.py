"""What the HTTP channel works with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from bot.channels.http.clients import Clients, person_of
from bot.channels.http.reading import read_user
from bot.channels.http.reply import PLATFORM
from bot.locales import LANGUAGES, Language, Translator, system_language
from bot.mind import Mind
from bot.modes.composer import Composer
from bot.modes.expression import parse
from bot.modes.resolve import ResolvedMode, resolve
from bot.turns.direct import Direct
from bot.turns.presence import Presence
from db import users
from db.connection import PersonConnection
from db.database import Database


@dataclass(frozen=True, slots=True)
class Api:
    """The parts of the service that the endpoints need."""

    mind: Mind
    composer: Composer
    database: Database
    direct: Direct
    presence: Presence
    clients: Clients
    language: Language | None
    """Of the service's own sentences for those who ask for none; None for the system's."""

    def mode(self, model: str) -> ResolvedMode:
        """The mode that a model's name stands for; whom it may answer is not looked at.

        Raises:
            ModeError: there is no such mode, or the mind does not allow it.
        """
        mode = resolve(parse(model), self.mind)
        self.composer.check(mode)
        return mode

    def say(self, request: web.Request) -> Translator:
        """Speaks the language that a request asks for."""
        return Translator(spoken(request) or self.language or system_language())

    @asynccontextmanager
    async def person(self, request: web.Request) -> AsyncIterator[PersonConnection]:
        """A transaction of the person whom a request names by `?user=`.

        Raises:
            RequestRefused: whoever asks may not.
        """
        person = person_of(self.clients.name_of(request), read_user(request))
        async with self.database.nobody() as connection:
            user = await users.identify(connection, platform=PLATFORM, external_id=person)
            yield await connection.become(user.id)


def spoken(request: web.Request) -> Language | None:
    """The first language of a request's `Accept-Language` that the service speaks."""
    wanted = (part.split(";")[0].strip().lower() for part in request.headers.get("Accept-Language", "").split(","))
    return next((language for tag in wanted for language in LANGUAGES if tag.split("-")[0] == language), None)
