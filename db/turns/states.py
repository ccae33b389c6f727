"""A turn's states: accepted, thinking, answering, and then delivered, stopped, failed or dead. It only moves forward.

A failed turn ended with a reason; a dead one was given up after all its attempts. An operator can reopen both.

A process that claims a turn holds it until another claims it: each write names its attempt, and changes
nothing once there is a later one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from db.errors import TurnLeaseLost
from db.infra.rows import from_row, to_jsonb, with_columns
from db.turns.turns import Turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from db.infra.connection import PersonConnection

FinalState = Literal["delivered", "stopped", "failed", "dead"]

STOP_CHANNEL: Final = "consilium_stop"
"""The channel on which stops are announced, by turn id."""


@dataclass(frozen=True, slots=True)
class GeneratedAnswer:
    """An answer that is made, all of it or as far as it came."""

    answer: str
    finish_reason: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    sources: Sequence[Mapping[str, Any]] = ()
    recalled: Sequence[str] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    voices: Mapping[str, Any] | None = None
    routing: Mapping[str, Any] | None = None
    tool_steps: Sequence[Mapping[str, Any]] | None = None


CLAIM: Final = with_columns(
    Turn,
    """
    UPDATE turns
    SET attempts = attempts + 1, setbacks = setbacks + 1, process_id = $3, updated_at = now(),
        waited = waited + least(greatest(extract(epoch FROM now() - updated_at), 0), 120),
        state = CASE WHEN state = 'accepted' THEN 'thinking' ELSE state END
    WHERE id = $1 AND user_id = $2 AND state IN ('accepted', 'thinking', 'answering')
    RETURNING @columns
    """,
)
_LEASED: Final = "id = $1 AND user_id = $2 AND attempts = $3 AND state IN ('accepted', 'thinking', 'answering')"
_WAITING: Final = "kind = 'question' AND state IN ('accepted', 'thinking', 'answering') AND address IS NOT NULL"
"""A question that has not ended and is shown by whichever worker answers it."""
HOLDS_LEASE: Final = f"SELECT id FROM turns WHERE {_LEASED} FOR SHARE"  # noqa: S608  # built of constants
START_ANSWERING: Final = f"""
    UPDATE turns SET state = 'answering', mode = $4, adapter = $5, updated_at = now() WHERE {_LEASED}
    RETURNING stop_asked
"""  # noqa: S608  # built of constants
SAVE_ANSWER: Final = f"""
    UPDATE turns
    SET state = 'answering', answer = $4, finish_reason = $5, prompt_tokens = $6, completion_tokens = $7,
        sources = $8::jsonb, recalled = CASE WHEN forgotten THEN '[]' ELSE $9::jsonb END,
        voices = nullif($10::jsonb, 'null'), timings = $11::jsonb, routing = nullif($12::jsonb, 'null'),
        tool_steps = nullif($13::jsonb, 'null'), updated_at = now()
    WHERE {_LEASED}
"""  # noqa: S608
SAVE_COMMAND_RESULT: Final = f"""
    UPDATE turns
    SET state = 'answering', answer = $4, said = $5::jsonb, finish_reason = 'said', error = $6, mode = $7,
        updated_at = now()
    WHERE {_LEASED}
"""  # noqa: S608
SAVE_FILE_RESULTS: Final = f"""
    UPDATE turns SET taken = $4::jsonb, updated_at = now() WHERE {_LEASED}
"""  # noqa: S608
# Something was forgotten while the answer was being made with it, perhaps: the answer is shown, and not kept. Nor is a
# command whose reply said it, such as a list.
FINISH: Final = f"""
    WITH finished AS (
        UPDATE turns
        SET state = $4, error = CASE WHEN forgotten AND kind = 'command' THEN NULL ELSE coalesce($5, error) END,
            question = CASE WHEN forgotten AND kind = 'command' THEN '' ELSE question END,
            said = CASE WHEN forgotten AND kind = 'command' THEN NULL ELSE said END,
            timings = timings || $7::jsonb, updated_at = now(), ended_at = now(),
            answer = CASE WHEN forgotten AND NOT remembered THEN NULL ELSE coalesce($6, answer) END,
            voices = CASE WHEN forgotten AND NOT remembered THEN NULL ELSE voices END,
            sources = CASE WHEN forgotten AND NOT remembered THEN '[]' ELSE sources END,
            routing = CASE WHEN forgotten AND NOT remembered THEN NULL ELSE routing END
        WHERE {_LEASED}
        RETURNING session_id
    )
    SELECT (
        SELECT id FROM turns
        WHERE session_id = finished.session_id AND user_id = $2 AND {_WAITING} AND id <> $1
        ORDER BY seq LIMIT 1
    ) AS waiting
    FROM finished
"""  # noqa: S608
RESCHEDULE: Final = f"""
    UPDATE turns SET setbacks = setbacks - $4, process_id = NULL, updated_at = now()
    WHERE {_LEASED}
"""  # noqa: S608
# The session is locked before its turns are looked at, as it is when one is taken in: of a turn that comes and one that
# ends at once, the second sees the first.
LOCK_SESSION: Final = "SELECT FROM sessions WHERE id = $1 AND user_id = $2 FOR UPDATE"
NEXT_WAITING: Final = f"""
    SELECT id FROM turns WHERE session_id = $1 AND user_id = $2 AND {_WAITING} ORDER BY seq LIMIT 1
"""  # noqa: S608
GIVE_UP: Final = """
    UPDATE turns SET state = 'dead', error = $4, updated_at = now(), ended_at = now()
    WHERE id = $1 AND user_id = $2 AND state = ANY ($3::text[])
    RETURNING session_id
"""
REQUEST_STOP: Final = """
    UPDATE turns SET stop_asked = true
    WHERE user_id = $2 AND id = (
        SELECT id FROM turns
        WHERE session_id = $1 AND user_id = $2 AND kind = 'question' AND state IN ('accepted', 'thinking', 'answering')
            AND ($3::uuid IS NULL OR id = $3)
        ORDER BY seq
        LIMIT 1
    )
    RETURNING id
"""
CONVERT_TO_QUESTION: Final = f"""
    UPDATE turns
    SET kind = 'question', question = $4, asked_mode = $5, consilium = $6, files = $7::jsonb,
        quotations = coalesce($8::jsonb, quotations), updated_at = now()
    WHERE {_LEASED}
"""  # noqa: S608
REOPEN_FAILED: Final = """
    UPDATE turns
    SET state = 'accepted', attempts = attempts + 1, setbacks = 0, error = NULL, stop_asked = false, ended_at = NULL,
        give_up_at = NULL, waited = 0, process_id = NULL, updated_at = now()
    WHERE id = $1 AND user_id = $2 AND state IN ('failed', 'dead') AND address IS NOT NULL
"""


async def claim(connection: PersonConnection, turn_id: UUID, process_id: UUID) -> Turn | None:
    """Take a turn up: from now on only this attempt may write to it. None when it has ended, or is not there.

    It counts as a failed attempt until it ends or is rescheduled, so that a process that dies of a turn is counted too.
    """
    row = await connection.fetchrow(CLAIM, turn_id, connection.user_id, process_id)
    return None if row is None else from_row(Turn, row)


async def require_lease(connection: PersonConnection, turn: Turn) -> None:
    """Return when this attempt holds the turn; nobody claims it until the transaction has ended.

    Raises:
        TurnLeaseLost: as `start_answering`.
    """
    if await connection.fetchval(HOLDS_LEASE, *_lease_key(connection, turn)) is None:
        raise TurnLeaseLost


async def start_answering(connection: PersonConnection, turn: Turn, *, mode: str, adapter: str | None) -> bool:
    """The answer begins to come, in a resolved mode; whether the person has stopped it by now.

    Raises:
        TurnLeaseLost: another attempt holds the turn, or it has ended.
    """
    stop_asked: bool | None = await connection.fetchval(START_ANSWERING, *_lease_key(connection, turn), mode, adapter)
    if stop_asked is None:
        raise TurnLeaseLost
    return stop_asked


async def save_answer(connection: PersonConnection, turn: Turn, answer: GeneratedAnswer) -> None:
    """Keep an answer that is made, before the last of it is shown: after a crash it only has to be shown again.

    Raises:
        TurnLeaseLost: as `start_answering`.
    """
    told = asdict(answer)
    names = ("sources", "recalled", "voices", "timings", "routing", "tool_steps")
    documents = [to_jsonb(told.pop(name)) for name in names]
    _require_lease(await connection.execute(SAVE_ANSWER, *_lease_key(connection, turn), *told.values(), *documents))


async def save_command_result(
    connection: PersonConnection, turn: Turn, text: str, extras: Mapping[str, Any] | None, error: str | None, mode: str
) -> None:
    """Keep what a command answers, or why it could not be done; `mode` is the session's after it.

    Args:
        extras: what it answers besides the text.

    Raises:
        TurnLeaseLost: as `start_answering`.
    """
    shown = None if extras is None else to_jsonb(dict(extras))
    _require_lease(
        await connection.execute(SAVE_COMMAND_RESULT, *_lease_key(connection, turn), text, shown, error, mode)
    )


async def convert_to_question(
    connection: PersonConnection,
    turn: Turn,
    question: str,
    mode: str,
    *,
    consilium: bool = False,
    files: Mapping[str, Any] | None = None,
    quotations: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    """Turn a command that was just accepted into the question that it asks.

    Args:
        quotations: what the question quotes; None leaves what came with the command.

    Raises:
        TurnLeaseLost: as `start_answering`.
    """
    came = None if files is None else to_jsonb(dict(files))
    quoted = None if quotations is None else to_jsonb([dict(each) for each in quotations])
    _require_lease(
        await connection.execute(
            CONVERT_TO_QUESTION, *_lease_key(connection, turn), question, mode, consilium, came, quoted
        )
    )


async def save_file_results(connection: PersonConnection, turn: Turn, results: Sequence[Mapping[str, Any]]) -> None:
    """Save what has been done so far with the files that came with a turn.

    Raises:
        TurnLeaseLost: as `start_answering`.
    """
    _require_lease(
        await connection.execute(
            SAVE_FILE_RESULTS, *_lease_key(connection, turn), to_jsonb([dict(one) for one in results])
        )
    )


async def finish(
    connection: PersonConnection,
    turn: Turn,
    state: FinalState,
    *,
    error: str | None = None,
    answer: str | None = None,
    timings: Mapping[str, float] | None = None,
) -> UUID | None:
    """End a turn; the id of the question that waits next in its session and is to be shown elsewhere, if any.

    Args:
        error: what went wrong; an earlier one stays when None.
        answer: as far as it came; what was kept stays when None.

    Raises:
        TurnLeaseLost: as `start_answering`.
    """
    await connection.fetchrow(LOCK_SESSION, turn.session_id, connection.user_id)
    spent = to_jsonb(dict(timings or {}))
    row = await connection.fetchrow(FINISH, *_lease_key(connection, turn), state, error, answer, spent)
    if row is None:
        raise TurnLeaseLost
    waiting: UUID | None = row["waiting"]
    return waiting


async def give_up(connection: PersonConnection, turn_id: UUID, error: str) -> UUID | None:
    """End a turn that cannot even be claimed; the id of the question that waits next in its session, if any."""
    session = await connection.fetchval(
        GIVE_UP, turn_id, connection.user_id, ["accepted", "thinking", "answering"], error
    )
    if session is None:
        return None
    waiting: UUID | None = await connection.fetchval(NEXT_WAITING, session, connection.user_id)
    return waiting


async def reschedule(connection: PersonConnection, turn: Turn, *, count_as_failure: bool) -> None:
    """Release a turn for another process to claim.

    Args:
        count_as_failure: whether something went wrong; a process that shuts down does not count.

    Raises:
        TurnLeaseLost: as `start_answering`.
    """
    _require_lease(await connection.execute(RESCHEDULE, *_lease_key(connection, turn), 0 if count_as_failure else 1))


async def request_stop(connection: PersonConnection, session_id: UUID, turn_id: UUID | None = None) -> UUID | None:
    """Have the answer of a session that is being made stop, or that of this turn; None when there is none."""
    stopped: UUID | None = await connection.fetchval(REQUEST_STOP, session_id, connection.user_id, turn_id)
    if stopped is not None:
        await connection.notify(STOP_CHANNEL, str(stopped))
    return stopped


async def reopen_failed(connection: PersonConnection, turn_id: UUID) -> bool:
    """Reopen a failed or dead turn, to be continued from where it is; False when it is neither."""
    return await connection.execute(REOPEN_FAILED, turn_id, connection.user_id) == 1


def _lease_key(connection: PersonConnection, turn: Turn) -> tuple[UUID, UUID, int]:
    return turn.id, connection.user_id, turn.attempts


def _require_lease(updated_rows: int) -> None:
    if updated_rows == 0:
        raise TurnLeaseLost
