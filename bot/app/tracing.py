"""Sends the process's traces to an OpenTelemetry collector. The SDK is an extra, imported only when it is used."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog

from bot.core.errors import BotError
from bot.turns.traces import root_span_id, root_trace_id, using_tracer
from consilium.errors import N_

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_EXPORT_TIMEOUT: Final = 3.0
"""Seconds that sending a batch may take, with all its attempts."""

log = structlog.get_logger(__name__)


class TracingNotInstalled(BotError):
    """Traces are configured, and the packages that send them are not installed."""

    sentence = N_("Traces cannot be sent: {reason}.")
    remedy = N_("Install them with: pip install 'consilium[tracing]', or leave CONSILIUM_OTLP_ENDPOINT out.")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


@asynccontextmanager
async def export_traces(endpoint: str | None, role: str, mind: str) -> AsyncIterator[None]:
    """Send the traces of this process while this is open; no endpoint, no traces.

    Raises:
        TracingNotInstalled: a package is missing.
    """
    if endpoint is None:
        yield
        return
    attributes = {"consilium.role": role, "consilium.mind": mind, "process.pid": str(os.getpid())}
    provider = await asyncio.to_thread(open_tracer_provider, endpoint, attributes)
    log.info("tracing.started", endpoint=endpoint)
    try:
        with using_tracer(provider.get_tracer("consilium")):
            yield
    finally:
        await asyncio.to_thread(provider.shutdown)


def open_tracer_provider(endpoint: str, resource_attributes: Mapping[str, str]) -> TracerProvider:
    """A provider that sends spans over HTTP, in batches, from its own thread. `shutdown` sends what is left; blocking.

    Spans that a collector misses while it is away are lost.

    Args:
        endpoint: the collector's address; OTLP's own path is added to one without a path.
        resource_attributes: what is the same for all spans of this process.

    Raises:
        TracingNotInstalled: a package is missing.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON
    except ImportError as error:
        raise TracingNotInstalled(str(error)) from error

    class TurnIdGenerator(RandomIdGenerator):
        """Gives a turn's root span the ids that all processes know it by."""

        def generate_trace_id(self) -> int:
            return root_trace_id() or super().generate_trace_id()

        def generate_span_id(self) -> int:
            return root_span_id() or super().generate_span_id()

        def is_trace_id_random(self) -> bool:
            return False

    # One process cannot leave out what another one records of the same turn.
    provider = TracerProvider(
        resource=Resource.create({"service.name": "consilium", **resource_attributes}),
        sampler=ALWAYS_ON,
        id_generator=TurnIdGenerator(),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(traces_url(endpoint), timeout=_EXPORT_TIMEOUT)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def traces_url(endpoint: str) -> str:
    """The address that a collector receives traces at."""
    return endpoint if urlsplit(endpoint).path.strip("/") else f"{endpoint.rstrip('/')}/v1/traces"
