"""Traces as a collector receives them: one a turn, whichever processes worked on it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.app.bootstrap import open_services
from bot.app.settings import Settings
from bot.app.tracing import open_tracer_provider, traces_url
from bot.core.errors import TemporaryDeliveryError
from bot.turns.traces import trace_stage, using_tracer
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
    """A turn's root span, and those below it."""
    spans = [span for span in collector.spans if span.trace == turn.hex]
    [root] = [span for span in spans if span.name == "turn"]
    others = [span for span in spans if span.name != "turn"]
    assert root.parent == ""
    assert {span.parent for span in others} == {root.id}
    assert len({span.id for span in spans}) == len(spans)
    assert all(span.began <= span.ended for span in spans)
    return root, others


async def test_turn_across_processes_is_one_trace(settings: Settings, collector: Collector) -> None:
    traced = settings.model_copy(update={"otlp_endpoint": collector.url})
    async with open_services(traced, role="gateway") as services:
        receipt = await Service(services).say("How far today?")
    assert [span.name for span in collector.spans] == ["take_in"]
    async with open_services(traced, role="worker") as services:
        service = Service(services)
        async with service.working():
            await service.ended(receipt)
    root, others = of_turn(collector, receipt.turn.id)
    assert {span.name for span in others} == STAGES
    assert [span.resource["consilium.role"] for span in others if span.name == "take_in"] == ["gateway"]
    assert root.resource["consilium.role"] == "worker"
    assert root.resource["service.name"] == "consilium"
    attributes = root.attributes
    assert (attributes["consilium.turn"], attributes["consilium.state"]) == (str(receipt.turn.id), "delivered")
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (7, 3)
    [generate] = collector.named("generate")
    assert generate.events == ["first_token"]
    assert root.failed is None
    assert "How far" not in repr(collector.spans)


async def test_failed_attempt_is_in_the_trace(settings: Settings, collector: Collector) -> None:
    traced = settings.model_copy(update={"otlp_endpoint": collector.url})
    async with open_services(traced, role="all") as services:
        service = Service(services)
        service.platform.fails = [TemporaryDeliveryError("recording", "busy")]
        receipt = await service.say("How far today?")
        async with service.working():
            await service.ended(receipt)
    root, others = of_turn(collector, receipt.turn.id)
    assert [span.failed for span in others if span.name == "put_back"] == ["TemporaryDeliveryError"]
    assert [span.attributes["consilium.attempt"] for span in others if span.name == "deliver"] == [1, 2]
    assert [span.name for span in others].count("generate") == 1
    assert root.attributes["consilium.attempts"] == 2


async def test_failed_turn_names_its_error(settings: Settings, collector: Collector, server: SGLangServer) -> None:
    server.fails_with = (400, "no such thing")
    traced = settings.model_copy(update={"otlp_endpoint": collector.url})
    async with open_services(traced, role="all") as services:
        service = Service(services)
        receipt = await service.say("How far today?")
        async with service.working():
            await service.ended(receipt)
    root, _ = of_turn(collector, receipt.turn.id)
    assert (root.failed, root.attributes["consilium.state"]) == ("EngineRefused", "failed")


async def test_unreachable_collector_blocks_nothing() -> None:
    provider = open_tracer_provider("http://127.0.0.1:9", {})
    with using_tracer(provider.get_tracer("test")):
        for n in range(1, 5000):
            trace_stage(UUID(int=n), "take_in", 0.0, 1.0)
        async with asyncio.timeout(60):
            await asyncio.to_thread(provider.shutdown)
        trace_stage(UUID(int=1), "late", 0.0, 1.0)


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("http://c:4318", "http://c:4318/v1/traces"),
        ("http://c:4318/", "http://c:4318/v1/traces"),
        ("https://c/otlp/v1/traces", "https://c/otlp/v1/traces"),
    ],
)
def test_collector_path_is_added_when_missing(endpoint: str, address: str) -> None:
    assert traces_url(endpoint) == address


def test_sdk_is_not_imported_without_an_endpoint() -> None:
    program = "import sys, bot.cli.app, bot.app.tracing; print([m for m in sys.modules if 'opentelemetry.sdk' in m])"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"
