"""The vLLM engine over a server that only looks like vLLM: how it asks, what it brings, what refusals mean."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from inference.adapters.compose import compose
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.usage import AdapterRef
from inference.engines.errors import (
    AdapterExceedsLimits,
    AdapterHasNoEffect,
    AdapterNotLoadable,
    AdaptersDisabled,
    EngineKeyRefused,
    SchemaRefused,
)
from inference.engines.port import Finished, FinishReason, GenerationRequest, Message, Sampling, TextDelta
from inference.engines.vllm import VLLMEngine
from tests.fakes.adapters import SMOLLM2, write_adapter
from tests.fakes.vllm_server import VLLMServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

BASE = replace(SMOLLM2, name="base")
HELLO = (Message("user", "How do I rest?"),)


class Connect(Protocol):
    def __call__(self, server: VLLMServer, **options: Any) -> AbstractAsyncContextManager[VLLMEngine]: ...


@pytest.fixture
def connect(base_model_dir: Path) -> Connect:
    """An engine over a fake server that starts with it; it gives up at once unless told otherwise."""

    @asynccontextmanager
    async def connected(server: VLLMServer, **options: Any) -> AsyncIterator[VLLMEngine]:
        options = {"retry_timeout": 0.0} | options
        async with server.serving() as url, VLLMEngine(url, BASE.name, base_model_dir, **options) as engine:
            yield engine
        assert server.offences == []

    return connected


@pytest.fixture
def adapters(tmp_path: Path) -> list[AdapterRef]:
    """Three of one module in one layer, in the safe form."""
    made = []
    for number in range(3):
        part = tmp_path / f"part-{number}"
        write_adapter(part, BASE, seed=number, rank=2, modules=["o_proj"], layers=[0])
        folder = tmp_path / "compositions" / f"sport-{number}"
        compose([Part(AdapterPackage.open(part))], BASE, folder)
        made.append(AdapterRef(folder.name, folder))
    return made


async def ask(engine: VLLMEngine, adapter: AdapterRef | None = None, **options: Any) -> str:
    events = [event async for event in engine.generate(GenerationRequest(HELLO, adapter, **options))]
    assert isinstance(events[-1], Finished)
    assert events[-1].reason is FinishReason.STOP
    return "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_a_prompt_is_tokenized_here_and_the_adapter_stands_for_the_model(
    connect: Connect, adapters: list[AdapterRef]
) -> None:
    server = VLLMServer()
    async with connect(server) as engine:
        assert await ask(engine, sampling=Sampling(temperature=0, seed=3, logit_bias={5: -1.0})) == "Rest and sleep."
        assert await ask(engine, adapters[0]) == "Rest and sleep."
        assert engine.max_rank == server.max_rank
        assert engine.context_tokens == 4096
        prompt = engine.tokenizer.encode_prompt(HELLO)
        stops = sorted(engine.tokenizer.stop_ids)
    bare, adapted = server.requests
    assert (bare["model"], adapted["model"]) == ("base", adapters[0].name)
    assert bare["prompt"] == adapted["prompt"] == prompt
    assert bare["stop_token_ids"] == stops
    assert (bare["seed"], bare["logit_bias"]) == (3, {"5": -1.0})


async def test_a_broken_answer_goes_on_from_its_own_tokens(connect: Connect) -> None:
    server = VLLMServer(breaks_after=2)
    async with connect(server, retry_timeout=10) as engine:
        assert await ask(engine) == "Rest and sleep."
        written = engine.tokenizer.encode("Rest and")
    first, second = server.requests
    assert second["prompt"] == [*first["prompt"], *written]
    assert second["max_tokens"] == first["max_tokens"] - len(written)


async def test_the_beginning_of_an_answer_is_part_of_the_prompt(connect: Connect) -> None:
    server = VLLMServer()
    async with connect(server) as engine:
        await ask(engine, answer_prefix="The best way:")
        assert server.requests[0]["prompt"] == engine.tokenizer.encode_prompt(HELLO, answer_prefix="The best way:")


async def test_the_least_recently_used_makes_room(connect: Connect, adapters: list[AdapterRef]) -> None:
    first, second, third = adapters
    server = VLLMServer(max_loaded=2)
    async with connect(server) as engine:
        for adapter in (first, second, first, third):
            await ask(engine, adapter)
        assert set(server.loaded) == {first.name, third.name}


async def test_an_adapter_the_server_has_lost_is_brought_again(connect: Connect, adapters: list[AdapterRef]) -> None:
    server = VLLMServer()
    async with connect(server) as engine:
        await ask(engine, adapters[0])
        server.loaded.clear()
        assert await ask(engine, adapters[0]) == "Rest and sleep."
    assert server.loads == [adapters[0].name] * 2


async def test_an_unloaded_adapter_is_gone(connect: Connect, adapters: list[AdapterRef]) -> None:
    server = VLLMServer()
    async with connect(server) as engine:
        await ask(engine, adapters[0])
        await engine.unload_adapter(adapters[0].name)
        assert server.loaded == {}
        await engine.unload_adapter(adapters[0].name)


async def test_an_adapter_without_effect_answers_nobody(connect: Connect, adapters: list[AdapterRef]) -> None:
    async with connect(VLLMServer(inert=True)) as engine:
        with pytest.raises(AdapterHasNoEffect):
            await ask(engine, adapters[0])


async def test_scores_are_those_of_the_continuation(connect: Connect, adapters: list[AdapterRef]) -> None:
    async with connect(VLLMServer()) as engine:
        bare = await engine.score(HELLO, " Rest and sleep.")
        adapted = await engine.score(HELLO, " Rest and sleep.", adapters[0])
    assert list(bare.logprobs) == [-1.0] * len(bare.tokens)
    assert list(adapted.logprobs) == [-2.0] * len(bare.tokens)


@pytest.mark.parametrize(("max_rank", "modules"), [(1, ("o_proj",)), (32, ("q_proj",))])
async def test_what_the_server_was_not_started_for_is_refused_here(
    connect: Connect, adapters: list[AdapterRef], max_rank: int, modules: tuple[str, ...]
) -> None:
    server = VLLMServer(max_rank=max_rank, modules=modules)
    async with connect(server) as engine:
        with pytest.raises(AdapterExceedsLimits):
            await ask(engine, adapters[0])
    assert server.loads == []


async def test_a_folder_the_server_cannot_see_is_told(connect: Connect, adapters: list[AdapterRef]) -> None:
    adapter = adapters[0]
    async with connect(VLLMServer()) as engine:
        for file in adapter.path.iterdir():
            file.unlink()
        with pytest.raises(AdapterNotLoadable):
            await ask(engine, adapter)


async def test_a_schema_the_server_cannot_read_is_told(connect: Connect) -> None:
    async with connect(VLLMServer()) as engine:
        with pytest.raises(SchemaRefused, match="nothing"):
            await ask(engine, schema={"type": "nothing"})


@pytest.mark.parametrize("server", [VLLMServer(started_by_us=False), VLLMServer(modules=None)])
async def test_a_server_that_could_be_ended_by_a_question_is_not_used(base_model_dir: Path, server: VLLMServer) -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(server.serving())
        with pytest.raises(AdaptersDisabled):
            await stack.enter_async_context(VLLMEngine(url, BASE.name, base_model_dir))


async def test_the_admin_key_brings_adapters_and_the_api_key_answers(
    connect: Connect, adapters: list[AdapterRef]
) -> None:
    server = VLLMServer(api_key="api", admin_key="admin")
    async with connect(server, api_key="api", admin_key="admin") as engine:
        assert await ask(engine, adapters[0]) == "Rest and sleep."
    async with connect(server, api_key="api", admin_key="wrong") as engine:
        with pytest.raises(EngineKeyRefused, match="admin"):
            await engine.load_adapter(adapters[1])
