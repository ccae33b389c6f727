"""`consilium turns`: what an operator sees of turns, and what he can do about those that failed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Final, TypeVar
from uuid import UUID

import typer
from rich.text import Text

from bot.cli.errors import CommandError
from bot.cli.known import facts, moment
from bot.cli.tables import grid, output
from bot.services import database_address
from bot.settings import Settings
from bot.turns.jobs import answer_jobs, say_jobs
from consilium.errors import N_
from db import jobs, oversight, parts, sessions, turn_states, turns
from db.database import Database

T = TypeVar("T")

app = typer.Typer(name="turns", help="Look into turns, and have failed ones answered again.", no_args_is_help=True)

_ID: Final = re.compile(r"[0-9a-f]{1,8}(-[0-9a-f]{0,12}){0,4}")

Id = Annotated[str, typer.Argument(help="The turn's id, or how it begins.", metavar="ID")]


class States(StrEnum):
    """The states of a turn."""

    ACCEPTED = "accepted"
    THINKING = "thinking"
    ANSWERING = "answering"
    DELIVERED = "delivered"
    STOPPED = "stopped"
    FAILED = "failed"


class NoSuchTurn(CommandError):
    """A turn is named that is not there, or not by so little of its id."""

    sentence = N_("There is no turn “{name}”, or more than one begins so.")
    remedy = N_("`consilium turns list` shows the latest.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class NotFailed(CommandError):
    """A turn is to be answered again that has not failed, or whose place to show an answer in is gone."""

    sentence = N_("The turn {turn} cannot be answered again: it is {state}.")
    remedy = N_("Only failed turns can, and only where the answer is shown on a platform.")

    def __init__(self, turn: UUID, state: str) -> None:
        super().__init__(turn=turn, state=state)


@app.command("list")
def show_list(
    context: typer.Context,
    state: Annotated[States | None, typer.Option(help="Only turns in this state.")] = None,
    most: Annotated[int, typer.Option(help="How many, the latest first.", min=1, max=1000)] = 20,
) -> None:
    """The latest turns: whose, where, in which state; never what was said."""
    lines = _run(context.obj, lambda database: _list(database, state.value if state else None, most))
    shown = grid("turn", "where", "n", "kind", "state", "mode", "attempts", "taken in", "took")
    for line in lines:
        took = f"{(line.ended_at - line.created_at).total_seconds():.1f} s" if line.ended_at else ""
        shown.add_row(
            str(line.id)[:13],
            f"{line.platform} {line.place}",
            str(line.seq),
            line.kind,
            line.state,
            line.mode or "",
            str(line.attempts),
            moment(line.created_at),
            took,
        )
    output().print(shown)


@app.command("show")
def show_one(context: typer.Context, turn: Id) -> None:
    """All of one turn, with what was asked and answered: mind whose it is."""

    async def look(database: Database) -> list[tuple[str, str]]:
        turn_id, user_id = await _find(database, turn)
        async with database.person(user_id) as connection:
            found = await turns.get(connection, turn_id)
            session = await sessions.get(connection, found.session_id)
            messages = await parts.all_of(connection, turn_id)
            waits = await jobs.is_waiting(connection, turn_id)
        spent = ", ".join(f"{name} {seconds:.3f}" for name, seconds in found.timings.items())
        tokens = f"{found.prompt_tokens or 0} + {found.completion_tokens or 0}"
        return [
            ("turn", f"{found.id}, number {found.seq} of the session {session.id}"),
            ("where", f"{session.platform} {session.place}"),
            ("state", f"{found.state}{', has a job' if waits else ''}; attempts: {found.attempts}"),
            ("mode", f"{found.mode or ''} (asked: {found.asked_mode or ''})"),
            ("composition", found.adapter or ""),
            ("question", found.question),
            ("answer", found.answer or ""),
            ("finish", found.finish_reason or ""),
            ("tokens", tokens),
            ("seconds", spent),
            ("messages", ", ".join(messages)),
            ("error", found.error or ""),
            ("taken in", moment(found.created_at)),
            ("ended", moment(found.ended_at) if found.ended_at else ""),
        ]

    output().print(facts(_run(context.obj, look)))


@app.command("retry")
def retry(context: typer.Context, turn: Id) -> None:
    """Have a failed turn answered again, in the messages it was shown in."""

    async def again(database: Database) -> UUID:
        turn_id, user_id = await _find(database, turn)
        async with database.person(user_id) as connection:
            found = await turns.get(connection, turn_id)
            if not await turn_states.begin_again(connection, turn_id):
                raise NotFailed(turn_id, found.state)
            session = await sessions.get(connection, found.session_id)
            mind = session.place.partition("/")[0]
            entrypoint = say_jobs(mind) if found.kind == "command" else answer_jobs(mind)
            if found.kind == "command" or await turns.ahead_of(connection, found) == 0:
                await jobs.enqueue(connection, entrypoint, turn_id, user_id)
        return turn_id

    output().print(Text(f"{_run(context.obj, again)} will be answered again."))


async def _list(database: Database, state: str | None, most: int) -> list[oversight.TurnLine]:
    async with database.nobody() as connection:
        return await oversight.list_turns(connection, state, most)


async def _find(database: Database, beginning: str) -> tuple[UUID, UUID]:
    asked = beginning.strip().lower()
    if not _ID.fullmatch(asked) or len(asked) > 36:
        raise NoSuchTurn(beginning)
    async with database.nobody() as connection:
        found = await oversight.owners(connection, asked)
    if len(found) != 1:
        raise NoSuchTurn(beginning)
    return found[0]


def _run(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    async def connected() -> T:
        async with database_address(settings) as dsn, await Database.open(dsn) as database:
            return await work(database)

    return asyncio.run(connected())
