"""Reads requests: the body, within limits of size and time, and the conversation in it."""

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
"""Bytes of a request's body."""
BODY_TIMEOUT: Final = 30.0
"""Seconds that a request's body may take to arrive."""
_IDENTIFIER_ADAPTER: Final[TypeAdapter[str | None]] = TypeAdapter(Identifier | None)


async def parse_request(request: web.Request) -> ChatRequest:
    """The body of a chat completion request.

    Raises:
        RequestRefused: it is too large, too slow, not JSON, malformed, or uses parameters that are not supported.
    """
    if request.content_type != "application/json":
        raise NotJson
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            body = await _read_body(request)
    except TimeoutError:
        raise BodyTimedOut(BODY_TIMEOUT) from None
    try:
        chat_request = ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise _first_problem(error) from None
    if chat_request.unsupported_parameter is not None:
        raise ParameterNotSupported(chat_request.unsupported_parameter)
    return chat_request


def parse_conversation(
    chat_request: ChatRequest, mode: str, *, is_stateless: bool = False
) -> tuple[str, ClientConversation]:
    """The question, and the conversation before it.

    Args:
        is_stateless: whether the conversation belongs to no person.

    Raises:
        LastMessageNotFromUser: the conversation does not end with a message of the person.
    """
    system = "\n\n".join(message.text for message in chat_request.messages if _is_instruction(message))
    dialogue = [message for message in chat_request.messages if not _is_instruction(message)]
    messages = list(_merge_consecutive(dialogue))
    if not messages or messages[-1][0] != "user":
        raise LastMessageNotFromUser
    question = messages.pop()[1]
    if messages and messages[0][0] == "assistant":
        messages.insert(0, ("user", ""))
    questions, answers = messages[::2], messages[1::2]
    limits = [limit for limit in (chat_request.max_tokens, chat_request.max_completion_tokens) if limit is not None]
    return question, ClientConversation(
        mode,
        [(asked, answered) for (_, asked), (_, answered) in zip(questions, answers, strict=True)],
        system,
        max_tokens=min(limits, default=None),
        temperature=chat_request.temperature,
        top_p=chat_request.top_p,
        seed=chat_request.seed,
        stop=chat_request.stop_sequences,
        schema=chat_request.response_format.schema_ if chat_request.response_format else None,
        is_stateless=is_stateless,
    )


def parse_user(request: web.Request) -> str | None:
    """The person that `?user=` names; None if the request names nobody.

    Raises:
        BadRequest: the name is malformed.
    """
    try:
        return _IDENTIFIER_ADAPTER.validate_python(request.query.get("user"))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise BadRequest("user", problem["msg"]) from None


def _is_instruction(message: ChatMessage) -> bool:
    return message.role in ("system", "developer")


def _merge_consecutive(messages: Sequence[ChatMessage]) -> Iterator[tuple[str, str]]:
    """Roles and texts, with consecutive messages of one role merged: chat templates need alternating roles."""
    for role, run in groupby(messages, lambda message: message.role):
        yield role, "\n\n".join(message.text for message in run)


async def _read_body(request: web.Request) -> bytes:
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise BodyTooLarge(MAX_BODY_BYTES)
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(MAX_BODY_BYTES)
    return bytes(body)


def _first_problem(error: ValidationError) -> BadRequest:
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return BadRequest(".".join(map(str, problem["loc"])) or "body", problem["msg"])
