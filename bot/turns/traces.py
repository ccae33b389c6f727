"""Traces of turns: one trace a turn, with a span for each of its stages, whichever processes they run in.

The ids of a trace and of its root span are the turn's id. So every process that knows the turn adds to the same trace,
and nothing has to be passed between them. A span is sent when it is over. Without a tracer nothing is recorded. No span
has anything that people wrote.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final
from uuid import UUID

from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    NoOpTracer,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from bot.answering.draft import Draft
from db.turns.turns import Turn

AttributeValue = str | int | float | bool
Attributes = Mapping[str, AttributeValue]

_LOW_64_BITS: Final = 2**64 - 1
_tracers: Final[list[Tracer]] = [NoOpTracer()]
"""The last one is used."""
_starting_root: Final[ContextVar[UUID | None]] = ContextVar("starting_root", default=None)
"""The turn whose root span is being started."""


@contextmanager
def using_tracer(tracer: Tracer) -> Iterator[None]:
    """Record the spans of this process with `tracer` while this is open.

    Its ids must come from `root_trace_id` and `root_span_id` where these give any.
    """
    _tracers.append(tracer)
    try:
        yield
    finally:
        _tracers.remove(tracer)


def root_trace_id() -> int | None:
    """The trace id for the root span that is being started; None when none is."""
    turn_id = _starting_root.get()
    return None if turn_id is None else turn_id.int


def root_span_id() -> int | None:
    """The span id for the root span that is being started; None when none is."""
    turn_id = _starting_root.get()
    return None if turn_id is None else turn_id.int & _LOW_64_BITS


def trace_stage(turn_id: UUID, stage: str, began: float, ended: float, attributes: Attributes | None = None) -> None:
    """Record a stage of a turn that is over; times are in seconds since 1970."""
    _record_span(stage, began, ended, attributes or {}, context=_root_context(turn_id))


def trace_attempt(turn: Turn, draft: Draft) -> None:
    """Record the stages of an attempt at a turn, however it ended."""
    attempt: dict[str, AttributeValue] = {"consilium.attempt": turn.attempts}
    context = _root_context(turn.id)
    if "queue" in draft.timings:
        trace_stage(turn.id, "queue", turn.created_at.timestamp(), turn.updated_at.timestamp(), attempt)
    for stage, began in draft.started_at.items():
        attributes, events = attempt, {}
        if stage == "generate":
            attributes = attempt | _generation_attributes(draft)
            if "first_token" in draft.timings:
                events = {"first_token": began + draft.timings["first_token"]}
        _record_span(stage, began, began + draft.timings[stage], attributes, context=context, events=events)


def trace_rescheduled(turn: Turn, failure: Exception) -> None:
    """Record that an attempt has failed and another one will follow."""
    now = time.time()
    _record_span(
        "put_back",
        now,
        now,
        {"consilium.attempt": turn.attempts},
        context=_root_context(turn.id),
        error_type=type(failure).__name__,
    )


def trace_turn(turn: Turn, state: str, draft: Draft, failure: Exception | None = None) -> None:
    """Record that a turn has ended: the root span, from the message accepted until now."""
    details: dict[str, AttributeValue] = {
        "consilium.turn": str(turn.id),
        "consilium.session": str(turn.session_id),
        "consilium.kind": turn.kind,
        "consilium.state": state,
        "consilium.mode": draft.mode,
        "consilium.attempts": turn.attempts,
    }
    token = _starting_root.set(turn.id)
    try:
        _record_span(
            "turn",
            turn.created_at.timestamp(),
            time.time(),
            details | _generation_attributes(draft),
            context=Context(),
            kind=SpanKind.SERVER,
            error_type=type(failure).__name__ if failure else None,
        )
    finally:
        _starting_root.reset(token)


def _record_span(
    name: str,
    began: float,
    ended: float,
    attributes: Attributes,
    *,
    context: Context,
    kind: SpanKind = SpanKind.INTERNAL,
    events: Mapping[str, float] | None = None,
    error_type: str | None = None,
) -> None:
    span = _tracers[-1].start_span(
        name, context=context, kind=kind, attributes=attributes, start_time=_nanoseconds(began)
    )
    for event, happened in (events or {}).items():
        span.add_event(event, timestamp=_nanoseconds(happened))
    span.set_status(Status(StatusCode.ERROR, error_type) if error_type else Status(StatusCode.OK))
    span.end(_nanoseconds(max(began, ended)))


def _root_context(turn_id: UUID) -> Context:
    """The context of a turn's root span, to be the parent of others."""
    root = SpanContext(
        turn_id.int, turn_id.int & _LOW_64_BITS, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )
    return set_span_in_context(NonRecordingSpan(root), Context())


def _generation_attributes(draft: Draft) -> dict[str, AttributeValue]:
    """Attributes of OpenTelemetry's conventions for generative models, and the composition."""
    attributes: dict[str, AttributeValue] = {}
    if draft.adapter is not None:
        attributes["consilium.adapter"] = draft.adapter.name
    if draft.usage is not None:
        attributes["gen_ai.usage.input_tokens"] = draft.usage.prompt_tokens
        attributes["gen_ai.usage.output_tokens"] = draft.usage.completion_tokens
    if draft.finish_reason is not None:
        attributes["gen_ai.response.finish_reasons"] = str(draft.finish_reason)
    return attributes


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
