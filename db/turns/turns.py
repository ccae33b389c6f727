"""Turns: one message in, one answer out. How they are accepted and read; `db.turns.states` has their states."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID

from db.errors import DuplicateUpdate, RecordNotFound
from db.infra.rows import JSONB, from_row, to_jsonb, with_columns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from db.infra.connection import PersonConnection

KEY_SHARE: Final = "key"
"""Kind of the shares `key:ID`, each of which is an API key."""

TurnState = Literal["accepted", "thinking", "answering", "delivered", "stopped", "failed", "dead"]
TurnKind = Literal["question", "command"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a session."""

    id: UUID
    session_id: UUID
    user_id: UUID
    seq: int
    """Its place in the session: 1, 2, 3, …"""
    kind: TurnKind
    state: TurnState
    question: str
    answer: str | None
    """All of it once it is made, what had come when stopped or failed."""
    mode: str | None
    """The mode it was answered in: canonical, never ``auto``."""
    asked_mode: str | None
    """The mode it was asked in, as it was when the turn was accepted."""
    roles: Sequence[str]
    language: str | None
    """What it is written in, or the best guess."""
    adapter: str | None
    """Content-addressed name of the composition; None for the bare base model."""
    finish_reason: str | None
    """None until the answer is made."""
    prompt_tokens: int | None
    completion_tokens: int | None
    error: str | None
    attempts: int
    """How often it has been claimed; the latest claim holds it."""
    setbacks: int
    """How often it was claimed without reaching an end, the current attempt included."""
    stop_asked: bool
    consilium: bool
    """Whether it is answered by two voices."""
    give_up_at: datetime | None
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    address: dict[str, Any] | None = field(metadata=JSONB)
    """Where the answer goes, in the platform's terms; None when the process that took it in shows it."""
    said: dict[str, Any] | None = field(metadata=JSONB)
    """What a command answers besides its text."""
    sources: list[dict[str, Any]] = field(metadata=JSONB)
    recalled: list[str] = field(metadata=JSONB)
    voices: dict[str, Any] | None = field(metadata=JSONB)
    """The text before citations were added or two voices joined, by voice: `author`, `archivist`."""
    timings: dict[str, float] = field(metadata=JSONB)
    """Seconds of each stage."""
    files: dict[str, Any] | None = field(metadata=JSONB)
    """Files that came with the message, and where they are to go."""
    taken: list[dict[str, Any]] | None = field(metadata=JSONB)
    """The result of each of them so far, in their order."""
    waited: float = 0.0
    """Seconds between its attempts, each wait counted up to two minutes (`db.turns.states`)."""
    routing: dict[str, Any] | None = field(default=None, metadata=JSONB)
    """What `auto` compared when it chose the mode; None when the person had chosen it."""
    quotations: list[dict[str, Any]] | None = field(default=None, metadata=JSONB)
    """Messages that the question replies to, quotes or forwards, with their authors. None when there are none."""
    unread: Sequence[str] = ()
    """Kinds of what came with the message and could not be read."""
    sender_is_chat: bool = False
    """Whether it was sent in the name of a chat, and not by a person."""
    joined_updates: Sequence[str] = ()
    """Further updates whose messages were joined to this one."""
    share: str | None = None
    """What it is counted as where all share something; None in turns of an older program."""
    previous_id: UUID | None = None
    """The turn that it goes on from, where a client of the API says so."""
    tool_steps: list[dict[str, Any]] | None = field(default=None, metadata=JSONB)
    """Calls of the client's tools and their results, after the question and in their order."""
    metadata: dict[str, str] | None = field(default=None, metadata=JSONB)
    """The client's own marks of it."""
    rating: int | None = None
    """What the person thinks of the answer: 1 or -1; None: they have not said."""
    rating_comment: str | None = None
    """The same in their own words."""
    rated_at: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.state in ("delivered", "stopped", "failed", "dead")

    @property
    def api_key(self) -> UUID | None:
        """The API key that it came with, if it came with one of those in the database."""
        kind, _, key_id = (self.share or "").partition(":")
        return UUID(key_id) if kind == KEY_SHARE else None

    @property
    def is_answered(self) -> bool:
        """Whether the answer is all there, and only has to be shown."""
        return self.finish_reason is not None


@dataclass(frozen=True, slots=True)
class NewTurn:
    """All that is known of a turn when it is accepted."""

    question: str
    asked_mode: str
    kind: TurnKind = "question"
    update_id: str | None = None
    """What the platform calls the update; None when it has no name, and cannot come twice."""
    roles: Collection[str] = ()
    consilium: bool = False
    """Whether it is to be answered by two voices."""
    language: str | None = None
    address: Mapping[str, Any] | None = None
    process_id: UUID | None = None
    """The process that shows the answer itself; it needs an address or this."""
    timeout: timedelta | None = None
    """How long it may take until it is given up."""
    files: Mapping[str, Any] | None = None
    """Files that came with it, and where they are to go."""
    quotations: Sequence[Mapping[str, Any]] | None = None
    """Messages that it replies to, quotes or forwards."""
    unread: Collection[str] = ()
    """Kinds of what came with it and could not be read."""
    sender_is_chat: bool = False
    """Whether it is sent in the name of a chat. Nothing of it is to be remembered."""
    part_key: str | None = None
    """Given when further parts of the same message may follow: what they have in common."""
    join_within: timedelta | None = None
    """How long such parts are waited for."""
    share: str | None = None
    """What it is counted as where all share something, such as the waiting room."""
    previous_id: UUID | None = None
    """The turn that it goes on from."""
    tool_steps: Sequence[Mapping[str, Any]] | None = None
    """Calls of the client's tools and their results so far."""
    metadata: Mapping[str, str] | None = None
    """The client's own marks of it."""


# The session's row is locked by the update, so turns accepted at once get numbers one after another.
ACCEPT: Final = with_columns(
    Turn,
    """
    WITH numbered AS (
        UPDATE sessions SET last_seq = last_seq + 1, updated_at = now()
        WHERE id = $1 AND user_id = $2
        RETURNING id AS of_session, user_id AS of_user, last_seq
    )
    INSERT INTO turns (
        session_id, user_id, seq, question, asked_mode, kind, update_id, roles, language, address, process_id,
        give_up_at, consilium, files, quotations, unread, sender_is_chat, remembered, part_key, join_until,
        share, previous_id, tool_steps, metadata
    )
    SELECT of_session, of_user, last_seq, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, now() + $11, $12, $13::jsonb,
        $14::jsonb, $15, $16, $16, $17, now() + $18, $19, $20, $21::jsonb, $22::jsonb
    FROM numbered
    ON CONFLICT (session_id, update_id) WHERE update_id IS NOT NULL DO NOTHING
    RETURNING @columns
    """,
)
GET: Final = with_columns(Turn, "SELECT @columns FROM turns WHERE id = $1 AND user_id = $2")
LIST_RECENT: Final = with_columns(
    Turn,
    """
    SELECT @columns FROM turns
    WHERE user_id = $1 AND kind = 'question'
        AND session_id IN (SELECT id FROM sessions WHERE user_id = $1 AND starts_with(place, $2 || '/'))
        AND (
            $3::uuid IS NULL
            OR (created_at, id) < (SELECT b.created_at, b.id FROM turns AS b WHERE b.id = $3 AND b.user_id = $1)
        )
    ORDER BY created_at DESC, id DESC
    LIMIT $4
    """,
)
RATE: Final = with_columns(
    Turn,
    """
    UPDATE turns SET rating = $3, rating_comment = $4, rated_at = CASE WHEN $3::smallint IS NOT NULL THEN now() END
    WHERE id = $1 AND user_id = $2 AND kind = 'question' AND state IN ('delivered', 'stopped')
    RETURNING @columns
    """,
)
FIND_BY_UPDATE: Final = with_columns(
    Turn,
    """
    SELECT @columns FROM turns
    WHERE session_id = $1 AND user_id = $3
        AND (update_id = $2 OR (joined_updates <> '{}' AND $2 = ANY (joined_updates)))
    """,
)
COUNT_AHEAD: Final = """
    SELECT count(*) FROM turns
    WHERE session_id = $1 AND user_id = $2 AND seq < $3 AND kind = 'question'
        AND state IN ('accepted', 'thinking', 'answering')
"""
LAST_QUESTION: Final = with_columns(
    Turn,
    """
    SELECT @columns FROM turns
    WHERE session_id = $1 AND user_id = $2 AND kind = 'question'
        AND (question <> '' OR files IS NOT NULL OR quotations IS NOT NULL)
    ORDER BY seq DESC
    LIMIT 1
    """,
)
LAST_ANSWERED: Final = with_columns(
    Turn,
    """
    SELECT @columns FROM turns
    WHERE session_id = $1 AND user_id = $2 AND kind = 'question' AND finish_reason IS NOT NULL
        AND (consilium OR NOT $3) AND (question <> '' OR quotations IS NOT NULL)
    ORDER BY seq DESC
    LIMIT 1
    """,
)
LAST_WITH_FILES: Final = with_columns(
    Turn,
    """
    SELECT @columns FROM turns
    WHERE session_id = $1 AND user_id = $2 AND files IS NOT NULL AND ($3::uuid IS NULL OR id = $3)
    ORDER BY seq DESC
    LIMIT 1
    """,
)
WINDOW: Final = with_columns(
    Turn,
    """
    SELECT @columns FROM (
        SELECT * FROM turns
        WHERE session_id = $1 AND user_id = $2 AND kind = 'question'
            AND (state IN ('delivered', 'stopped') OR (state = 'answering' AND finish_reason IS NOT NULL))
            AND seq >= (SELECT window_start FROM sessions WHERE id = $1) AND seq < $4 AND NOT forgotten
        ORDER BY seq DESC
        LIMIT $3
    ) AS latest
    ORDER BY seq
    """,
)
# Of a turn of which something was forgotten nothing goes into a prompt, but what came before it does.
CHAIN: Final = with_columns(
    Turn,
    """
    WITH RECURSIVE chain (turn_id, depth) AS (
        SELECT $2::uuid, 1
        UNION ALL
        SELECT t.previous_id, chain.depth + 1 FROM chain JOIN turns AS t ON t.id = chain.turn_id
        WHERE t.user_id = $1 AND t.previous_id IS NOT NULL AND chain.depth < $3
    )
    SELECT @columns FROM chain JOIN turns ON turns.id = chain.turn_id
    WHERE user_id = $1 AND kind = 'question' AND state IN ('answering', 'delivered', 'stopped')
        AND finish_reason IS NOT NULL AND NOT forgotten
    ORDER BY depth DESC
    """,
)
LIST_UNFINISHED: Final = with_columns(
    Turn,
    """
    SELECT @columns FROM turns
    WHERE user_id = $1 AND state IN ('accepted', 'thinking', 'answering')
    ORDER BY created_at, seq
    """,
)
MAX_SEQ: Final = 2**62
"""A number no turn gets to."""


async def accept(connection: PersonConnection, session_id: UUID, new_turn: NewTurn) -> Turn:
    """Take a message in as the session's next turn. Safe to call at once: every turn gets a number of its own.

    Raises:
        RecordNotFound: the person has no such session.
        DuplicateUpdate: the same update was accepted before; undo what else was done for it.
    """
    row = await connection.fetchrow(
        ACCEPT,
        session_id,
        connection.user_id,
        new_turn.question,
        new_turn.asked_mode,
        new_turn.kind,
        new_turn.update_id,
        sorted(new_turn.roles),
        new_turn.language,
        None if new_turn.address is None else to_jsonb(dict(new_turn.address)),
        new_turn.process_id,
        new_turn.timeout,
        new_turn.consilium,
        None if new_turn.files is None else to_jsonb(dict(new_turn.files)),
        None if new_turn.quotations is None else to_jsonb([dict(each) for each in new_turn.quotations]),
        list(new_turn.unread),
        new_turn.sender_is_chat,
        new_turn.part_key,
        new_turn.join_within,
        new_turn.share,
        new_turn.previous_id,
        None if new_turn.tool_steps is None else to_jsonb([dict(each) for each in new_turn.tool_steps]),
        None if new_turn.metadata is None else to_jsonb(dict(new_turn.metadata)),
    )
    if row is not None:
        return from_row(Turn, row)
    if new_turn.update_id is not None and await find_by_update(connection, session_id, new_turn.update_id):
        raise DuplicateUpdate
    raise RecordNotFound(record="session")


async def get(connection: PersonConnection, turn_id: UUID) -> Turn:
    """One of the person's turns.

    Raises:
        RecordNotFound: the person has no such turn.
    """
    row = await connection.fetchrow(GET, turn_id, connection.user_id)
    if row is None:
        raise RecordNotFound(record="turn")
    return from_row(Turn, row)


async def find_by_update(connection: PersonConnection, session_id: UUID, update_id: str) -> Turn | None:
    """The turn that an update became; None when it was not accepted."""
    row = await connection.fetchrow(FIND_BY_UPDATE, session_id, update_id, connection.user_id)
    return None if row is None else from_row(Turn, row)


async def count_ahead(connection: PersonConnection, turn: Turn) -> int:
    """How many questions of the session are to be answered before this one."""
    return int(await connection.fetchval(COUNT_AHEAD, turn.session_id, connection.user_id, turn.seq))


async def last_question(connection: PersonConnection, session_id: UUID) -> Turn | None:
    """What was last asked in the session, however it ended."""
    row = await connection.fetchrow(LAST_QUESTION, session_id, connection.user_id)
    return None if row is None else from_row(Turn, row)


async def last_with_files(connection: PersonConnection, session_id: UUID, turn_id: UUID | None = None) -> Turn | None:
    """The session's last turn with files, or the one with this id if it has some."""
    row = await connection.fetchrow(LAST_WITH_FILES, session_id, connection.user_id, turn_id)
    return None if row is None else from_row(Turn, row)


async def last_answered(connection: PersonConnection, session_id: UUID, *, by_two_voices: bool = False) -> Turn | None:
    """The session's last question that has an answer; with `by_two_voices`, the last that was answered so."""
    row = await connection.fetchrow(LAST_ANSWERED, session_id, connection.user_id, by_two_voices)
    return None if row is None else from_row(Turn, row)


async def load_window(connection: PersonConnection, session_id: UUID, limit: int, before: int = MAX_SEQ) -> list[Turn]:
    """The last `limit` questions of the session's current window that have an answer, oldest first; none of which
    something has been forgotten.

    Args:
        before: only those with a smaller `seq`.
    """
    rows = await connection.fetch(WINDOW, session_id, connection.user_id, limit, before)
    return [from_row(Turn, row) for row in rows]


async def load_chain(connection: PersonConnection, turn_id: UUID, limit: int) -> list[Turn]:
    """A turn and those that it goes on from, at most `limit` of them, oldest first; without those that have no answer,
    and those of which something has been forgotten."""
    return [from_row(Turn, row) for row in await connection.fetch(CHAIN, connection.user_id, turn_id, limit)]


async def list_recent(connection: PersonConnection, mind: str, before: UUID | None, limit: int) -> list[Turn]:
    """The person's questions to a mind with their answers, latest first.

    Args:
        before: only those before this turn of theirs.
    """
    rows = await connection.fetch(LIST_RECENT, connection.user_id, mind, before, limit)
    return [from_row(Turn, row) for row in rows]


async def rate(connection: PersonConnection, turn_id: UUID, rating: int | None, comment: str | None) -> Turn | None:
    """Keep what the person thinks of an answer, in the place of what they thought before.

    Args:
        rating: 1 or -1; None takes it back.
        comment: in their own words; not kept if something of the turn has been forgotten.

    Returns:
        the turn; None if the person has no such turn with an answer.
    """
    row = await connection.fetchrow(RATE, turn_id, connection.user_id, rating, comment)
    return None if row is None else from_row(Turn, row)


async def list_unfinished(connection: PersonConnection) -> list[Turn]:
    """The person's turns that have not ended, oldest first."""
    return [from_row(Turn, row) for row in await connection.fetch(LIST_UNFINISHED, connection.user_id)]
