"""From a request to what is asked: the body within bounds, and the conversation in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from bot.channels.given import Given
from bot.channels.http.errors import BadRequest, BodyTooLarge, BodyTooSlow, LastWordTaken, NotJson, NotSupported
from bot.channels.http.wire import ChatMessage, ChatRequest, Name

MAX_BODY: Final = 1_000_000
"""Bytes of a request."""
_NAME: Final[TypeAdapter[str | None]] = TypeAdapter(Name | None)
BODY_WITHIN: Final = 30.0
"""Seconds that a request may take to come in."""


async def read_request(request: web.Request) -> ChatRequest:
    """The request's body.

    Raises:
        RequestRefused: it is too large, too slow, not JSON, not a request, or asks for what is not done here.
    """
    if request.content_type != "application/json":
        raise NotJson
    try:
        async with asyncio.timeout(BODY_WITHIN):
            body = await _read(request)
    except TimeoutError:
        raise BodyTooSlow(BODY_WITHIN) from None
    try:
        asked = ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise _first(error) from None
    if asked.unsupported is not None:
        raise NotSupported(asked.unsupported)
    return asked


def read_conversation(asked: ChatRequest, mode: str) -> tuple[str, Given]:
    """The question, and what it came with.

    Raises:
        LastWordTaken: the last word is not the person's.
    """
    system = "\n\n".join(message.text for message in asked.messages if _is_instruction(message))
    said = list(_runs([message for message in asked.messages if not _is_instruction(message)]))
    if not said or said[-1][0] != "user":
        raise LastWordTaken
    question = said.pop()[1]
    if said and said[0][0] == "assistant":
        said.insert(0, ("user", ""))
    questions, answers = said[::2], said[1::2]
    limits = [limit for limit in (asked.max_tokens, asked.max_completion_tokens) if limit is not None]
    return question, Given(
        mode,
        [(one, other) for (_, one), (_, other) in zip(questions, answers, strict=True)],
        system,
        max_tokens=min(limits, default=None),
        temperature=asked.temperature,
        top_p=asked.top_p,
        seed=asked.seed,
        stop=asked.stops,
        schema=asked.response_format.schema_ if asked.response_format else None,
    )


def read_user(request: web.Request) -> str | None:
    """Whom `?user=` names.

    Raises:
        BadRequest: it is no name.
    """
    try:
        return _NAME.validate_python(request.query.get("user"))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise BadRequest("user", problem["msg"]) from None


def _is_instruction(message: ChatMessage) -> bool:
    return message.role in ("system", "developer")


def _runs(messages: Sequence[ChatMessage]) -> Iterator[tuple[str, str]]:
    """Messages of one side in a row become one: chat templates know only two who take turns."""
    for role, run in groupby(messages, lambda message: message.role):
        yield role, "\n\n".join(message.text for message in run)


async def _read(request: web.Request) -> bytes:
    if (request.content_length or 0) > MAX_BODY:
        raise BodyTooLarge(MAX_BODY)
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > MAX_BODY:
            raise BodyTooLarge(MAX_BODY)
    return bytes(body)


def _first(error: ValidationError) -> BadRequest:
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return BadRequest(".".join(map(str, problem["loc"])) or "body", problem["msg"])
