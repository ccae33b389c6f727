"""OpenAI's response as one object, and as a stream of events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from bot.channels.http.annotations import response_annotations, sources_text
from bot.channels.http.answer_format import plain, server_sent_event
from bot.channels.http.completion_objects import consilium_details, token_usage
from bot.channels.http.error_responses import ErrorResponse
from bot.channels.http.responses_objects import (
    FunctionCall,
    IncompleteDetails,
    OutputMessage,
    OutputText,
    Response,
    ResponseError,
    ResponseUsage,
)
from bot.core.messages import Outcome
from inference.engines.port import ToolCall


def response_id(turn_id: UUID) -> str:
    """The id of the response that a turn is."""
    return f"resp_{turn_id.hex}"


@dataclass(slots=True)
class ResponseFormat:
    """One answer as a response; an `AnswerFormat`. Its events are numbered, so it is used for one stream."""

    turn_id: UUID
    created: int
    """Seconds since 1970."""
    echoed: dict[str, Any]
    """Fields of the response that repeat the request."""
    with_sources: bool = False
    """Whether the sources follow the answer as text."""
    _number: int = 0
    """Of the next event."""
    _texts: list[str] = field(default_factory=list)
    """The text sent so far."""
    _has_opened: bool = False
    _has_message: bool = False

    @property
    def _message_id(self) -> str:
        return f"msg_{self.turn_id.hex}"

    def answer_object(self, outcome: Outcome) -> Response:
        """The answer as one object."""
        text = outcome.answer + (sources_text(outcome.sources) if self.with_sources else "")
        is_cut = outcome.finish_reason == "length"
        calls = [self._call(n, call) for n, call in enumerate(outcome.tool_calls)]
        messages = [self._message(outcome, text, is_cut=is_cut)] if text or not calls else []
        usage = token_usage(outcome)
        return self._response(
            outcome.mode,
            "cancelled" if outcome.stopped else "incomplete" if is_cut else "completed",
            output=[*messages, *calls],
            incomplete_details=IncompleteDetails() if is_cut else None,
            completed_at=None if is_cut or outcome.stopped else int(time.time()),
            usage=ResponseUsage(
                input_tokens=usage.prompt_tokens,
                output_tokens=usage.completion_tokens,
                total_tokens=usage.total_tokens,
            ),
            consilium=consilium_details(outcome),
        )

    def opening_events(self, mode: str) -> bytes:
        self._has_opened = True
        response = plain(self._response(mode, "in_progress"))
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def text_events(self, mode: str, text: str) -> bytes:
        begin = b"" if self._has_message else self._begin_message()
        self._texts.append(text)
        place = {"item_id": self._message_id, "output_index": 0, "content_index": 0}
        return begin + self._event("response.output_text.delta", **place, delta=text, logprobs=[])

    def thought_events(self, mode: str, text: str) -> bytes:
        item = {"item_id": f"rs_{self.turn_id.hex}", "output_index": 0, "content_index": 0}
        return self._event("response.reasoning_text.delta", **item, delta=text)

    def final_events(self, outcome: Outcome) -> bytes:
        response = self.answer_object(outcome)
        events = []
        for n, item in enumerate(response.output):
            events.append(self._end_message(item) if isinstance(item, OutputMessage) else self._call_events(n, item))
        name = "response.incomplete" if response.status in ("incomplete", "cancelled") else "response.completed"
        return b"".join([*events, self._event(name, response=plain(response))])

    def failure_events(self, outcome: Outcome, response: ErrorResponse) -> bytes:
        opening = b"" if self._has_opened else self.opening_events(outcome.mode)
        error = ResponseError(code=response.code or response.error_type, message=outcome.error or "")
        failed = self._response(outcome.mode, "failed", error=error)
        return opening + self._event("response.failed", response=plain(failed))

    def _begin_message(self) -> bytes:
        self._has_message = True
        item = OutputMessage(id=self._message_id, status="in_progress", content=[])
        place = {"item_id": self._message_id, "output_index": 0, "content_index": 0}
        return self._event("response.output_item.added", output_index=0, item=plain(item)) + self._event(
            "response.content_part.added", **place, part=plain(OutputText(text=""))
        )

    def _end_message(self, item: OutputMessage) -> bytes:
        [part] = item.content
        events = []
        sent = "".join(self._texts)
        if rest := part.text.removeprefix(sent):
            events.append(self.text_events("", rest))
        elif not self._has_message:
            events.append(self._begin_message())
        place = {"item_id": item.id, "output_index": 0, "content_index": 0}
        for n, annotation in enumerate(part.annotations):
            events.append(
                self._event(
                    "response.output_text.annotation.added",
                    **place,
                    annotation_index=n,
                    annotation=plain(annotation),
                )
            )
        events += [
            self._event("response.output_text.done", **place, text=part.text, logprobs=[]),
            self._event("response.content_part.done", **place, part=plain(part)),
            self._event("response.output_item.done", output_index=0, item=plain(item)),
        ]
        return b"".join(events)

    def _call_events(self, n: int, call: FunctionCall) -> bytes:
        begun = call.model_copy(update={"arguments": "", "status": "in_progress"})
        place = {"item_id": call.id, "output_index": n}
        return b"".join(
            [
                self._event("response.output_item.added", output_index=n, item=plain(begun)),
                self._event("response.function_call_arguments.delta", **place, delta=call.arguments),
                self._event("response.function_call_arguments.done", **place, name=call.name, arguments=call.arguments),
                self._event("response.output_item.done", output_index=n, item=plain(call)),
            ]
        )

    def _message(self, outcome: Outcome, text: str, *, is_cut: bool) -> OutputMessage:
        part = OutputText(text=text, annotations=response_annotations(outcome))
        status = "incomplete" if is_cut or outcome.stopped else "completed"
        return OutputMessage(id=self._message_id, status=status, content=[part])

    def _call(self, n: int, call: ToolCall) -> FunctionCall:
        return FunctionCall(
            id=f"fc_{self.turn_id.hex}_{n}",
            call_id=call.id,
            name=call.name,
            arguments=call.arguments,
            status="completed",
        )

    def _response(self, mode: str, status: str, output: Sequence[BaseModel] = (), **more: Any) -> Response:
        fields = {**self.echoed, "output": list(output), **more}
        return Response(id=response_id(self.turn_id), created_at=self.created, status=status, model=mode, **fields)

    def _event(self, kind: str, /, **data: Any) -> bytes:
        number = self._number
        self._number += 1
        return server_sent_event({"type": kind, "sequence_number": number, **data}, kind)
