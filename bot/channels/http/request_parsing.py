"""Reads the conversation in a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from bot.channels.http.errors import BadRequest, NothingToAnswer
from bot.channels.http.request_models import ChatMessage, ChatRequest
from bot.core.messages import ClientConversation

_SAMPLING_PARAMETERS: Final = (
    "temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "repetition_penalty", "seed",
)  # fmt: skip
"""Parameters that have the same name in `Sampling`."""


def parse_conversation(
    chat_request: ChatRequest, mode: str, *, is_stateless: bool = False
) -> tuple[str, ClientConversation]:
    """The question, and the conversation around it. What the assistant has said after it is gone on from.

    Args:
        is_stateless: whether the conversation belongs to no person.

    Raises:
        NothingToAnswer: no message of the person is to be answered.
    """
    system = "\n\n".join(message.text for message in chat_request.messages if _is_instruction(message))
    dialogue = [message for message in chat_request.messages if not _is_instruction(message) and message.text]
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
    )


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
    if names[-1:] == ["[key]"]:
        names.pop()
    return BadRequest(".".join(names) or place, problem["msg"])
