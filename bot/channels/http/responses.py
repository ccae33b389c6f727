"""The endpoints of OpenAI's responses."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Path
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from bot.answering.draft import author_text, stored_outcome
from bot.channels.http.answer_response import (
    AnswerResponse,
    IdempotencyKey,
    accept,
    check_accepting,
    choose_tools,
    make_incoming,
)
from bot.channels.http.api import Api, api_of
from bot.channels.http.api_client import ApiClient, client_of
from bot.channels.http.api_route import name_fields
from bot.channels.http.error_responses import ErrorResponse
from bot.channels.http.errors import NoSuchResponse, ParameterNotSupported, PreviousResponseUnknown
from bot.channels.http.front_end_people import named_person
from bot.channels.http.people import User, person_of
from bot.channels.http.reply import PLATFORM
from bot.channels.http.request_models import ChatRequest
from bot.channels.http.request_parsing import first_problem
from bot.channels.http.responses_format import ResponseFormat, response_id
from bot.channels.http.responses_models import InputItem, InputPart, ResponsesRequest, SchemaFormat
from bot.channels.http.responses_objects import DeletedResponse
from bot.channels.http.responses_objects import Response as ResponseObject
from bot.core.conversation import WINDOW_TURNS
from bot.core.tool_steps import asked_calls, steps_from_json
from db.errors import RecordNotFound
from db.infra.connection import PersonConnection
from db.memory import forgetting
from db.memory.forgetting import TurnErasure
from db.people import sessions
from db.turns import turns
from db.turns.turns import Turn
from inference.engines.port import Message

RESPONSES_PATH: Final = "/v1/responses"
_FIELDS: Final = {"messages": "input", "response_format": "text.format", "max_completion_tokens": "max_output_tokens"}
"""Fields of a chat completion's request, and what they are called here."""
Id = Annotated[str, Path(description="A response's id.", examples=["resp_019ad3f25f0e7c3e9a510d1c6d0e4b7a"])]


async def create_response(
    request: Request, responses_request: ResponsesRequest, idempotency_key: IdempotencyKey = None
) -> Response:
    """Answer what is asked, after what was said before. A client that closes its connection stops the answer.

    Raises:
        ConsiliumError: the request is refused.
    """
    api, client = api_of(request), client_of(request)
    name_fields(request, _rename)
    check_accepting(api)
    for parameter in responses_request.unsupported_parameters():
        raise ParameterNotSupported(parameter)
    tools, headers = await choose_tools(api, responses_request.offered_tools, strict=responses_request.strict)
    past, previous_id = await _load_past(api, client, request, responses_request)
    chat_request = _to_chat_request(responses_request, past)
    incoming = await make_incoming(api, client, request, chat_request, tools, is_stored=responses_request.is_stored)
    assert incoming.client_conversation is not None
    is_stored = not incoming.client_conversation.is_stateless
    if is_stored:
        conversation = replace(
            incoming.client_conversation, previous_turn=previous_id, metadata=responses_request.metadata
        )
        incoming = replace(incoming, client_conversation=conversation)
    accepted = await accept(api, client, incoming, responses_request, idempotency_key)
    turn = accepted.receipt.turn
    answer_format = ResponseFormat(
        turn.id,
        int(time.time()),
        _echo(responses_request, is_stored=is_stored),
        with_sources=(responses_request.metadata or {}).get("sources") == "text",
    )
    return AnswerResponse(
        api, accepted, answer_format, stream=bool(responses_request.stream), headers=headers, rename=_rename
    )


async def show_response(request: Request, id: Id, user: User = None) -> ResponseObject:  # noqa: A002  # the path's name
    """A stored response. What was asked is not repeated."""
    async with person_of(request, user) as connection:
        turn = None if connection is None else await _find(connection, id)
    if turn is None:
        raise NoSuchResponse
    previous = response_id(turn.previous_id) if turn.previous_id else None
    echoed = {"store": True, "metadata": turn.metadata, "previous_response_id": previous, "user": user}
    created = int(turn.created_at.timestamp())
    return ResponseFormat(turn.id, created, echoed).answer_object(stored_outcome(turn))


async def delete_response(request: Request, id: Id, user: User = None) -> DeletedResponse:  # noqa: A002  # the path's name
    """Delete the text of a stored response and of its question. What is remembered of it stays: see the memories."""
    async with person_of(request, user) as connection:
        turn = None if connection is None else await _find(connection, id)
        if connection is None or turn is None:
            raise NoSuchResponse
        await forgetting.erase_turns(connection, [TurnErasure.of_all(turn.id)])
    return DeletedResponse(id=id)


async def _load_past(
    api: Api, client: ApiClient, http_request: Request, request: ResponsesRequest
) -> tuple[list[Turn], UUID | None]:
    """The turns that a request goes on from, oldest first, and the last of them where the request names it.

    Raises:
        PreviousResponseUnknown: there is no such response of this person.
    """
    if request.previous_response_id is None and request.conversation is None:
        return [], None
    conversation = request.conversation.id if request.conversation else None
    named = named_person(http_request, client, user=request.person, conversation=conversation)
    async with api.person_connection(client, named.person) as connection:
        if connection is None:
            if request.previous_response_id is not None:
                raise PreviousResponseUnknown
            return [], None
        if request.conversation is not None:
            place = f"{api.mind.name}/{request.conversation.id}"
            session = await sessions.find(connection, platform=PLATFORM, place=place)
            return ([] if session is None else await turns.load_window(connection, session.id, WINDOW_TURNS)), None
        previous = await _find(connection, request.previous_response_id or "")
        if previous is None:
            raise PreviousResponseUnknown
        return await turns.load_chain(connection, previous.id, WINDOW_TURNS), previous.id


async def _find(connection: PersonConnection, name: str) -> Turn | None:
    """The turn of a response that is there in full; None if there is none, or not any more."""
    try:
        turn = await turns.get(connection, UUID(name.removeprefix("resp_")))
    except (ValueError, RecordNotFound):
        return None
    is_kept = turn.kind == "question" and turn.is_answered and bool(turn.question or turn.answer)
    return turn if is_kept else None


def _to_chat_request(request: ResponsesRequest, past: Sequence[Turn]) -> ChatRequest:
    """The request as one of chat completions, with what was said before."""
    messages: list[dict[str, Any]] = []
    if request.instructions:
        messages.append({"role": "system", "content": request.instructions})
    for turn in past:
        messages += _past_messages(turn, is_last=turn is past[-1])
    messages += [message for item in request.input for message in _item_messages(item)]
    marks = request.metadata or {}
    session = request.conversation.id if request.conversation else marks.get("session")
    task = marks.get("task")
    form = request.text.format if request.text else None
    given: dict[str, Any] = {
        "model": request.model,
        "messages": messages,
        "user": request.person,
        "conversation": request.conversation.id if request.conversation else None,
        "metadata": {"session": session, "task": task} if session is not None or task is not None else None,
        "max_tokens": request.max_output_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
    }
    if isinstance(form, SchemaFormat):
        given["response_format"] = {"type": "json_schema", "json_schema": {"schema": form.schema_}}
    elif form is not None:
        given["response_format"] = {"type": form.type}
    try:
        return ChatRequest.model_validate(given)
    except ValidationError as error:
        raise first_problem([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from None


def _past_messages(turn: Turn, *, is_last: bool) -> list[dict[str, Any]]:
    """A turn as messages. One that ends in calls is no answer: the turn with their results has it."""
    question = {"role": "user", "content": turn.question}
    if not asked_calls(turn.tool_steps):
        answer = author_text(turn)
        return [question, {"role": "assistant", "content": answer}] if answer else []
    return [question, *map(_step_message, steps_from_json(turn.tool_steps))] if is_last else []


def _step_message(step: Message) -> dict[str, Any]:
    if step.role == "tool":
        return {"role": "tool", "tool_call_id": step.tool_call_id, "content": step.content}
    calls = [_call(call.id, call.name, call.arguments) for call in step.tool_calls]
    return {"role": "assistant", "content": step.content, "tool_calls": calls}


def _item_messages(item: InputItem) -> list[dict[str, Any]]:
    if item.type == "message":
        return [{"role": item.role, "content": _text(item.content)}]
    if item.type == "function_call":
        call = _call(item.call_id or "", item.name or "", item.arguments or "")
        return [{"role": "assistant", "content": None, "tool_calls": [call]}]
    if item.type == "function_call_output":
        return [{"role": "tool", "tool_call_id": item.call_id, "content": _text(item.output)}]
    return []


def _call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _text(parts: Sequence[InputPart]) -> str:
    return "".join(part.text or part.refusal or "" for part in parts)


def _echo(request: ResponsesRequest, *, is_stored: bool) -> dict[str, Any]:
    """The fields of a response that repeat its request."""
    tools = [tool.model_dump(mode="json") for tool in request.tools or ()]
    choice = request.tool_choice or "auto"
    form = request.text.format if request.text else None
    return {
        "previous_response_id": request.previous_response_id,
        "conversation": request.conversation.model_dump() if request.conversation else None,
        "instructions": request.instructions,
        "max_output_tokens": request.max_output_tokens,
        "metadata": request.metadata or {},
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "tool_choice": choice if isinstance(choice, str) else choice.model_dump(),
        "tools": [{**tool, "strict": False} if tool["type"] == "function" else tool for tool in tools],
        "text": {"format": form.model_dump(by_alias=True) if form else {"type": "text"}},
        "store": is_stored,
        "user": request.person,
    }


def _rename(response: ErrorResponse) -> ErrorResponse:
    """An error with the names of this endpoint's fields."""
    if response.param is None:
        return response
    head, _, rest = response.param.partition(".")
    param = ".".join(part for part in (_FIELDS.get(head, head), rest if head not in _FIELDS else "") if part)
    return replace(response, param=param)
