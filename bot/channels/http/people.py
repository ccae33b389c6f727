"""A person's own turns and memories."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final
from uuid import UUID

from fastapi import Path, Query
from starlette.requests import Request

from bot.channels.http.api import api_of
from bot.channels.http.api_client import client_of
from bot.channels.http.errors import NoSuchMemory, NoSuchTurn
from bot.channels.http.front_end_people import person_asked_about
from bot.channels.http.request_models import Identifier
from bot.channels.http.response_models import (
    DeletedMemories,
    DeletedMemory,
    ForgottenCounts,
    MemoryList,
    MemoryObject,
    TurnObject,
    TurnUsage,
    UnsureRecord,
)
from bot.memory import forgetting
from bot.memory.records import Record
from db.errors import RecordNotFound
from db.infra.connection import PersonConnection
from db.memory import memories
from db.memory.memories import Memory
from db.turns import turns
from db.turns.turns import Turn

FAILED_TURN: Final = "The answer failed. The operator finds the reason under the turn's id."
"""The error of a turn. What is stored may hold addresses and what the database or the engine has said."""
User = Annotated[
    Identifier | None,
    Query(description="The person, as in the request that created the turn.", examples=["anna"]),
]
TurnId = Annotated[str, Path(description="A turn's id, or its completion's.")]
MemoryId = Annotated[str, Path(description="A memory's id, or a record as `unsure` lists it.")]


async def show_turn(request: Request, id: TurnId, user: User = None) -> TurnObject:  # noqa: A002  # the path's name
    """One of the person's turns, by its id or its completion's."""
    turn_id = _parse_id(id)
    if turn_id is None:
        raise NoSuchTurn
    async with person_of(request, user) as connection:
        if connection is None:
            raise NoSuchTurn
        try:
            return _turn_object(await turns.get(connection, turn_id))
        except RecordNotFound:
            raise NoSuchTurn from None


async def list_memories(request: Request, user: User = None) -> MemoryList:
    """What is remembered of the person, oldest first; without episodes."""
    async with person_of(request, user) as connection:
        records = [] if connection is None else await memories.list_valid(connection)
    return MemoryList(data=[_memory_object(record) for record in records if record.kind != "episode"])


async def forget_memory(request: Request, id: MemoryId, user: User = None) -> DeletedMemory:  # noqa: A002  # the path's name
    """Forget one memory and what says the same for good; what may say it is listed."""
    record = _parse_record(id)
    if record is None:
        raise NoSuchMemory
    async with person_of(request, user) as connection:
        forgotten = None if connection is None else await api_of(request).memory.forget(connection, [record])
    if forgotten is None:
        raise NoSuchMemory
    return DeletedMemory(
        id=id,
        forgotten=ForgottenCounts.model_validate(forgotten),
        unsure=[
            UnsureRecord(record=str(line.record), kind=line.label, content=line.text, date=line.date.isoformat())
            for line in forgotten.unsure
        ],
    )


async def forget_everything(request: Request, user: User = None) -> DeletedMemories:
    """Forget everything remembered of the person for good."""
    async with person_of(request, user) as connection:
        return DeletedMemories(deleted=0 if connection is None else await forgetting.forget_all(connection))


@asynccontextmanager
async def person_of(request: Request, user: str | None) -> AsyncIterator[PersonConnection | None]:
    """A transaction of the person whom a request names; None for somebody who has never written.

    Raises:
        PersonNotInScope: its key may not name them.
        AccessDenied: the operator does not let them in.
    """
    client = client_of(request)
    async with api_of(request).person_connection(client, person_asked_about(request, client, user)) as connection:
        yield connection


def _parse_record(text: str) -> Record | None:
    """The record of a path: a memory's id, or a record as `unsure` lists it."""
    if re.fullmatch(r"[mqa]:[0-9a-f-]{36}", text):
        text_id = text[2:]
        try:
            UUID(text_id)
        except ValueError:
            return None
        return Record.parse(text)
    memory_id = _parse_id(text)
    return None if memory_id is None else Record("memory", memory_id)


def _parse_id(text: str) -> UUID | None:
    try:
        return UUID(text.removeprefix("chatcmpl-"))
    except ValueError:
        return None


def _turn_object(turn: Turn) -> TurnObject:
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
        created_at=turn.created_at.isoformat(),
        ended_at=turn.ended_at.isoformat() if turn.ended_at else None,
    )


def _memory_object(record: Memory) -> MemoryObject:
    return MemoryObject(
        id=str(record.id), kind=record.kind, content=record.content, created_at=record.created_at.isoformat()
    )
