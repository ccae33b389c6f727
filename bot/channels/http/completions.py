"""`POST /v1/chat/completions`."""

from __future__ import annotations

import time

from aiohttp import web

from bot.channels.http.api import Api, spoken
from bot.channels.http.clients import person_of
from bot.channels.http.errors import ServiceEnding
from bot.channels.http.reading import read_conversation, read_request
from bot.channels.http.reply import PLATFORM, StreamedReply, WholeReply
from bot.channels.http.shapes import Completion
from bot.channels.port import Incoming


async def complete(api: Api, request: web.Request) -> web.StreamResponse:
    """Answer a conversation's last message; it is cancelled, and so is the answer, when the client goes away.

    Raises:
        ConsiliumError: why it is not taken in.
    """
    client = api.clients.name_of(request)
    if api.presence.draining:
        raise ServiceEnding
    asked = await read_request(request)
    question, given = read_conversation(asked, api.mode(asked.model).text)
    session = asked.metadata.session if asked.metadata else None
    incoming = Incoming(
        PLATFORM,
        person_of(client, asked.person),
        session or asked.person or "",
        question,
        language=spoken(request),
        given=given,
    )
    taken = await api.direct.take_in(incoming)
    completion = Completion(str(taken.receipt.turn.id), int(time.time()))
    reply: WholeReply | StreamedReply
    if asked.stream:
        with_usage = asked.stream_options is not None and asked.stream_options.include_usage
        reply = StreamedReply(request, completion, with_usage=with_usage)
    else:
        reply = WholeReply(request, completion)
    outcome = await api.direct.show(taken, reply)
    if reply.response is None:
        await reply.finish(outcome)
    assert reply.response is not None
    return reply.response
