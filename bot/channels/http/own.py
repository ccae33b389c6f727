"""Endpoints of our own: what a person has asked, and what is remembered of him."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import web

from bot.channels.http.api import Api
from bot.channels.http.errors import NoSuchMemory, NoSuchTurn
from bot.recall.memory import forgetting
from db import memory, turns
from db.errors import RecordNotFound
from db.memory import Memory
from db.turns import Turn


async def show_turn(api: Api, request: web.Request) -> web.Response:
    """One of the person's turns, by its id or that of its completion."""
    turn_id = _parse_id(request)
    if turn_id is None:
        raise NoSuchTurn
    async with api.person_connection(request) as connection:
        try:
            found = await turns.get(connection, turn_id)
        except RecordNotFound:
            raise NoSuchTurn from None
    return web.json_response(_turn_object(found))


async def list_memories(api: Api, request: web.Request) -> web.Response:
    """What is remembered of the person, oldest first."""
    async with api.person_connection(request) as connection:
        found = await memory.list_valid(connection)
    told = [_memory_object(one) for one in found if one.kind != "episode"]
    return web.json_response({"object": "list", "data": told})


async def forget_memory(api: Api, request: web.Request) -> web.Response:
    """Forget one thing for good."""
    memory_id = _parse_id(request)
    if memory_id is None:
        raise NoSuchMemory
    async with api.person_connection(request) as connection:
        forgotten = await forgetting.forget(connection, memory_id)
    if not forgotten:
        raise NoSuchMemory
    return web.json_response({"id": str(memory_id), "object": "memory", "deleted": True})


async def forget_everything(api: Api, request: web.Request) -> web.Response:
    """Forget all that is remembered of the person for good."""
    async with api.person_connection(request) as connection:
        forgotten = await forgetting.forget_all(connection)
    return web.json_response({"object": "list", "deleted": forgotten})


def _parse_id(request: web.Request) -> UUID | None:
    try:
        return UUID(request.match_info["id"].removeprefix("chatcmpl-"))
    except ValueError:
        return None


def _turn_object(turn: Turn) -> dict[str, Any]:
    return {
        "id": str(turn.id),
        "object": "turn",
        "state": turn.state,
        "question": turn.question,
        "answer": turn.answer,
        "mode": turn.mode,
        "asked_mode": turn.asked_mode,
        "adapter": turn.adapter,
        "finish_reason": turn.finish_reason,
        "usage": {"prompt_tokens": turn.prompt_tokens, "completion_tokens": turn.completion_tokens},
        "sources": turn.sources,
        "memories": turn.recalled,
        "error": turn.error,
        "created_at": turn.created_at.isoformat(),
        "ended_at": turn.ended_at.isoformat() if turn.ended_at else None,
    }


def _memory_object(record: Memory) -> dict[str, Any]:
    return {
        "id": str(record.id),
        "object": "memory",
        "kind": record.kind,
        "content": record.content,
        "created_at": record.created_at.isoformat(),
    }
