"""Endpoint handlers: chat completions, and a person's own turns and memories."""

from __future__ import annotations

import re
import time
from typing import Any
from uuid import UUID

from aiohttp import web

from bot.channels.http.api import Api, requested_language
from bot.channels.http.auth import external_id_of
from bot.channels.http.completion_objects import Completion
from bot.channels.http.errors import NoSuchMemory, NoSuchTurn, ServiceShuttingDown
from bot.channels.http.front_end_prompts import ask_as_user, is_front_end_task, separate_retrieved_text
from bot.channels.http.reply import PLATFORM, JsonReply, StreamingReply
from bot.channels.http.request_parsing import parse_conversation, parse_request
from bot.core.messages import Incoming
from bot.memory import forgetting
from bot.memory.records import Record
from bot.minds.grammar import Base
from db.errors import RecordNotFound
from db.memory import memories
from db.memory.memories import Memory
from db.turns import turns
from db.turns.turns import Turn


async def create_completion(api: Api, request: web.Request) -> web.StreamResponse:
    """Answer the last message of a conversation. When the client disconnects, this is cancelled, and so is the answer.

    Raises:
        ConsiliumError: the request is refused.
    """
    client = api.clients.authenticate(request)
    if api.heartbeat.draining:
        raise ServiceShuttingDown
    chat_request = await parse_request(request)
    mode = api.resolve_mode(chat_request.model).text
    is_task = is_front_end_task(request, chat_request)
    if is_task:
        mode = api.resolve_mode(str(Base())).text
        chat_request = chat_request.model_copy(update={"messages": ask_as_user(chat_request.messages)})
    person = None if is_task else chat_request.person
    question, conversation = parse_conversation(chat_request, mode, is_stateless=person is None)
    question, quotations = separate_retrieved_text(question)
    session = chat_request.metadata.session if chat_request.metadata and person is not None else None
    incoming = Incoming(
        PLATFORM,
        external_id_of(client, person),
        session or person or "",
        question,
        language=requested_language(request),
        quotations=quotations,
        task_of=external_id_of(client, chat_request.person) if is_task else None,
        client_conversation=conversation,
    )
    accepted = await api.direct.accept(incoming)
    completion = Completion(str(accepted.receipt.turn.id), int(time.time()))
    reply: JsonReply | StreamingReply
    if chat_request.stream:
        with_usage = chat_request.stream_options is not None and chat_request.stream_options.include_usage
        reply = StreamingReply(request, completion, with_usage=with_usage)
    else:
        reply = JsonReply(request, completion)
    outcome = await api.direct.answer_accepted(accepted, reply)
    if reply.response is None:
        await reply.finish(outcome)
    assert reply.response is not None
    return reply.response


async def show_turn(api: Api, request: web.Request) -> web.Response:
    """`GET /v1/turns/{id}`: a turn of the person, by its id or its completion's."""
    turn_id = _parse_id(request)
    if turn_id is None:
        raise NoSuchTurn
    async with api.person_connection(request) as connection:
        try:
            turn = await turns.get(connection, turn_id)
        except RecordNotFound:
            raise NoSuchTurn from None
    return web.json_response(_turn_object(turn))


async def list_memories(api: Api, request: web.Request) -> web.Response:
    """`GET /v1/memories`: what is remembered of the person, oldest first; without episodes."""
    async with api.person_connection(request) as connection:
        records = await memories.list_valid(connection)
    data = [_memory_object(record) for record in records if record.kind != "episode"]
    return web.json_response({"object": "list", "data": data})


async def forget_memory(api: Api, request: web.Request) -> web.Response:
    """`DELETE /v1/memories/{id}`: forget one memory and what says the same for good; what may say it is listed."""
    record = _parse_record(request)
    if record is None:
        raise NoSuchMemory
    async with api.person_connection(request) as connection:
        forgotten = await api.memory.forget(connection, [record])
    if forgotten is None:
        raise NoSuchMemory
    counts = {
        "facts": forgotten.facts,
        "messages": forgotten.messages,
        "answers": forgotten.answers,
        "documents": forgotten.documents,
    }
    unsure = [
        {"record": str(line.record), "kind": line.label, "content": line.text, "date": line.date.isoformat()}
        for line in forgotten.unsure
    ]
    return web.json_response(
        {"id": request.match_info["id"], "object": "memory", "deleted": True, "forgotten": counts, "unsure": unsure}
    )


async def forget_everything(api: Api, request: web.Request) -> web.Response:
    """`DELETE /v1/memories`: forget everything remembered of the person for good."""
    async with api.person_connection(request) as connection:
        forgotten = await forgetting.forget_all(connection)
    return web.json_response({"object": "list", "deleted": forgotten})


def _parse_record(request: web.Request) -> Record | None:
    """The record of a path: a memory's id, or a record as `unsure` lists it."""
    text = request.match_info["id"]
    if re.fullmatch(r"[mqa]:[0-9a-f-]{36}", text):
        text_id = text[2:]
        try:
            UUID(text_id)
        except ValueError:
            return None
        return Record.parse(text)
    memory_id = _parse_id(request)
    return None if memory_id is None else Record("memory", memory_id)


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
