"""The process's traces, sent to an OpenTelemetry collector."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog

from bot.core.errors import BotError
from bot.turns.traces import ROOT_SPAN, Span, exporting_spans
from consilium.errors import N_

if TYPE_CHECKING:
    from uuid import UUID

    from opentelemetry.trace import SpanContext

_EXPORT_TIMEOUT: Final = 3.0
"""Seconds that sending a batch may take, tries again included."""
_LOW_64_BITS: Final = 2**64 - 1

log = structlog.get_logger(__name__)


class TracingNotInstalled(BotError):
    """Traces are asked for, and the packages that send them are not installed."""

    sentence = N_("Traces cannot be sent: {reason}.")
    remedy = N_("Install them with: pip install 'consilium[tracing]', or leave CONSILIUM_OTLP_ENDPOINT out.")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class OtlpExporter:
    """Sends spans over HTTP, in batches, from a thread of its own. What a collector that is away misses is lost."""

    def __init__(self, endpoint: str, resource_attributes: Mapping[str, str]) -> None:
        """Set up; sends nothing yet.

        Args:
            endpoint: the collector's address; OTLP's own path is added where there is none.
            about: what is the same for all spans.

        Raises:
            TracingNotInstalled: a package is missing.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise TracingNotInstalled(str(error)) from error
        self._resource = Resource.create({"service.name": "consilium", **resource_attributes})
        self._span_processor = BatchSpanProcessor(OTLPSpanExporter(traces_url(endpoint), timeout=_EXPORT_TIMEOUT))

    def add(self, span: Span) -> None:
        from opentelemetry.sdk.trace import Event, ReadableSpan
        from opentelemetry.trace import SpanKind, Status, StatusCode

        whole = span.name == ROOT_SPAN
        root = _root_context(span.turn)
        self._span_processor.on_end(
            ReadableSpan(
                span.name,
                context=root if whole else _child_context(root),
                parent=None if whole else root,
                resource=self._resource,
                attributes=dict(span.attributes),
                events=[Event(name, timestamp=_nanoseconds(when)) for name, when in span.events.items()],
                kind=SpanKind.SERVER if whole else SpanKind.INTERNAL,
                status=Status(StatusCode.ERROR, span.error_type) if span.error_type else Status(StatusCode.OK),
                start_time=_nanoseconds(span.began),
                end_time=_nanoseconds(max(span.began, span.ended)),
            )
        )

    def close(self) -> None:
        """Send what is left; blocking."""
        self._span_processor.shutdown()  # type: ignore[no-untyped-call]  # the library has no types there


@asynccontextmanager
async def export_traces(endpoint: str | None, role: str, mind: str) -> AsyncIterator[None]:
    """Send the traces of this process as long as this is open; no endpoint, no traces.

    Raises:
        TracingNotInstalled: a package is missing.
    """
    if endpoint is None:
        yield
        return
    about = {"consilium.role": role, "consilium.mind": mind, "process.pid": str(os.getpid())}
    traces = await asyncio.to_thread(OtlpExporter, endpoint, about)
    log.info("tracing.started", endpoint=endpoint)
    try:
        with exporting_spans(traces):
            yield
    finally:
        await asyncio.to_thread(traces.close)


def traces_url(endpoint: str) -> str:
    """Where a collector takes traces."""
    return endpoint if urlsplit(endpoint).path.strip("/") else f"{endpoint.rstrip('/')}/v1/traces"


def _root_context(turn: UUID) -> SpanContext:
    """The whole turn's span: its ids are made of the turn's."""
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(turn.int, turn.int & _LOW_64_BITS, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _child_context(root: SpanContext) -> SpanContext:
    from opentelemetry.trace import SpanContext

    own = random.getrandbits(64) or 1  # a name, not a secret
    return SpanContext(root.trace_id, own, is_remote=False, trace_flags=root.trace_flags)


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
