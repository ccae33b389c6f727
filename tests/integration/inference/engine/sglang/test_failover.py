"""Real servers that are killed with answers running and adapters loading: every reader gets one whole answer."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import structlog
from structlog.testing import LogCapture

from bot.settings import DEMO_MIND
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from inference.base_model import BaseModel
from inference.engine.port import AdapterRef, Finished, FinishReason, GenerationRequest, Message, Sampling, TextDelta
from inference.engine.sglang import SGLangEngine
from tests.fakes.adapters import write_adapter
from tests.fixtures.sglang import START_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping
    from pathlib import Path
    from typing import Any

    from tests.fixtures.sglang import RunningSGLang, StartRouter, StartSGLang

pytestmark = [pytest.mark.sglang, pytest.mark.timeout(4 * START_TIMEOUT)]

NAME = "SmolLM2-135M-Instruct"
TOKENS = 48
PATIENCE = START_TIMEOUT
QUESTION = (Message("system", "You are a coach."), Message("user", "How should I train for a marathon in winter?"))


class Reader:
    """One person's answer as it comes."""

    def __init__(self, engine: SGLangEngine, adapter: AdapterRef | None) -> None:
        self.text = ""
        self.pieces = 0
        self.finished: Finished | None = None
        self._request = GenerationRequest(QUESTION, adapter, Sampling(max_tokens=TOKENS, temperature=0))
        self.task = asyncio.create_task(self._read(engine))

    async def _read(self, engine: SGLangEngine) -> None:
        async for event in engine.generate(self._request):
            if isinstance(event, TextDelta):
                self.text += event.text
                self.pieces += 1
            else:
                self.finished = event

    def check(self) -> None:
        """One text, whole: as many tokens as there may be, or an end of the model's own."""
        assert self.finished is not None
        counted = self.finished.usage.completion_tokens
        assert counted <= TOKENS
        assert self.finished.reason is FinishReason.STOP or counted >= TOKENS - 1, (self.finished, self.text)
        assert len(self.text.split()) >= counted / 4, self.text


@pytest.fixture
def base(base_model_dir: Path) -> BaseModel:
    return BaseModel.from_config(base_model_dir / "config.json", NAME)


@pytest.fixture
def store(tmp_path: Path) -> CompositionStore:
    return CompositionStore(tmp_path / "compositions")


@pytest.fixture
def log() -> Iterator[list[MutableMapping[str, Any]]]:
    before = structlog.get_config()
    capture = LogCapture()
    structlog.configure(processors=[capture], cache_logger_on_first_use=False)
    yield capture.entries
    structlog.configure(**before)


def minds(store: CompositionStore, base: BaseModel) -> list[AdapterRef]:
    core, sport, physics = (AdapterPackage.open(DEMO_MIND / "adapters" / n) for n in ("core", "sport", "physics"))
    recipes = ([Part(core)], [Part(core), Part(sport)], [Part(core, 0.7), Part(physics)])
    return [store.ensure(parts, base).ref for parts in recipes]


async def until_all_read(readers: list[Reader], pieces: int) -> None:
    while min(reader.pieces for reader in readers) < pieces:
        assert not any(reader.task.done() for reader in readers)
        await asyncio.sleep(0.05)


async def test_answers_move_on_when_their_server_is_killed(
    start_sglang: StartSGLang,
    start_router: StartRouter,
    base_model_dir: Path,
    base: BaseModel,
    store: CompositionStore,
    tmp_path: Path,
    log: list[MutableMapping[str, Any]],
) -> None:
    def start_two() -> list[RunningSGLang]:
        with ThreadPoolExecutor(2) as threads:
            return list(threads.map(lambda _: start_sglang(), range(2)))

    one, two = await asyncio.to_thread(start_two)
    router = await asyncio.to_thread(start_router, [one.url, two.url])
    keys = {"admin_key": one.admin_key, "compositions": store.root, "patience": PATIENCE}

    # Killed in mid-stream: what was read stays, and the rest comes from the other server.
    async with SGLangEngine(router.url, NAME, base_model_dir, **keys) as engine:
        readers = [Reader(engine, adapter) for adapter in (*minds(store, base), None)]
        await until_all_read(readers, 4)
        seen = [reader.text for reader in readers]
        one.kill()
        await asyncio.gather(*(reader.task for reader in readers))
        for reader, before in zip(readers, seen, strict=True):
            reader.check()
            assert reader.text.startswith(before)
            assert reader.text.count(before[:12]) == 1  # it went on, and did not begin again behind what was read
        assert "engine.trying_again" in {entry["event"] for entry in log}
        assert all(entry["error"] for entry in log if entry["event"] == "engine.trying_again")

    # Killed while it loads: the adapter is brought to the server that takes its place, and answers from there.
    write_adapter(tmp_path / "large", base, seed=3, rank=32, modules=base.modules, size=0.005)
    large = store.ensure([Part(AdapterPackage.open(tmp_path / "large"))], base).ref
    async with SGLangEngine(two.url, NAME, base_model_dir, **keys) as engine:
        log.clear()
        reader = Reader(engine, large)
        others = [Reader(engine, None)]
        while f"lora_name={large.name}" not in two.log.read_text(errors="replace"):  # noqa: ASYNC110 - another process's log
            await asyncio.sleep(0.001)
        two.kill()
        assert reader.finished is None
        await asyncio.to_thread(start_sglang, port=two.port)
        await asyncio.gather(*(reader.task for reader in (reader, *others)))
        for each in (reader, *others):
            each.check()
        events = [entry["event"] for entry in log]
        assert "engine.trying_again" in events
        assert "adapter.loaded" in events
        assert events[-1] != "engine.trying_again"
