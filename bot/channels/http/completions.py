"""`POST /v1/chat/completions`."""

from __future__ import annotations

import time

from aiohttp import web

from bot.channels.http.api import Api, requested_language
from bot.channels.http.clients import external_id_of
from bot.channels.http.errors import ServiceShuttingDown
from bot.channels.http.reading import parse_conversation, parse_request
from bot.channels.http.reply import PLATFORM, JsonReply, StreamingReply
from bot.channels.http.shapes import Completion
from bot.channels.port import Incoming


async def create_completion(api: Api, request: web.Request) -> web.StreamResponse:
    """Answer a conversation's last message; it is cancelled, and so is the answer, when the client goes away.

    Raises:
        ConsiliumError: why it is not taken in.
    """
    client = api.clients.authenticate(request)
    if api.heartbeat.draining:
        raise ServiceShuttingDown
    asked = await parse_request(request)
    question, given = parse_conversation(asked, api.resolve_mode(asked.model).text)
    session = asked.metadata.session if asked.metadata else None
    incoming = Incoming(
        PLATFORM,
        external_id_of(client, asked.person),
        session or asked.person or "",
        question,
        language=requested_language(request),
        client_conversation=given,
    )
    taken = await api.direct.accept(incoming)
    completion = Completion(str(taken.receipt.turn.id), int(time.time()))
    reply: JsonReply | StreamingReply
    if asked.stream:
        with_usage = asked.stream_options is not None and asked.stream_options.include_usage
        reply = StreamingReply(request, completion, with_usage=with_usage)
    else:
        reply = JsonReply(request, completion)
    outcome = await api.direct.answer_accepted(taken, reply)
    if reply.response is None:
        await reply.finish(outcome)
    assert reply.response is not None
    return reply.response
