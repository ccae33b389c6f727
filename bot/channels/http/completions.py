"""The endpoint of chat completions."""

from __future__ import annotations

import hashlib
import itertools
import time
from dataclasses import replace
from typing import Annotated, Final

from fastapi import Header
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.answering.draft import stored_outcome
from bot.channels.http.api import Api, api_of, requested_language
from bot.channels.http.api_client import ApiClient, client_of
from bot.channels.http.completion_objects import Completion
from bot.channels.http.errors import ParameterNotSupported, ServiceShuttingDown, StillBeingAnswered
from bot.channels.http.front_end_people import named_person
from bot.channels.http.front_end_prompts import ask_as_user, is_front_end_task, separate_retrieved_text
from bot.channels.http.reply import PLATFORM, HttpReply, JsonReply, StreamingReply
from bot.channels.http.request_models import ChatRequest
from bot.channels.http.request_parsing import parse_conversation
from bot.core.background import run_in_background
from bot.core.messages import Incoming, Outcome
from bot.intake.inline import AcceptedMessage
from bot.minds.grammar import Base

CHAT_PATH: Final = "/v1/chat/completions"


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=255,
        description="Any name of the request. The same request with the same key gets the answer that is there, and is "
        "answered anew only if there is none. It needs a `user`: of nobody nothing is kept.",
    ),
]


async def create_completion(
    request: Request, chat_request: ChatRequest, idempotency_key: IdempotencyKey = None
) -> Response:
    """Answer the last message of a conversation. A client that closes its connection stops the answer.

    Raises:
        ConsiliumError: the request is refused.
    """
    api, client = api_of(request), client_of(request)
    if api.heartbeat.draining:
        raise ServiceShuttingDown
    for parameter in chat_request.unsupported_parameters():
        raise ParameterNotSupported(parameter)
    incoming = _incoming(api, client, request, chat_request)
    is_kept = incoming.client_conversation is not None and not incoming.client_conversation.is_stateless
    if idempotency_key is None or not is_kept:
        accepted = await api.accept(client, incoming)
    else:
        accepted = await _accept_once(api, client, incoming, _request_name(idempotency_key, chat_request))
    return AnswerResponse(api, accepted, chat_request)


class AnswerResponse(Response):
    """The answer to an accepted message, sent while it is generated."""

    def __init__(self, api: Api, accepted: AcceptedMessage, chat_request: ChatRequest) -> None:
        super().__init__()
        self._api = api
        self._accepted = accepted
        self._chat_request = chat_request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chat_request = self._chat_request
        completion = Completion(str(self._accepted.receipt.turn.id), int(time.time()))
        say = self._api.translator_for(Request(scope))
        reply: HttpReply
        if chat_request.stream:
            with_usage = chat_request.stream_options is not None and chat_request.stream_options.include_usage
            reply = StreamingReply(scope, receive, send, completion, say, with_usage=with_usage)
        else:
            reply = JsonReply(scope, receive, send, completion, say)
        turn = self._accepted.receipt.turn
        if not self._accepted.receipt.is_new:
            await _repeat(reply, stored_outcome(turn))
            return
        async with run_in_background(reply.keep_alive(), "http-keep-alive"):
            outcome = await self._api.direct.answer_accepted(self._accepted, reply)
            if not reply.is_finished:
                await reply.finish(outcome)


def _request_name(idempotency_key: str, chat_request: ChatRequest) -> str:
    """A name that a request shares with its repetitions, and with no other request of its session."""
    return hashlib.sha256(f"{idempotency_key}\n{chat_request.model_dump_json()}".encode()).hexdigest()


async def _accept_once(api: Api, client: ApiClient, incoming: Incoming, name: str) -> AcceptedMessage:
    """Accept a message, or find what it became when it came before. One that came to nothing is accepted anew.

    Raises:
        StillBeingAnswered: it came before, and is being answered.
    """
    for attempt in itertools.count(1):
        accepted = await api.accept(client, replace(incoming, update=f"{name}:{attempt}"))
        state = accepted.receipt.turn.state
        if accepted.receipt.is_new or state == "delivered":
            return accepted
        if state not in ("stopped", "failed", "dead"):
            raise StillBeingAnswered
    raise AssertionError("the count has no end")


async def _repeat(reply: HttpReply, outcome: Outcome) -> None:
    """Send an answer that is there."""
    await reply.start(outcome.mode)
    await reply.write(outcome.answer)
    await reply.finish(outcome)


def _incoming(api: Api, client: ApiClient, request: Request, chat_request: ChatRequest) -> Incoming:
    """The message that a request brings.

    Raises:
        ConsiliumError: there is no such mode, or nothing to answer.
    """
    mode = api.resolve_mode(chat_request.model).text
    is_task = is_front_end_task(request, chat_request)
    if is_task:
        mode = api.resolve_mode(str(Base())).text
        chat_request = chat_request.model_copy(update={"messages": ask_as_user(chat_request.messages)})
    named = named_person(
        request,
        client,
        user=chat_request.person,
        session=chat_request.metadata.session if chat_request.metadata else None,
        conversation=chat_request.conversation_id,
    )
    person = None if is_task else named.person
    question, conversation = parse_conversation(chat_request, mode, is_stateless=person is None)
    question, quotations = separate_retrieved_text(question)
    return Incoming(
        PLATFORM,
        client.external_id(person),
        (named.session if person else None) or person or "",
        question,
        language=requested_language(request),
        quotations=quotations,
        task_of=client.external_id(named.person) if is_task else None,
        client_conversation=conversation,
    )
