"""Real servers that are killed with answers running and adapters loading: every reader gets one whole answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import structlog
from structlog.testing import LogCapture

from bot.app.settings import DEMO_MIND
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from inference.adapters.usage import AdapterRef
from inference.base_model import BaseModelSpec
from inference.engines.port import Finished, FinishReason, GenerationRequest, Message, Sampling, TextDelta
from inference.engines.sglang import SGLangEngine
from tests.fakes.adapters import write_adapter
from tests.fixtures.sglang import START_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping
    from pathlib import Path
    from typing import Any

    from tests.fixtures.sglang import RunningSGLang, SGLangServers, StartRouter

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
def base(base_model_dir: Path) -> BaseModelSpec:
    return BaseModelSpec.from_config(base_model_dir / "config.json", NAME)


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


def minds(store: CompositionStore, base: BaseModelSpec) -> list[AdapterRef]:
    core, sport, physics = (AdapterPackage.open(DEMO_MIND / "adapters" / n) for n in ("core", "sport", "physics"))
    recipes = ([Part(core)], [Part(core), Part(sport)], [Part(core, 0.7), Part(physics)])
    return [store.get_or_compose(parts, base).ref for parts in recipes]


async def until_all_read(readers: list[Reader], pieces: int) -> None:
    while min(reader.pieces for reader in readers) < pieces:
        assert not any(reader.task.done() for reader in readers)
        await asyncio.sleep(0.05)


async def until_it_loads(server: RunningSGLang, adapter: AdapterRef) -> None:
    while f"lora_name={adapter.name}" not in server.log.read_text(errors="replace"):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.001)


@pytest.mark.kills_servers
async def test_nobody_notices_that_a_server_was_killed_while_it_answered_and_loaded(
    sglang_servers: SGLangServers,
    start_router: StartRouter,
    base_model_dir: Path,
    base: BaseModelSpec,
    store: CompositionStore,
    tmp_path: Path,
    log: list[MutableMapping[str, Any]],
) -> None:
    sglang, doomed = await asyncio.to_thread(sglang_servers.take, 2)
    # Not by what is cached: all ask the same, and one server would get them all.
    router = await asyncio.to_thread(start_router, [doomed.url, sglang.url], "--policy", "round_robin")
    keys: dict[str, Any] = {"admin_key": sglang.admin_key, "compositions": store.root, "retry_timeout": PATIENCE}
    write_adapter(tmp_path / "large", base, seed=3, rank=32, modules=base.modules, size=0.005)
    large = store.get_or_compose([Part(AdapterPackage.open(tmp_path / "large"))], base).ref
    known = minds(store, base)

    async with SGLangEngine(router.url, NAME, base_model_dir, **keys) as engine:
        readers = [Reader(engine, adapter) for adapter in (*known, None) for _ in range(2)]
        await until_all_read(readers, 4)
        late = Reader(engine, large)
        await until_it_loads(doomed, large)
        seen = [reader.text for reader in readers]
        doomed.kill()
        await asyncio.gather(*(reader.task for reader in (*readers, late)))
        for reader, before in zip(readers, seen, strict=True):
            reader.check()
            assert reader.text.startswith(before)
            # It went on: an answer begun again would follow without a space.
            assert not reader.text.removeprefix(before).startswith(before[:12]), reader.text
        late.check()

    failures = [entry for entry in log if entry["event"] == "engine.retried"]
    assert any(entry["written"] for entry in failures), "no answer was cut in its middle"
    # What was being loaded or proved on the killed server names it; what was being answered names the router.
    blamed = [str(entry["error"]) for entry in failures]
    assert all(router.url in error or doomed.url in error for error in blamed), blamed
    lost = [entry for entry in log if entry["event"] == "adapter.load_failed"]
    assert {entry["adapter"] for entry in lost} <= {large.name}
    async with SGLangEngine(sglang.url, NAME, base_model_dir, **keys) as engine:
        for adapter in (*known, large):
            store.remove(adapter.name)
            await engine.unload_adapter(adapter.name)
