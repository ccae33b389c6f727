"""From a request to what is asked: the body within bounds, and the conversation in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from bot.channels.http.errors import (
    BadRequest,
    BodyTimedOut,
    BodyTooLarge,
    LastMessageNotFromUser,
    NotJson,
    ParameterNotSupported,
)
from bot.channels.http.request_models import ChatMessage, ChatRequest, Identifier
from bot.core.messages import ClientConversation

MAX_BODY_BYTES: Final = 1_000_000
"""Bytes of a request."""
_IDENTIFIER_ADAPTER: Final[TypeAdapter[str | None]] = TypeAdapter(Identifier | None)
BODY_TIMEOUT: Final = 30.0
"""Seconds that a request may take to come in."""


async def parse_request(request: web.Request) -> ChatRequest:
    """The request's body.

    Raises:
        RequestRefused: it is too large, too slow, not JSON, not a request, or asks for what is not done here.
    """
    if request.content_type != "application/json":
        raise NotJson
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            body = await _read_body(request)
    except TimeoutError:
        raise BodyTimedOut(BODY_TIMEOUT) from None
    try:
        asked = ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise _first_problem(error) from None
    if asked.unsupported_parameter is not None:
        raise ParameterNotSupported(asked.unsupported_parameter)
    return asked


def parse_conversation(chat_request: ChatRequest, mode: str) -> tuple[str, ClientConversation]:
    """The question, and what it came with.

    Raises:
        LastMessageNotFromUser: the last word is not the person's.
    """
    system = "\n\n".join(message.text for message in chat_request.messages if _is_instruction(message))
    said = list(_merge_consecutive([message for message in chat_request.messages if not _is_instruction(message)]))
    if not said or said[-1][0] != "user":
        raise LastMessageNotFromUser
    question = said.pop()[1]
    if said and said[0][0] == "assistant":
        said.insert(0, ("user", ""))
    questions, answers = said[::2], said[1::2]
    limits = [limit for limit in (chat_request.max_tokens, chat_request.max_completion_tokens) if limit is not None]
    return question, ClientConversation(
        mode,
        [(one, other) for (_, one), (_, other) in zip(questions, answers, strict=True)],
        system,
        max_tokens=min(limits, default=None),
        temperature=chat_request.temperature,
        top_p=chat_request.top_p,
        seed=chat_request.seed,
        stop=chat_request.stop_sequences,
        schema=chat_request.response_format.schema_ if chat_request.response_format else None,
    )


def parse_user(request: web.Request) -> str | None:
    """Whom `?user=` names.

    Raises:
        BadRequest: it is no name.
    """
    try:
        return _IDENTIFIER_ADAPTER.validate_python(request.query.get("user"))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise BadRequest("user", problem["msg"]) from None


def _is_instruction(message: ChatMessage) -> bool:
    return message.role in ("system", "developer")


def _merge_consecutive(messages: Sequence[ChatMessage]) -> Iterator[tuple[str, str]]:
    """Messages of one side in a row become one: chat templates know only two who take turns."""
    for role, run in groupby(messages, lambda message: message.role):
        yield role, "\n\n".join(message.text for message in run)


async def _read_body(request: web.Request) -> bytes:
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise BodyTooLarge(MAX_BODY_BYTES)
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(MAX_BODY_BYTES)
    return bytes(body)


def _first_problem(error: ValidationError) -> BadRequest:
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return BadRequest(".".join(map(str, problem["loc"])) or "body", problem["msg"])
