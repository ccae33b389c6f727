"""Traces of turns: one trace a turn, with a span for each of its stages, whichever processes they run in.

A trace is named by its turn, and so is the span that all others hang on: every process that knows the turn adds to the
same trace, and nothing has to be handed on beside it. A span is told of once it is over. Nothing is where nobody has
asked for traces.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from bot.answering.draft import Draft
from db.turns.turns import Turn

AttributeValue = str | int | float | bool
Attributes = Mapping[str, AttributeValue]

ROOT_SPAN: Final = "turn"
"""The span that all others of a turn hang on."""


@dataclass(frozen=True, slots=True)
class Span:
    """Something that took a while. Never what anybody said."""

    turn: UUID
    name: str
    began: float
    """In seconds since 1970."""
    ended: float
    attributes: Attributes = field(default_factory=dict)
    events: Mapping[str, float] = field(default_factory=dict)
    """What happened in its course, and when."""
    error_type: str | None = None
    """The class of what went wrong."""


class SpanSink(Protocol):
    """Where spans go."""

    def add(self, span: Span) -> None:
        """Take a span; neither blocks nor raises."""
        ...


_sinks: Final[list[SpanSink]] = []


@contextmanager
def exporting_spans(sink: SpanSink) -> Iterator[None]:
    """Have all spans of this process, as long as this is open."""
    _sinks.append(sink)
    try:
        yield
    finally:
        _sinks.remove(sink)


def trace_stage(turn_id: UUID, stage: str, began: float, ended: float, attributes: Attributes = {}) -> None:  # noqa: B006
    """A stage of a turn is over."""
    _emit(Span(turn_id, stage, began, ended, attributes))


def trace_attempt(turn: Turn, draft: Draft) -> None:
    """An attempt at a turn is over, whatever came of it."""
    if not _sinks:
        return
    attempt: dict[str, AttributeValue] = {"consilium.attempt": turn.attempts}
    if "queue" in draft.timings:
        trace_stage(turn.id, "queue", turn.created_at.timestamp(), turn.updated_at.timestamp(), attempt)
    for stage, began in draft.started_at.items():
        ended = began + draft.timings[stage]
        if stage == "generate":
            first = {"first_token": began + draft.timings["first_token"]} if "first_token" in draft.timings else {}
            _emit(Span(turn.id, stage, began, ended, attempt | _generation_attributes(draft), first))
        else:
            trace_stage(turn.id, stage, began, ended, attempt)


def trace_rescheduled(turn: Turn, failure: Exception) -> None:
    """A turn has been let go for another attempt."""
    now = time.time()
    _emit(Span(turn.id, "put_back", now, now, {"consilium.attempt": turn.attempts}, error_type=type(failure).__name__))


def trace_turn(turn: Turn, state: str, draft: Draft, failure: Exception | None = None) -> None:
    """A turn has ended."""
    details: dict[str, AttributeValue] = {
        "consilium.turn": str(turn.id),
        "consilium.session": str(turn.session_id),
        "consilium.kind": turn.kind,
        "consilium.state": state,
        "consilium.mode": draft.mode,
        "consilium.attempts": turn.attempts,
    }
    error = type(failure).__name__ if failure else None
    _emit(
        Span(
            turn.id,
            ROOT_SPAN,
            turn.created_at.timestamp(),
            time.time(),
            details | _generation_attributes(draft),
            error_type=error,
        )
    )


def _generation_attributes(draft: Draft) -> dict[str, AttributeValue]:
    """What OpenTelemetry's conventions for generative models have names for."""
    told: dict[str, AttributeValue] = {}
    if draft.adapter is not None:
        told["consilium.adapter"] = draft.adapter.name
    if draft.usage is not None:
        told["gen_ai.usage.input_tokens"] = draft.usage.prompt_tokens
        told["gen_ai.usage.output_tokens"] = draft.usage.completion_tokens
    if draft.finish_reason is not None:
        told["gen_ai.response.finish_reasons"] = str(draft.finish_reason)
    return told


def _emit(span: Span) -> None:
    for sink in _sinks:
        sink.add(span)
