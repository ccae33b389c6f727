"""A person whom a request is about, and their memories."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query
from starlette.requests import Request

from bot.channels.http.api import api_of
from bot.channels.http.api_client import client_of
from bot.channels.http.errors import NoSuchMemory
from bot.channels.http.front_end_people import person_asked_about
from bot.channels.http.own_objects import (
    DeletedMemories,
    DeletedMemory,
    ForgottenCounts,
    MemoryList,
    MemoryObject,
    UnsureRecord,
)
from bot.channels.http.request_models import Identifier
from bot.memory import forgetting
from bot.memory.records import Record
from db.infra.connection import PersonConnection
from db.memory import memories
from db.memory.memories import Memory

User = Annotated[
    Identifier | None,
    Query(description="The person, as in the request that created the turn.", examples=["anna"]),
]
MemoryId = Annotated[str, Path(description="A memory's id, or a record as `unsure` lists it.")]


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
    memory_id = parse_id(text)
    return None if memory_id is None else Record("memory", memory_id)


def parse_id(text: str) -> UUID | None:
    """The id of a turn or memory, as it is or as a completion names it; None for any other text."""
    try:
        return UUID(text.removeprefix("chatcmpl-"))
    except ValueError:
        return None


def _memory_object(record: Memory) -> MemoryObject:
    return MemoryObject(
        id=str(record.id), kind=record.kind, content=record.content, created_at=record.created_at.isoformat()
    )
