"""A person's own turns, and what they think of the answers."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import Path, Query
from pydantic import ConfigDict, Field
from starlette.requests import Request

from bot.channels.http.api import api_of
from bot.channels.http.errors import NoAnswerToRate, NoSuchTurn
from bot.channels.http.own_objects import FeedbackObject, TurnList, TurnObject, TurnUsage
from bot.channels.http.people import User, parse_id, person_of
from bot.channels.http.request_models import RequestModel, Thumb
from db.errors import RecordNotFound
from db.infra.connection import PersonConnection
from db.turns import turns
from db.turns.turns import Turn

FAILED_TURN: Final = "The answer failed. The operator finds the reason under the turn's id."
"""The error of a turn. What is stored may hold addresses and what the database or the engine has said."""
TurnId = Annotated[str, Path(description="A turn's id, or its completion's.")]
Limit = Annotated[int, Query(ge=1, le=100, description="How many turns at most.")]
Before = Annotated[
    str | None, Query(max_length=256, description="Only turns before this one of the person's: the last of a list.")
]


class FeedbackRequest(RequestModel):
    """What a person thinks of an answer."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rating": 1}, {"rating": -1, "comment": "That is not what I asked."}]}
    )

    rating: Thumb
    """1: good; -1: bad."""
    comment: Annotated[str, Field(max_length=4000)] | None = None
    """In the person's own words; it is forgotten with anything of the turn."""


async def list_turns(request: Request, user: User = None, limit: Limit = 20, before: Before = None) -> TurnList:
    """The person's turns with this mind, latest first.

    Raises:
        NoSuchTurn: they have no turn with the id `before`.
    """
    async with person_of(request, user) as connection:
        earliest = None if before is None else (await _find(connection, before)).id
        found: list[Turn] = []
        if connection is not None:
            found = await turns.list_recent(connection, api_of(request).mind.name, earliest, limit + 1)
    return TurnList(data=[_turn_object(turn) for turn in found[:limit]], has_more=len(found) > limit)


async def show_turn(request: Request, id: TurnId, user: User = None) -> TurnObject:  # noqa: A002  # the path's name
    """One of the person's turns, by its id or its completion's."""
    async with person_of(request, user) as connection:
        return _turn_object(await _find(connection, id))


async def rate_turn(
    request: Request,
    id: TurnId,  # noqa: A002  # the path's name
    feedback_request: FeedbackRequest,
    user: User = None,
) -> TurnObject:
    """Keep what the person thinks of an answer, in the place of what they thought before.

    Raises:
        NoSuchTurn: they have no such turn.
        NoAnswerToRate: it has no answer.
    """
    async with person_of(request, user) as connection:
        return await _rate(connection, id, feedback_request.rating, feedback_request.comment or None)


async def delete_rating(request: Request, id: TurnId, user: User = None) -> TurnObject:  # noqa: A002  # the path's name
    """Take back what the person thought of an answer."""
    async with person_of(request, user) as connection:
        return await _rate(connection, id, None, None)


async def _rate(
    connection: PersonConnection | None, text_id: str, rating: int | None, comment: str | None
) -> TurnObject:
    turn = await _find(connection, text_id)
    assert connection is not None
    rated = await turns.rate(connection, turn.id, rating, comment)
    if rated is None:
        raise NoAnswerToRate
    return _turn_object(rated)


async def _find(connection: PersonConnection | None, text_id: str) -> Turn:
    """A turn of the person.

    Raises:
        NoSuchTurn: they have none with this id.
    """
    turn_id: UUID | None = parse_id(text_id)
    if turn_id is None or connection is None:
        raise NoSuchTurn
    try:
        return await turns.get(connection, turn_id)
    except RecordNotFound:
        raise NoSuchTurn from None


def _turn_object(turn: Turn) -> TurnObject:
    feedback = None
    if turn.rating is not None and turn.rated_at is not None:
        feedback = FeedbackObject(rating=turn.rating, comment=turn.rating_comment, created_at=turn.rated_at.isoformat())
    return TurnObject(
        id=str(turn.id),
        state=turn.state,
        question=turn.question,
        answer=turn.answer,
        mode=turn.mode,
        asked_mode=turn.asked_mode,
        adapter=turn.adapter,
        finish_reason=turn.finish_reason,
        usage=TurnUsage(prompt_tokens=turn.prompt_tokens, completion_tokens=turn.completion_tokens),
        sources=turn.sources,
        memories=turn.recalled,
        error=None if turn.error is None else FAILED_TURN,
        feedback=feedback,
        created_at=turn.created_at.isoformat(),
        ended_at=turn.ended_at.isoformat() if turn.ended_at else None,
    )
