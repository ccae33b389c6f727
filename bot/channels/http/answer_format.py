"""The port of a format: how an answer becomes an object, or a stream of server-sent events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel

from bot.channels.http.error_responses import ErrorResponse
from bot.core.messages import Outcome


class AnswerFormat(Protocol):
    """One answer in a format of OpenAI's. The methods that return events are called in the order of the stream."""

    def answer_object(self, outcome: Outcome) -> BaseModel:
        """The answer as one object."""
        ...

    def opening_events(self, mode: str) -> bytes:
        """What begins the stream, before the first piece."""
        ...

    def text_events(self, mode: str, text: str) -> bytes:
        """The next piece of the answer."""
        ...

    def thought_events(self, mode: str, text: str) -> bytes:
        """The next piece of what the model thinks before the answer."""
        ...

    def final_events(self, outcome: Outcome) -> bytes:
        """What ends the stream of an answer."""
        ...

    def failure_events(self, outcome: Outcome, response: ErrorResponse) -> bytes:
        """What ends a stream that has begun and has no answer, or a part of one.

        Args:
            response: what would have been the response if the stream had not begun.
        """
        ...


def server_sent_event(data: Mapping[str, Any], name: str | None = None) -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def plain(model: BaseModel) -> dict[str, Any]:
    """A model as plain JSON."""
    return model.model_dump(mode="json")
