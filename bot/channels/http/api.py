"""The parts of the service that the HTTP channel uses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request

from bot.answering.composer import Composer
from bot.channels.http.api_client import ApiClient
from bot.channels.http.auth import ApiClients
from bot.channels.http.reply import PLATFORM
from bot.core.i18n import LANGUAGES, Language, Translator, system_language
from bot.core.messages import Incoming
from bot.intake.access import AccessDenied, AccessPolicy
from bot.intake.inline import AcceptedMessage, InlineResponder
from bot.library.search import Library
from bot.memory import PersonalMemory
from bot.minds import Mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import ResolvedMode, resolve_mode
from bot.turns.heartbeat import Heartbeat
from db.infra.connection import PersonConnection
from db.infra.database import Database
from db.people import users
from inference.embedding import Embedder
from inference.engines.port import Engine


class Loadable(Protocol):
    """Models that are loaded in the background."""

    async def wait(self) -> None:
        """Return when they are loaded.

        Raises:
            ConsiliumError: what is missing or broken.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The parts of the service that the endpoints need."""

    mind: Mind
    composer: Composer
    database: Database
    memory: PersonalMemory
    direct: InlineResponder
    heartbeat: Heartbeat
    clients: ApiClients
    access_policy: AccessPolicy
    engine: Engine | None
    """None in a process that answers no questions."""
    embedder: Embedder | None
    """None in a process that answers no questions."""
    library: Library
    loading: Loadable
    """Loads the models: what needs them waits for it."""
    document_bytes: int
    """Bytes that a document may have."""
    language: Language | None
    """The language of messages when a request asks for none; None for the system's."""

    def resolve_mode(self, model: str) -> ResolvedMode:
        """The mode that a model's name stands for. Access for a person is not checked here.

        Raises:
            ModeError: there is no such mode, or the mind does not allow it.
        """
        mode = resolve_mode(parse_expression(model), self.mind)
        self.composer.validate(mode)
        return mode

    async def takes_tools(self) -> bool:
        """Whether the base model's chat template knows tools, in a form whose calls are understood."""
        engine = self.engine
        # The first look reads the tokenizer and tries the template.
        return engine is not None and await asyncio.to_thread(lambda: engine.tokenizer.takes_tools)

    def translator_for(self, request: Request) -> Translator:
        """The translator into the language that a request asks for."""
        return Translator(requested_language(request) or self.language or system_language())

    async def accept(self, client: ApiClient, incoming: Incoming) -> AcceptedMessage:
        """Store a client's message and claim its turn (`InlineResponder.accept`).

        Raises:
            ConsiliumError: it is not accepted, and why.
        """
        return await self.direct.accept(client.admit(incoming))

    @asynccontextmanager
    async def person_connection(self, client: ApiClient, user: str | None) -> AsyncIterator[PersonConnection | None]:
        """A transaction of a client's person; None for somebody who has never written: nobody is made.

        Args:
            user: the client's name for them; None: the program itself.

        Raises:
            PersonNotInScope: the client's key may not name them.
            AccessDenied: the operator does not let them in.
        """
        external_id = client.external_id(user)
        async with self.database.anonymous_transaction() as connection:
            access = await self.access_policy.check(connection, Incoming(PLATFORM, external_id, "", ""))
            if isinstance(access, AccessDenied):
                raise access
            person = await users.find(connection, platform=PLATFORM, external_id=external_id)
            yield None if person is None else await connection.become_person(person)


def requested_language(request: Request) -> Language | None:
    """The first language in `Accept-Language` that the service speaks; None if there is none."""
    tags = (part.split(";")[0].strip().lower() for part in request.headers.get("Accept-Language", "").split(","))
    return next((language for tag in tags for language in LANGUAGES if tag.split("-")[0] == language), None)


def api_of(request: Request) -> Api:
    """The parts of the service, in an endpoint of the API."""
    api: Api = request.state.api
    return api
