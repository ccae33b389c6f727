"""From a conversation that a client asks to be answered to the response: accepted, answered, or found answered."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import Header
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.answering.draft import stored_outcome
from bot.channels.http.answer_format import AnswerFormat
from bot.channels.http.api import Api, requested_language
from bot.channels.http.api_client import ApiClient
from bot.channels.http.error_responses import ErrorResponse
from bot.channels.http.errors import ParameterNotSupported, ServiceShuttingDown, StillBeingAnswered
from bot.channels.http.front_end_people import named_person
from bot.channels.http.front_end_prompts import ask_as_user, is_front_end_task, separate_retrieved_text
from bot.channels.http.reply import PLATFORM, Exchange, HttpReply, JsonReply, StreamingReply
from bot.channels.http.request_models import ChatRequest
from bot.channels.http.request_parsing import parse_conversation
from bot.channels.http.tools import IGNORED_HEADER, OfferedTools, drop_unsupported
from bot.core.background import run_in_background
from bot.core.messages import ClientConversation, Incoming, Outcome
from bot.core.quotations import Quotation
from bot.intake.inline import AcceptedMessage
from bot.minds.grammar import Base

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=255,
        description="Any name of the request. The same request with the same key gets the answer that is there, and is "
        "answered anew only if there is none. It needs a `user`: of nobody nothing is kept.",
    ),
]


class AnswerResponse(Response):
    """The answer to an accepted message, sent while it is generated."""

    def __init__(
        self,
        api: Api,
        accepted: AcceptedMessage,
        answer_format: AnswerFormat,
        *,
        stream: bool,
        headers: Mapping[str, str],
        rename: Callable[[ErrorResponse], ErrorResponse] = lambda response: response,
    ) -> None:
        """Set up.

        Args:
            stream: whether the answer is sent piece by piece.
            rename: names the fields of an error as the endpoint's request does.
        """
        super().__init__()
        self._api = api
        self._accepted = accepted
        self._format = answer_format
        self._stream = stream
        self._more_headers = headers
        self._rename = rename

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = StreamingReply if self._stream else JsonReply
        exchange = Exchange(
            scope=scope,
            receive=receive,
            send=send,
            answer_format=self._format,
            say=self._api.translator_for(Request(scope)),
            headers=self._more_headers,
            rename=self._rename,
        )
        reply = kind(exchange)
        turn = self._accepted.receipt.turn
        if not self._accepted.receipt.is_new:
            await _repeat(reply, stored_outcome(turn))
            return
        async with run_in_background(reply.keep_alive(), "http-keep-alive"):
            outcome = await self._api.direct.answer_accepted(self._accepted, reply)
            if not reply.is_finished:
                await reply.finish(outcome)


def check_accepting(api: Api) -> None:
    """Check that this process takes new questions.

    Raises:
        ServiceShuttingDown: it is shutting down.
    """
    if api.heartbeat.draining:
        raise ServiceShuttingDown


async def accept(
    api: Api, client: ApiClient, incoming: Incoming, request: BaseModel, idempotency_key: str | None
) -> AcceptedMessage:
    """Accept a message, once where the client names its request.

    Args:
        request: what the client has sent.

    Raises:
        StillBeingAnswered: it came before, and is being answered.
        ConsiliumError: it is refused.
    """
    is_kept = incoming.client_conversation is not None and not incoming.client_conversation.is_stateless
    if idempotency_key is None or not is_kept:
        return await api.accept(client, incoming)
    return await _accept_once(api, client, incoming, _request_name(idempotency_key, request))


async def choose_tools(api: Api, tools: OfferedTools, *, strict: bool) -> tuple[OfferedTools, dict[str, str]]:
    """The tools that an answer is made with, and the response's headers that say what is ignored.

    Raises:
        BadRequest, ToolsNotSupported: see `drop_unsupported`.
    """
    takes_tools = bool(tools.functions) and await api.takes_tools()
    kept, ignored = drop_unsupported(tools, takes_tools=takes_tools, strict=strict)
    return kept, {IGNORED_HEADER: ", ".join(ignored)} if ignored else {}


async def make_incoming(
    api: Api,
    client: ApiClient,
    request: Request,
    chat_request: ChatRequest,
    tools: OfferedTools,
    *,
    is_stored: bool | None = None,
) -> Incoming:
    """The message that a request brings.

    Args:
        tools: those that the answer is made with.
        is_stored: whether the text is stored; None: if it is a person's.

    Raises:
        ConsiliumError: there is no such mode, or nothing to answer.
    """
    for parameter in chat_request.unsupported_parameters():
        raise ParameterNotSupported(parameter)
    mode = api.resolve_mode(chat_request.model).text
    is_task = is_front_end_task(request, chat_request)
    if is_task:
        mode = api.resolve_mode(str(Base())).text
        chat_request = chat_request.model_copy(update={"messages": ask_as_user(chat_request.messages)})
    session = chat_request.metadata.session if chat_request.metadata else None
    named = named_person(
        request, client, user=chat_request.person, session=session, conversation=chat_request.conversation_id
    )
    person = None if is_task else named.person
    stores = not is_task and (person is not None if is_stored is None else is_stored)
    question, conversation = parse_conversation(chat_request, mode, is_stateless=not stores)
    question, quotations = separate_retrieved_text(question)
    conversation, results = await _fit_steps(api, conversation)
    conversation = replace(conversation, has_no_memory=person is None, **tools.conversation_fields())
    session = (named.session or session) if stores else None
    return Incoming(
        PLATFORM,
        client.external_id(person),
        session or person or "",
        question,
        language=requested_language(request),
        quotations=(*quotations, *results),
        task_of=client.external_id(named.person) if is_task else None,
        client_conversation=conversation,
    )


async def _fit_steps(api: Api, conversation: ClientConversation) -> tuple[ClientConversation, list[Quotation]]:
    """The conversation as the base model's template can express it; results of tools it has no place for are quoted."""
    if not conversation.steps or await api.takes_tools():
        return conversation, []
    results = [Quotation.clean("forward", step.content) for step in conversation.steps if step.role == "tool"]
    return replace(conversation, steps=()), [result for result in results if result.text]


def _request_name(idempotency_key: str, request: BaseModel) -> str:
    """A name that a request shares with its repetitions, and with no other request of its session."""
    return hashlib.sha256(f"{idempotency_key}\n{request.model_dump_json()}".encode()).hexdigest()


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
    if outcome.answer:
        await reply.write(outcome.answer)
    await reply.finish(outcome)
