"""Which adapters the local engine holds in memory: warmed, pinned, forgotten."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from structlog.testing import capture_logs

from inference.adapters.dtypes import Dtype
from inference.adapters.usage import AdapterRef
from inference.engines.errors import AdapterNotLoadable, EngineStopped
from inference.engines.local import LocalEngine
from inference.engines.port import GenerationRequest, Message, Sampling, TextDelta
from tests.fakes.adapters import write_adapter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from inference.base_model import BaseModelSpec
    from inference.engines.port import Engine

    Write = Callable[[str], AdapterRef]

HELLO = (Message("user", "How do I rest?"),)


@pytest.fixture
def write(small_model: BaseModelSpec, tmp_path: Path) -> Write:
    def written(name: str) -> AdapterRef:
        write_adapter(tmp_path / name, small_model, seed=ord(name[0]), rank=200, dtype=Dtype.F32, size=0.3)
        return AdapterRef(name, tmp_path / name)

    return written


async def test_it_is_an_engine_without_a_limit_of_ranks(small_engine: LocalEngine, write: Write) -> None:
    engine: Engine = small_engine
    assert engine.max_rank is None
    await engine.load_adapter(write("wide"))


async def test_a_warm_adapter_is_there_before_anybody_asks(small_engine: LocalEngine, write: Write) -> None:
    a = write("a")
    await small_engine.load_adapter(a)
    assert await small_engine.loaded_adapters() == ("a",)
    expected = await small_engine.logits(HELLO, a)
    shutil.rmtree(a.path)
    await small_engine.load_adapter(a)
    assert np.array_equal(await small_engine.logits(HELLO, a), expected)


async def test_pinned_adapters_stay(small_model_dir: Path, write: Write) -> None:
    async with LocalEngine(small_model_dir, max_adapters=3) as engine:
        for name in "ab":
            await engine.load_adapter(write(name), pinned=True)
        for name in "cde":
            await engine.load_adapter(write(name))
            assert set(await engine.loaded_adapters()) == {"a", "b", name}
        await engine.load_adapter(write("a"))
        await engine.load_adapter(write("f"))
        await engine.load_adapter(write("g"))
        assert set(await engine.loaded_adapters()) == {"a", "b", "g"}


async def test_an_adapter_in_memory_can_be_pinned(small_engine: LocalEngine, write: Write) -> None:
    a = write("a")
    await small_engine.load_adapter(a)
    await small_engine.load_adapter(a, pinned=True)
    await small_engine.load_adapter(write("b"))
    await small_engine.load_adapter(write("c"))
    assert set(await small_engine.loaded_adapters()) == {"a", "c"}


async def test_the_last_place_is_not_for_pinned_adapters(small_engine: LocalEngine, write: Write) -> None:
    with capture_logs() as logs:
        await small_engine.load_adapter(write("a"), pinned=True)
        await small_engine.load_adapter(write("a"), pinned=True)
        assert "adapter.pin_refused" not in {line["event"] for line in logs}
        await small_engine.load_adapter(write("b"), pinned=True)
    assert [line["adapter"] for line in logs if line["event"] == "adapter.pin_refused"] == ["b"]
    assert await small_engine.loaded_adapters() == ("a", "b")
    await small_engine.load_adapter(write("c"))
    assert await small_engine.loaded_adapters() == ("a", "c")


async def test_the_only_place_goes_to_whoever_asks(small_model_dir: Path, write: Write) -> None:
    async with LocalEngine(small_model_dir, max_adapters=1) as engine:
        await engine.load_adapter(write("a"), pinned=True)
        await engine.load_adapter(write("b"))
        assert await engine.loaded_adapters() == ("b",)


async def test_an_adapter_that_cannot_be_loaded_takes_no_place(
    small_engine: LocalEngine, write: Write, tmp_path: Path
) -> None:
    with pytest.raises(AdapterNotLoadable, match="'nowhere'"):
        await small_engine.load_adapter(AdapterRef("nowhere", tmp_path / "nowhere"), pinned=True)
    await small_engine.load_adapter(write("a"), pinned=True)
    await small_engine.load_adapter(write("b"))
    await small_engine.load_adapter(write("c"))
    assert await small_engine.loaded_adapters() == ("a", "c")


async def test_a_forgotten_adapter_answers_no_more(small_engine: LocalEngine, write: Write) -> None:
    a, b = write("a"), write("b")
    base, other = await small_engine.logits(HELLO), await small_engine.logits(HELLO, b)
    await small_engine.logits(HELLO, a)
    shutil.rmtree(a.path)
    await small_engine.unload_adapter("a")
    assert await small_engine.loaded_adapters() == ("b",)
    with pytest.raises(AdapterNotLoadable):
        await small_engine.logits(HELLO, a)
    assert np.array_equal(await small_engine.logits(HELLO, b), other)
    await small_engine.unload_adapter("b")
    assert await small_engine.loaded_adapters() == ()
    assert np.array_equal(await small_engine.logits(HELLO), base)
    assert np.array_equal(await small_engine.logits(HELLO, b), other)


async def test_forgetting_frees_a_pinned_place(small_engine: LocalEngine, write: Write) -> None:
    await small_engine.load_adapter(write("a"), pinned=True)
    await small_engine.unload_adapter("a")
    await small_engine.load_adapter(write("b"), pinned=True)
    await small_engine.load_adapter(write("c"))
    await small_engine.load_adapter(write("d"))
    assert await small_engine.loaded_adapters() == ("b", "d")


async def test_a_running_answer_keeps_its_adapter(small_engine: LocalEngine, write: Write) -> None:
    request = GenerationRequest(HELLO, write("a"), Sampling(max_tokens=30, temperature=0))

    async def text(*, forgetting: bool) -> str:
        pieces = []
        async for event in small_engine.generate(request):
            pieces.append(event.text if isinstance(event, TextDelta) else "")
            if forgetting and len(pieces) == 1:
                shutil.rmtree(request.adapter.path)  # type: ignore[union-attr]  # it has one
                await small_engine.unload_adapter("a")
        return "".join(pieces)

    undisturbed = await text(forgetting=False)
    assert await text(forgetting=True) == undisturbed
    assert await small_engine.loaded_adapters() == ()


async def test_what_is_not_there_is_forgotten_without_more(small_engine: LocalEngine) -> None:
    await small_engine.unload_adapter("nobody")
    assert await small_engine.loaded_adapters() == ()


async def test_forgetting_loads_no_model(small_model_dir: Path) -> None:
    engine = LocalEngine(small_model_dir)
    with capture_logs() as logs:
        await engine.unload_adapter("nobody")
    assert [line for line in logs if line["event"].startswith("engine.")] == []
    await engine.close()


async def test_a_closed_engine_warms_nothing_and_holds_nothing(small_model_dir: Path, write: Write) -> None:
    engine = LocalEngine(small_model_dir)
    await engine.load_adapter(write("a"))
    await engine.close()
    with pytest.raises(EngineStopped):
        await engine.load_adapter(write("a"))
    await engine.unload_adapter("a")


async def test_an_empty_text_has_no_scores(small_engine: LocalEngine) -> None:
    scores = await small_engine.score(HELLO, "")
    assert (scores.tokens, scores.logprobs.shape) == ((), (0,))
