"""Joins the parts of one message: a text that the platform cut, an album, several messages forwarded at once.

The first part is stored and acknowledged like any other message, only its job begins a moment later. A part that comes
meanwhile is added to the waiting turn in the transaction that accepts it. So nothing is held in a process, and a
process that ends in that moment loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from bot.core.attachments import Attachments
from bot.core.messages import Incoming, MessagePart
from bot.core.quotations import Quotation, quotations_from_json, quotations_to_json
from bot.intake.commands import AskQuestion
from db.infra.connection import PersonConnection
from db.turns import jobs, joining
from db.turns.turns import Turn

JOIN_WINDOW: Final = timedelta(seconds=1)
"""How long a further part is waited for."""
REMARK_WINDOW: Final = timedelta(seconds=0.5)
"""How long forwarded messages are waited for behind a remark: clients send both at once."""
FORWARD_KEY: Final = "forward"
_REMARK_KEY: Final = "remark"
MAX_PARTS: Final = 20
"""Parts of one message; a further one is a message of its own."""
_SENTENCE_ENDS: Final = ".!?…:;)»”\"'`"


def awaits_parts(incoming: Incoming) -> bool:
    """Whether further parts of a message may follow. The terminal and HTTP get messages whole."""
    return pause_for(incoming) is not None


def pause_for(incoming: Incoming) -> timedelta | None:
    """How long further parts of a message are waited for; None if there are none."""
    part = incoming.part
    if part is None or incoming.address is None:
        return None
    if part.awaits_more:
        return JOIN_WINDOW
    return REMARK_WINDOW if part.may_introduce_forwards else None


def awaited_key(incoming: Incoming) -> str | None:
    """The key under which a message waits for its parts; None if it does not."""
    part = incoming.part
    if part is None or not awaits_parts(incoming):
        return None
    return part.key if part.awaits_more else _REMARK_KEY


def expected_key(incoming: Incoming) -> str | None:
    """The key that further parts of a message have; None if there are none."""
    key = awaited_key(incoming)
    return FORWARD_KEY if key == _REMARK_KEY else key


async def join_part(
    connection: PersonConnection, session_id: Any, incoming: Incoming, part: MessagePart, message: AskQuestion
) -> Turn | None:
    """Add a part to the turn that waits for it; None if there is no such turn: then it begins a message of its own.

    Raises:
        DuplicateUpdate: the same update was joined before.
    """
    turn = await joining.find_waiting(connection, session_id, part.key, incoming.update)
    if turn is None and part.key == FORWARD_KEY:
        turn = await joining.find_waiting(connection, session_id, _REMARK_KEY, incoming.update)
    if turn is None or len(turn.joined_updates) + 1 >= MAX_PARTS:
        return None
    within = JOIN_WINDOW if part.awaits_more else timedelta(0)
    joined = await joining.join(
        connection,
        turn,
        question=join_texts(turn.question, message.question),
        quotations=_join_quotations(turn.quotations, incoming.quotations),
        unread=list(dict.fromkeys((*turn.unread, *incoming.unread))),
        files=_join_files(turn.files, message.files),
        update_id=incoming.update,
        part_key=part.key,
        within=within,
    )
    await jobs.postpone(connection, turn.id, within)
    return joined


def join_texts(first: str, second: str) -> str:
    """Two parts of a text, as it was before it was cut.

    Clients cut at white space, which they drop, and in the middle of a word only where there is none for a long way.
    """
    if not first or not second:
        return first or second
    cut_at_line = first[-1] in _SENTENCE_ENDS or not second[0].isalnum() or second[0].isupper()
    return f"{first}\n{second}" if cut_at_line else f"{first} {second}"


def _join_quotations(
    stored: Sequence[Mapping[str, Any]] | None, added: Sequence[Quotation]
) -> list[dict[str, Any]] | None:
    return quotations_to_json(dict.fromkeys((*quotations_from_json(stored), *added)))


def _join_files(stored: Mapping[str, Any] | None, added: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if stored is None or added is None:
        return dict(stored or added or {}) or None
    return Attachments.from_document(stored).joined(Attachments.from_document(added)).to_document()
