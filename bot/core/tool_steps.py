"""Calls of a client's tools and their results, as they are stored with a turn."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from db.infra.text import clean_text
from inference.engines.port import Message, ToolCall


def steps_to_json(steps: Sequence[Message]) -> list[dict[str, Any]] | None:
    """Steps as plain JSON; None if there are none.

    Args:
        steps: messages of the assistant with calls, each followed by the results, messages of tools.
    """
    return [_step_to_json(step) for step in steps] or None


def steps_from_json(steps: Sequence[Mapping[str, Any]] | None) -> list[Message]:
    """The steps that `steps_to_json` has written."""
    return [_step_from_json(step) for step in steps or ()]


def asked_calls(steps: Sequence[Mapping[str, Any]] | None) -> tuple[ToolCall, ...]:
    """The calls that stored steps end with: those whose results are yet to come."""
    return _step_from_json(steps[-1]).tool_calls if steps else ()


def with_new_id(call: ToolCall) -> ToolCall:
    """A generated call with a name of its own."""
    return replace(call, id=f"call_{secrets.token_hex(12)}")


def _step_to_json(step: Message) -> dict[str, Any]:
    if step.role == "tool":
        return {"result": clean_text(step.content), "of": clean_text(step.tool_call_id)}
    calls = [
        {"id": clean_text(call.id), "name": clean_text(call.name), "arguments": clean_text(call.arguments)}
        for call in step.tool_calls
    ]
    return {"text": clean_text(step.content), "calls": calls}


def _step_from_json(step: Mapping[str, Any]) -> Message:
    if "result" in step:
        return Message("tool", step["result"], tool_call_id=step["of"])
    return Message("assistant", step["text"], tool_calls=tuple(ToolCall(**call) for call in step["calls"]))
