"""Traces as a collector gets them: one a turn, whichever processes had a part in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.app.bootstrap import open_services
from bot.app.settings import Settings
from bot.app.tracing import OtlpExporter, traces_url
from bot.core.errors import TemporaryDeliveryError
from bot.turns.traces import Span, exporting_spans, trace_stage
from tests.fakes.otlp_collector import Collector, Received
from tests.fakes.sglang_server import SGLangServer
from tests.fixtures.service import Service

STAGES = {"take_in", "queue", "resolve", "recall", "library", "prompt", "generate", "deliver"}


@pytest_asyncio.fixture(loop_scope="session")
async def collector() -> AsyncIterator[Collector]:
    collector = Collector()
    async with collector.serving():
        yield collector


@pytest.fixture
def settings(sglang_settings: Settings, dsn: str) -> Settings:
    return sglang_settings.model_copy(update={"database_url": SecretStr(dsn), "prewarm_modes": 0})


def of_turn(collector: Collector, turn: UUID) -> tuple[Received, list[Received]]:
    """The span of the whole turn, and those beneath it."""
    spans = [span for span in collector.spans if span.trace == turn.hex]
    [whole] = [span for span in spans if span.name == "turn"]
    others = [span for span in spans if span.name != "turn"]
    assert whole.parent == ""
    assert {span.parent for span in others} == {whole.id}
    assert len({span.id for span in spans}) == len(spans)
    assert all(span.began <= span.ended for span in spans)
    return whole, others


async def test_a_turn_is_one_trace_over_the_processes_that_had_a_part_in_it(
    settings: Settings, collector: Collector
) -> None:
    traced = settings.model_copy(update={"otlp_endpoint": collector.url})
    async with open_services(traced, role="gateway") as services:
        receipt = await Service(services).say("How far today?")
    assert [span.name for span in collector.spans] == ["take_in"]
    async with open_services(traced, role="worker") as services:
        service = Service(services)
        async with service.working():
            await service.ended(receipt)
    whole, others = of_turn(collector, receipt.turn.id)
    assert {span.name for span in others} == STAGES
    assert [span.resource["consilium.role"] for span in others if span.name == "take_in"] == ["gateway"]
    assert whole.resource["consilium.role"] == "worker"
    assert whole.resource["service.name"] == "consilium"
    told = whole.attributes
    assert (told["consilium.turn"], told["consilium.state"]) == (str(receipt.turn.id), "delivered")
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (7, 3)
    [generate] = collector.named("generate")
    assert generate.events == ["first_token"]
    assert whole.failed is None
    assert "How far" not in repr(collector.spans)


async def test_an_attempt_that_came_to_nothing_is_in_the_trace(settings: Settings, collector: Collector) -> None:
    traced = settings.model_copy(update={"otlp_endpoint": collector.url})
    async with open_services(traced, role="all") as services:
        service = Service(services)
        service.platform.fails = [TemporaryDeliveryError("recording", "busy")]
        receipt = await service.say("How far today?")
        async with service.working():
            await service.ended(receipt)
    whole, others = of_turn(collector, receipt.turn.id)
    assert [span.failed for span in others if span.name == "put_back"] == ["TemporaryDeliveryError"]
    assert [span.attributes["consilium.attempt"] for span in others if span.name == "deliver"] == [1, 2]
    assert [span.name for span in others].count("generate") == 1
    assert whole.attributes["consilium.attempts"] == 2


async def test_a_turn_that_failed_says_of_what(settings: Settings, collector: Collector, server: SGLangServer) -> None:
    server.fails_with = (400, "no such thing")
    traced = settings.model_copy(update={"otlp_endpoint": collector.url})
    async with open_services(traced, role="all") as services:
        service = Service(services)
        receipt = await service.say("How far today?")
        async with service.working():
            await service.ended(receipt)
    whole, _ = of_turn(collector, receipt.turn.id)
    assert (whole.failed, whole.attributes["consilium.state"]) == ("EngineRefused", "failed")


async def test_a_collector_that_is_away_holds_nobody_up() -> None:
    traces = OtlpExporter("http://127.0.0.1:9", {})
    with exporting_spans(traces):
        for n in range(1, 5000):
            trace_stage(UUID(int=n), "take_in", 0.0, 1.0)
    async with asyncio.timeout(60):
        await asyncio.to_thread(traces.close)
    traces.add(Span(UUID(int=1), "late", 0.0, 1.0))


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("http://c:4318", "http://c:4318/v1/traces"),
        ("http://c:4318/", "http://c:4318/v1/traces"),
        ("https://c/otlp/v1/traces", "https://c/otlp/v1/traces"),
    ],
)
def test_the_path_is_added_where_there_is_none(endpoint: str, address: str) -> None:
    assert traces_url(endpoint) == address


def test_the_packages_are_not_imported_unless_they_are_needed() -> None:
    import subprocess
    import sys

    told: Any = subprocess.run(
        [sys.executable, "-c", "import sys, bot.cli.app, bot.app.tracing; print('opentelemetry' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "False"
