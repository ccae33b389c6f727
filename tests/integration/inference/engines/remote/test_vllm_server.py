"""The real vLLM server behind the engine: revocation, keys, cancellation, structure, and a kill in mid-answer."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import TYPE_CHECKING

import httpx
import pytest

from bot.app.settings import DEMO_MIND
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from inference.base_model import BaseModelSpec
from inference.engines.errors import AdapterNotLoadable, EngineKeyRefused, SchemaRefused
from inference.engines.port import Finished, GenerationRequest, Message, Sampling, TextDelta
from inference.engines.vllm import VLLMEngine
from tests.fixtures.vllm import FEW_ADAPTERS, START_TIMEOUT

if TYPE_CHECKING:
    from pathlib import Path

    from inference.adapters.usage import AdapterRef
    from tests.fixtures.vllm import RunningVLLM, VLLMServers

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(2 * START_TIMEOUT)]

NAME = "SmolLM2-135M-Instruct"
QUESTION = (Message("system", "You are a coach."), Message("user", "How should I train for a marathon in winter?"))
GREEDY = Sampling(max_tokens=24, temperature=0)


@pytest.fixture
async def server(vllm_servers: VLLMServers) -> RunningVLLM:
    return await asyncio.to_thread(vllm_servers.take_with, *FEW_ADAPTERS)


@pytest.fixture
def store(tmp_path: Path) -> CompositionStore:
    return CompositionStore(tmp_path / "compositions")


@pytest.fixture
def mixture(store: CompositionStore, base_model_dir: Path) -> AdapterRef:
    base = BaseModelSpec.from_config(base_model_dir / "config.json", NAME)
    parts = [Part(AdapterPackage.open(DEMO_MIND / "adapters" / name)) for name in ("sport", "core")]
    return store.get_or_compose(parts, base).ref


def connect(server: RunningVLLM, base_model_dir: Path, store: CompositionStore, **options: object) -> VLLMEngine:
    keys = {"api_key": server.api_key, "admin_key": server.admin_key, "retry_timeout": START_TIMEOUT} | options
    return VLLMEngine(server.url, NAME, base_model_dir, compositions=store.root, **keys)  # type: ignore[arg-type]


async def ask(engine: VLLMEngine, adapter: AdapterRef | None, sampling: Sampling = GREEDY) -> str:
    events = [event async for event in engine.generate(GenerationRequest(QUESTION, adapter, sampling))]
    assert isinstance(events[-1], Finished)
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_what_is_revoked_is_never_answered_with_again(
    server: RunningVLLM, base_model_dir: Path, store: CompositionStore, mixture: AdapterRef
) -> None:
    async with connect(server, base_model_dir, store) as engine:
        assert await ask(engine, mixture) != await ask(engine, None)
        store.remove(mixture.name)
        await engine.unload_adapter(mixture.name)
        with pytest.raises(AdapterNotLoadable):
            await ask(engine, mixture)
    headers = {"Authorization": f"Bearer {server.api_key}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60, trust_env=False) as client:
        body = {"model": mixture.name, "prompt": [1, 2], "max_tokens": 1}
        assert (await client.post("/v1/completions", json=body)).status_code == 404


async def test_only_the_admin_key_moves_adapters(
    server: RunningVLLM, base_model_dir: Path, store: CompositionStore, mixture: AdapterRef
) -> None:
    async with connect(server, base_model_dir, store, admin_key="another") as engine:
        assert await ask(engine, None)
        with pytest.raises(EngineKeyRefused, match="admin"):
            await engine.load_adapter(mixture)
    with pytest.raises(EngineKeyRefused, match="API"):
        async with connect(server, base_model_dir, store, api_key="another", retry_timeout=0):
            pass


async def test_a_reader_who_leaves_stops_the_answer(
    server: RunningVLLM, base_model_dir: Path, store: CompositionStore
) -> None:
    async with connect(server, base_model_dir, store) as engine:
        request = GenerationRequest(QUESTION, sampling=Sampling(max_tokens=1500, temperature=1))
        async with aclosing(engine.generate(request)) as events:
            async for _ in events:
                break
        async with httpx.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as client:
            async with asyncio.timeout(30):
                while await running(client):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.2)


async def running(client: httpx.AsyncClient) -> float:
    """How many answers the server gives now."""
    metrics = (await client.get("/metrics")).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in metrics if line.startswith("vllm:num_requests_running{"))


async def test_an_answer_keeps_to_its_schema(
    server: RunningVLLM, base_model_dir: Path, store: CompositionStore
) -> None:
    schema = {
        "type": "object",
        "properties": {"days": {"type": "integer", "minimum": 1, "maximum": 7}},
        "required": ["days"],
        "additionalProperties": False,
    }
    async with connect(server, base_model_dir, store) as engine:
        request = GenerationRequest(QUESTION, sampling=GREEDY, schema=schema)
        text = "".join([event.text async for event in engine.generate(request) if isinstance(event, TextDelta)])
        assert 1 <= json.loads(text)["days"] <= 7
        with pytest.raises(SchemaRefused):
            [event async for event in engine.generate(GenerationRequest(QUESTION, schema={"type": "nothing"}))]


@pytest.mark.kills_servers
async def test_an_answer_outlives_its_server(
    vllm_servers: VLLMServers,
    server: RunningVLLM,
    base_model_dir: Path,
    store: CompositionStore,
    mixture: AdapterRef,
) -> None:
    """Killed in mid-answer and started again, the server is brought the adapter, and the answer goes on."""
    async with connect(server, base_model_dir, store) as engine:
        whole = await ask(engine, mixture)
        came: list[str] = []
        asking = asyncio.create_task(collect(engine, mixture, came))
        while len(came) < 4:
            assert not asking.done()
            await asyncio.sleep(0.01)
        server.kill()
        before = "".join(came)
        await asyncio.to_thread(vllm_servers.start, *FEW_ADAPTERS, port=server.port)
        await asking
    answer = "".join(came)
    assert answer.startswith(before)
    # What a model writes on from its own beginning is what it would have written, but for another batch's rounding.
    assert answer[: len(before) + 10] == whole[: len(before) + 10]


async def collect(engine: VLLMEngine, adapter: AdapterRef, came: list[str]) -> None:
    async for event in engine.generate(GenerationRequest(QUESTION, adapter, GREEDY)):
        if isinstance(event, TextDelta):
            came.append(event.text)  # noqa: PERF401 - looked at while it grows
