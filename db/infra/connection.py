"""A connection inside its transaction, as the repositories use it."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from db.errors import DatabaseError
from db.infra.driver_errors import translate_driver_errors
from db.infra.text import clean_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractContextManager
    from uuid import UUID

    import asyncpg

SET_CURRENT_PERSON: Final = "SELECT set_config('app.user', $1, true)"
SET_CURRENT_CHAT: Final = "SELECT set_config('app.chat', $1, true)"
PLAN_ONCE: Final = "SET LOCAL plan_cache_mode = force_generic_plan"
_PLAN_BY_VALUE: Final = "SET LOCAL plan_cache_mode = auto"
_CREATE_SAVEPOINT: Final = "SAVEPOINT attempt"
_ROLLBACK_TO_SAVEPOINT: Final = "ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt"
_RELEASE_SAVEPOINT: Final = "RELEASE SAVEPOINT attempt"
"""One name does: of several of the same name the innermost is meant."""


class Connection:
    """One transaction on one pooled connection.

    Strings among the arguments are cleaned (`db.infra.text.clean_text`); what the driver raises because of
    the server or of other transactions comes out as a `DatabaseUnavailable`. Broken constraints and mistakes in a
    statement stay the driver's own errors.
    """

    def __init__(self, raw: asyncpg.Connection, server: str) -> None:
        self.raw = raw
        """The driver's connection, for COPY, LISTEN and libraries that are built on it."""
        self._server = server

    def translate_driver_errors(self) -> AbstractContextManager[None]:
        """Around what a library does with `raw`: the driver's errors come out as a `DatabaseError` there too."""
        return translate_driver_errors(self._server)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part of the transaction that is undone when it raises, with the rest left as it is."""
        await self._execute_script(_CREATE_SAVEPOINT)
        try:
            yield
        except BaseException:
            with suppress(DatabaseError):
                await self._execute_script(_ROLLBACK_TO_SAVEPOINT)
            raise
        await self._execute_script(_RELEASE_SAVEPOINT)

    async def become_person(self, user_id: UUID) -> PersonConnection:
        """The rest of the transaction is this person's: it sees their rows and no one else's."""
        with translate_driver_errors(self._server):
            await self.raw.execute(SET_CURRENT_PERSON, str(user_id))
        return PersonConnection(self.raw, self._server, user_id)

    async def plan_by_value(self) -> None:
        """From here to the transaction's end, plan statements by the values of their arguments where that pays."""
        await self._execute_script(_PLAN_BY_VALUE)

    async def notify(self, channel: str, payload: str) -> None:
        """Notify the listeners of a channel once the transaction commits."""
        await self.fetchval("SELECT pg_notify($1, $2)", channel, payload)

    async def fetch(self, statement: str, *arguments: object) -> list[Mapping[str, Any]]:
        """All rows."""
        with translate_driver_errors(self._server):
            return list(await self.raw.fetch(statement, *_clean_arguments(arguments)))

    async def fetchrow(self, statement: str, *arguments: object) -> Mapping[str, Any] | None:
        """The first row, if any."""
        with translate_driver_errors(self._server):
            row: Mapping[str, Any] | None = await self.raw.fetchrow(statement, *_clean_arguments(arguments))
            return row

    async def fetchval(self, statement: str, *arguments: object) -> Any:
        """The first column of the first row; None when there is no row."""
        with translate_driver_errors(self._server):
            return await self.raw.fetchval(statement, *_clean_arguments(arguments))

    async def execute(self, statement: str, *arguments: object, deadline: float | None = None) -> int:
        """Run a statement and return how many rows it touched.

        Args:
            deadline: seconds it may take, where that is not what every statement may.
        """
        with translate_driver_errors(self._server):
            status: str = await self.raw.execute(statement, *_clean_arguments(arguments), timeout=deadline)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def _execute_script(self, statements: str) -> None:
        with translate_driver_errors(self._server):
            await self.raw.execute(statements)


class PersonConnection(Connection):
    """A transaction in which only one person's rows are visible."""

    def __init__(self, raw: asyncpg.Connection, server: str, user_id: UUID) -> None:
        super().__init__(raw, server)
        self.user_id = user_id

    async def enter_chat(self, chat: str) -> None:
        """From here to the transaction's end, see only what may be known in a chat with others.

        Row-level security sees to it: no statement, however it is written, reads a turn or a memory that is private or
        of another chat.

        Args:
            chat: the chat with its platform, as in `telegram:-100123`.
        """
        with translate_driver_errors(self._server):
            await self.raw.execute(SET_CURRENT_CHAT, chat)


def _clean_arguments(arguments: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(clean_text(argument) if isinstance(argument, str) else argument for argument in arguments)
