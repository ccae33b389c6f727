"""Reads the conversation in a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from bot.channels.http.errors import BadRequest, NothingToAnswer
from bot.channels.http.request_models import ChatMessage, ChatRequest
from bot.core.messages import ClientConversation
from inference.engines.port import Message, ToolCall

_SAMPLING_PARAMETERS: Final = (
    "temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "repetition_penalty", "seed",
)  # fmt: skip
"""Parameters that have the same name in `Sampling`."""


def parse_conversation(
    chat_request: ChatRequest, mode: str, *, is_stateless: bool = False
) -> tuple[str, ClientConversation]:
    """The question, and the conversation around it. What the assistant has said after it is gone on from, and so are
    calls of tools with their results. Calls before the question are left out: the answers say what came of them.

    Args:
        is_stateless: whether the conversation belongs to no person.

    Raises:
        NothingToAnswer: no message of the person is to be answered.
        BadRequest: a result belongs to no call.
    """
    chat_request, steps = _separate_steps(chat_request)
    system = "\n\n".join(message.text for message in chat_request.messages if _is_instruction(message))
    dialogue = [message for message in chat_request.messages if message.role in ("user", "assistant") and message.text]
    messages = list(_merge_consecutive(dialogue))
    answer_prefix = messages.pop()[1] if messages and messages[-1][0] == "assistant" else ""
    if not messages:
        raise NothingToAnswer
    question = messages.pop()[1]
    if messages and messages[0][0] == "assistant":
        messages.insert(0, ("user", ""))
    questions, answers = messages[::2], messages[1::2]
    return question, ClientConversation(
        mode,
        [(asked, answered) for (_, asked), (_, answered) in zip(questions, answers, strict=True)],
        system,
        max_tokens=chat_request.token_limit,
        sampling=_sampling_overrides(chat_request),
        stop=chat_request.stop_sequences,
        schema=chat_request.response_format.schema_ if chat_request.response_format else None,
        answer_prefix=answer_prefix,
        is_stateless=is_stateless,
        steps=steps,
    )


def _separate_steps(chat_request: ChatRequest) -> tuple[ChatRequest, tuple[Message, ...]]:
    """The request without the calls and results after its last question, and these."""
    messages = chat_request.messages
    called = {call.id for message in messages for call in message.tool_calls or ()}
    for number, message in enumerate(messages):
        if message.role == "tool" and message.tool_call_id not in called:
            raise BadRequest(f"messages.{number}.tool_call_id", "no call before it has this id")
    asked = max((n for n, message in enumerate(messages) if message.role == "user"), default=-1)
    after = messages[asked + 1 :]
    if not any(message.tool_calls for message in after):
        return chat_request, ()
    steps = [_to_step(message) for message in after if message.role == "tool" or message.tool_calls]
    instructions = [message for message in after if _is_instruction(message)]
    kept = [*messages[: asked + 1], *instructions]
    return chat_request.model_copy(update={"messages": kept}), tuple(steps)


def _to_step(message: ChatMessage) -> Message:
    if message.role == "tool":
        return Message("tool", message.text, tool_call_id=message.tool_call_id or "")
    calls = [ToolCall(call.function.name, call.function.arguments, call.id) for call in message.tool_calls or ()]
    return Message("assistant", message.text, tool_calls=tuple(calls))


def _sampling_overrides(chat_request: ChatRequest) -> dict[str, Any]:
    """The sampling parameters that the request has."""
    values = {name: getattr(chat_request, name) for name in _SAMPLING_PARAMETERS}
    if values["top_k"] == 0:
        values["top_k"] = -1
    values["logit_bias"] = chat_request.token_bias
    return {name: value for name, value in values.items() if value is not None}


def _is_instruction(message: ChatMessage) -> bool:
    return message.role in ("system", "developer")


def _merge_consecutive(messages: Sequence[ChatMessage]) -> Iterator[tuple[str, str]]:
    """Roles and texts, with consecutive messages of one role merged: chat templates need alternating roles."""
    for role, run in groupby(messages, lambda message: message.role):
        yield role, "\n\n".join(message.text for message in run)


def first_problem(problems: Sequence[Mapping[str, Any]]) -> BadRequest:
    """The first of pydantic's problems with a request, by the name of the field as the client knows it."""
    problem = problems[0]
    place, *names = map(str, problem["loc"])
    if names[:1] == ["response_format"] and len(names) > 1:
        del names[1]  # its type, by which pydantic has chosen among the forms
    # Marks of a key, and names of the forms that a value may have.
    names = [name for n, name in enumerate(names) if n == 0 or not ("[" in name or name[:1].isupper())]
    return BadRequest(".".join(names) or place, problem["msg"])
