"""The endpoint of chat completions."""

from __future__ import annotations

import time
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from bot.channels.http.answer_response import (
    AnswerResponse,
    IdempotencyKey,
    accept,
    check_accepting,
    choose_tools,
    make_incoming,
)
from bot.channels.http.api import api_of
from bot.channels.http.api_client import client_of
from bot.channels.http.completion_objects import Completion
from bot.channels.http.request_models import ChatRequest

CHAT_PATH: Final = "/v1/chat/completions"


async def create_completion(
    request: Request, chat_request: ChatRequest, idempotency_key: IdempotencyKey = None
) -> Response:
    """Answer the last message of a conversation. A client that closes its connection stops the answer.

    Raises:
        ConsiliumError: the request is refused.
    """
    api, client = api_of(request), client_of(request)
    check_accepting(api)
    tools, headers = await choose_tools(api, chat_request.offered_tools, strict=chat_request.strict)
    incoming = await make_incoming(api, client, request, chat_request, tools)
    accepted = await accept(api, client, incoming, chat_request, idempotency_key)
    completion = Completion(
        str(accepted.receipt.turn.id),
        int(time.time()),
        with_usage=chat_request.stream_options is not None and chat_request.stream_options.include_usage,
        with_sources=chat_request.metadata is not None and chat_request.metadata.sources == "text",
    )
    return AnswerResponse(api, accepted, completion, stream=bool(chat_request.stream), headers=headers)
