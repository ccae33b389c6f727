"""`consilium turns`: what an operator sees of turns, and how they retry those that failed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Annotated, Final, TypeVar
from uuid import UUID

import typer
from rich.table import Table
from rich.text import Text

from bot.app.components import open_database
from bot.app.settings import Settings
from bot.cli.common import format_short_time, format_time, key_value_table, new_table, stdout_console
from bot.cli.errors import CommandError
from bot.turns.queue import answer_entrypoint, delivery_entrypoint
from consilium.errors import N_
from db.infra.database import Access, Database
from db.people import sessions
from db.turns import admin_queries, dead_letters, deliveries, jobs, states, turns
from db.turns.dead_letters import DeadLetter

T = TypeVar("T")

ID_DIGITS_SHOWN: Final = 8
"""Digits of a turn's id in a list; `turns show` takes them."""
_ID_PREFIX: Final = re.compile(r"[0-9a-f]{1,8}(-[0-9a-f]{0,12}){0,4}")

app = typer.Typer(name="turns", help="List and show turns, and retry failed and dead ones.", no_args_is_help=True)

TurnIdArgument = Annotated[str, typer.Argument(help="The turn's id, or the beginning of it.", metavar="ID")]


class TurnState(StrEnum):
    """The states of a turn."""

    ACCEPTED = "accepted"
    THINKING = "thinking"
    ANSWERING = "answering"
    DELIVERED = "delivered"
    STOPPED = "stopped"
    FAILED = "failed"
    DEAD = "dead"


class NoSuchTurn(CommandError):
    """No turn has this id, or several ids begin with it."""

    sentence = N_("There is no turn “{name}”, or several ids begin with it.")
    remedy = N_("`consilium turns list` shows the latest turns.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class TurnNotFailed(CommandError):
    """A turn cannot be retried: it has not failed, or its answer can no longer be shown."""

    sentence = N_("The turn {turn} cannot be retried: its state is {state}.")
    remedy = N_("Only failed and dead turns on a platform such as Telegram can be retried.")

    def __init__(self, turn: UUID, state: str) -> None:
        super().__init__(turn=turn, state=state)


class UpdateNotStored(CommandError):
    """A dead letter that is an update: only the platform ever had its content."""

    sentence = N_("The update {update} of {platform} cannot be retried: nothing of it was stored.")
    remedy = N_("Its sender was told so, and can send it again.")

    def __init__(self, update: str, platform: str) -> None:
        super().__init__(update=update, platform=platform)


@app.command("list")
def show_turns(
    context: typer.Context,
    state: Annotated[TurnState | None, typer.Option(help="Only turns in this state.")] = None,
    most: Annotated[int, typer.Option(help="How many at most, the latest first.", min=1, max=1000)] = 20,
) -> None:
    """List the latest turns: when, where, in which state; never what was said.

    With `--state dead` also the updates and jobs that could not be processed.
    """
    wants_letters = state is TurnState.DEAD

    async def load(database: Database) -> tuple[list[admin_queries.TurnSummary], list[DeadLetter]]:
        async with database.anonymous_transaction() as connection:
            latest = await admin_queries.list_turns(connection, state.value if state else None, most)
            return latest, await dead_letters.list_latest(connection, most) if wants_letters else []

    latest, letters = _with_database(context.obj, load)
    stdout_console().print(turns_table(latest))
    if letters:
        stdout_console().print(dead_letters_table(letters))


@app.command("show")
def show_turn(context: typer.Context, turn: TurnIdArgument) -> None:
    """Show all of one turn, with the question and the answer: mind whose they are."""

    async def load(database: Database) -> list[tuple[str, str]]:
        turn_id, user_id = await _find_turn(database, turn)
        async with database.person_transaction(user_id) as connection:
            stored = await turns.get(connection, turn_id)
            session = await sessions.get(connection, stored.session_id)
            messages = await deliveries.message_ids(connection, turn_id)
            has_job = await jobs.has_job(connection, turn_id)
        seconds = ", ".join(f"{name} {seconds:.3f}" for name, seconds in stored.timings.items())
        tokens = f"{stored.prompt_tokens or 0} + {stored.completion_tokens or 0}"
        return [
            ("turn", f"{stored.id}, number {stored.seq} of the session {session.id}"),
            ("where", f"{session.platform} {session.place}"),
            ("state", f"{stored.state}{', has a job' if has_job else ''}; attempts: {stored.attempts}"),
            ("mode", f"{stored.mode or ''} (requested: {stored.asked_mode or ''})"),
            ("composition", stored.adapter or ""),
            ("question", stored.question),
            ("answer", stored.answer or ""),
            ("finish", stored.finish_reason or ""),
            ("tokens", tokens),
            ("seconds", seconds),
            ("messages", ", ".join(messages)),
            ("error", stored.error or ""),
            ("received", format_time(stored.created_at)),
            ("ended", format_time(stored.ended_at) if stored.ended_at else ""),
        ]

    stdout_console().print(key_value_table(_with_database(context.obj, load)))


@app.command("retry")
def retry(context: typer.Context, turn: TurnIdArgument) -> None:
    """Retry a failed or dead turn; the answer appears in the same messages. A dead job is queued again."""

    async def reopen(database: Database) -> UUID:
        if (letter := await _find_dead_letter(database, turn)) is not None:
            await _revive(database, letter)
            return letter.id
        turn_id, user_id = await _find_turn(database, turn)
        async with database.person_transaction(user_id) as connection:
            stored = await turns.get(connection, turn_id)
            if not await states.reopen_failed(connection, turn_id):
                raise TurnNotFailed(turn_id, stored.state)
            session = await sessions.get(connection, stored.session_id)
            mind = session.place.partition("/")[0]
            entrypoint = delivery_entrypoint(mind) if stored.kind == "command" else answer_entrypoint(mind)
            if stored.kind == "command" or await turns.count_ahead(connection, stored) == 0:
                await jobs.enqueue(connection, entrypoint, turn_id, user_id)
        return turn_id

    stdout_console().print(Text(f"{_with_database(context.obj, reopen, Access.CHECK)} will be retried."))


def turns_table(turns: Sequence[admin_queries.TurnSummary]) -> Table:
    """A row for each turn; more than one attempt is shown beside the state."""
    table = new_table("turn", "received", "took", "where", "state", "mode", wrapped=("where", "state"))
    for turn in turns:
        took = f"{(turn.ended_at - turn.created_at).total_seconds():.1f} s" if turn.ended_at else ""
        attempts = f" ×{turn.attempts}" if turn.attempts > 1 else ""
        table.add_row(
            str(turn.id)[:ID_DIGITS_SHOWN],
            format_short_time(turn.created_at),
            took,
            # A place is the mind's name and the chat's: separated, they can be on two lines.
            f"{turn.platform} {turn.place.replace('/', ' ', 1)}",
            f"{turn.state}{attempts}",
            "(command)" if turn.kind == "command" else turn.mode or "",
        )
    return table


def dead_letters_table(letters: Sequence[DeadLetter]) -> Table:
    """A row for each update or job that could not be processed."""
    table = new_table("dead", "since", "what", "from", "number", "reason", wrapped=("number", "reason"))
    for letter in letters:
        table.add_row(
            str(letter.id)[:ID_DIGITS_SHOWN],
            format_short_time(letter.created_at),
            letter.kind,
            letter.source,
            letter.reference,
            letter.reason,
        )
    return table


async def _revive(database: Database, letter: DeadLetter) -> None:
    """Queue a dead job again: for the turn that it names or, if it names none, as it was, for a version that reads it.

    A turn that has a job by now, or has ended, gets none.
    """
    if letter.kind == "update":
        raise UpdateNotStored(letter.reference, letter.source)
    async with database.anonymous_transaction() as connection:
        payload = await dead_letters.take_payload(connection, letter.id)
        turn = (
            await admin_queries.find_by_id_prefix(connection, letter.reference) if _is_turn_id(letter.reference) else []
        )
        if len(turn) == 1:
            await jobs.enqueue(connection, letter.source, *turn[0], priority=letter.priority)
        else:
            await jobs.enqueue_as_it_was(connection, letter, payload)


def _is_turn_id(reference: str) -> bool:
    try:
        return str(UUID(reference)) == reference
    except ValueError:
        return False


async def _find_dead_letter(database: Database, id_prefix: str) -> DeadLetter | None:
    async with database.anonymous_transaction() as connection:
        matches = await dead_letters.find_by_id_prefix(connection, _checked_prefix(id_prefix))
    return matches[0] if len(matches) == 1 else None


def _checked_prefix(id_prefix: str) -> str:
    prefix = id_prefix.strip().lower()
    if not _ID_PREFIX.fullmatch(prefix) or len(prefix) > 36:
        raise NoSuchTurn(id_prefix)
    return prefix


async def _find_turn(database: Database, id_prefix: str) -> tuple[UUID, UUID]:
    prefix = _checked_prefix(id_prefix)
    async with database.anonymous_transaction() as connection:
        matches = await admin_queries.find_by_id_prefix(connection, prefix)
    if len(matches) != 1:
        raise NoSuchTurn(id_prefix)
    return matches[0]


def _with_database(settings: Settings, work: Callable[[Database], Awaitable[T]], access: Access = Access.READ) -> T:
    async def run() -> T:
        async with open_database(settings, access) as database:
            return await work(database)

    return asyncio.run(run())
