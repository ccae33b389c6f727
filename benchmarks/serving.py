"""What the benchmarks of serving share: bare requests to a server, the same through the engine, and turns at both."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import platform
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar
from unittest.mock import patch

import httpx
from platformdirs import user_cache_path

from inference.adapters.compatibility import check_compatible
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from inference.adapters.usage import AdapterRef
from inference.base_model import BaseModelSpec
from inference.checkpoint import BUNDLED_BASE_MODEL, resolve_base_model
from inference.engines.port import GenerationRequest, Message, Sampling, TextDelta
from inference.engines.remote.adapter_checks import AdapterValidator
from inference.engines.remote.client import ServerClient
from inference.engines.sglang import SGLangEngine
from inference.engines.sglang.api import chat_request
from inference.engines.sglang.server import SGLangServer
from tests.fixtures.sglang import RunningSGLang, running_sglang

ADAPTERS: Final = Path(__file__).resolve().parents[1] / "minds" / "agoge" / "adapters"
BASE_NAME: Final = "SmolLM2-135M-Instruct"
SYSTEM: Final = "You are a coach. You speak in short plain sentences, and you say what to do next."

T = TypeVar("T")


def base_model_folder() -> Path:
    """The bundled base model, kept where the service keeps it."""
    return resolve_base_model(BUNDLED_BASE_MODEL, user_cache_path("consilium") / "models")


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**20),
        "python": platform.python_version(),
    }


def load_average() -> float:
    """How many processes wanted a core, over the last minute."""
    return round(os.getloadavg()[0], 2)


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


@dataclass(frozen=True, slots=True)
class Answer:
    """One streamed answer: seconds from the request on, and tokens of the answer."""

    first: float
    """To the first text."""
    seconds: float
    tokens: int


class Compositions:
    """The demo mind's core and sport, composed at as many weights as are asked for; no two alike."""

    def __init__(self, folder: Path, base_folder: Path) -> None:
        self.base = BaseModelSpec.from_config(base_folder / "config.json", BASE_NAME)
        self._packages = [AdapterPackage.open(ADAPTERS / name) for name in ("core", "sport")]
        for package in self._packages:  # a service has done this by its first request
            check_compatible(package, self.base)
        self.store = CompositionStore(folder)
        self._count = 0

    def new_parts(self) -> list[Part]:
        """A recipe that was never asked for."""
        steps = divmod(self._count, 20)
        self._count += 1
        # Around 1, as modes have it; every weight is one that the mode grammar knows.
        return [Part(package, round(0.5 + 0.05 * step, 2)) for package, step in zip(self._packages, steps, strict=True)]

    def make(self) -> AdapterRef:
        """A composition that was not there before."""
        return self.store.get_or_compose(self.new_parts(), self.base).ref


class Client:
    """Asks one server for answers: bare, or through the engine with the same body. Texts are new each time."""

    def __init__(self, server: RunningSGLang, engine: SGLangEngine) -> None:
        self.engine = engine
        self._server = server
        self._http = httpx.AsyncClient(
            base_url=server.url, timeout=120, limits=httpx.Limits(max_connections=None), trust_env=False
        )
        self._key = {"Authorization": f"Bearer {server.admin_key}"}
        self._serial = 1000

    async def close(self) -> None:
        await self._http.aclose()

    def request(self, adapter: AdapterRef | None, max_tokens: int, system: str = SYSTEM) -> GenerationRequest:
        """A question never asked before; its number of tokens is the same each time. Behind the system prompt, which
        the server may have kept, nothing of it is in the prefix cache."""
        self._serial += 1
        messages = (
            Message("system", system),
            Message("user", f"{self._serial}. Write a long letter to a friend about a year of walks in the mountains."),
        )
        return GenerationRequest(messages, adapter, Sampling(max_tokens=max_tokens, temperature=0))

    async def through_engine(self, request: GenerationRequest) -> Answer:
        start, first, tokens = time.perf_counter(), None, 0
        async for event in self.engine.generate(request):
            if isinstance(event, TextDelta):
                first = first or time.perf_counter() - start
            else:
                tokens = event.usage.completion_tokens
        seconds = time.perf_counter() - start
        return Answer(first or seconds, seconds, tokens)

    async def bare(self, request: GenerationRequest) -> Answer:
        """The same body straight to the server, whose adapter must be there."""
        adapter = request.adapter.name if request.adapter else None
        body = chat_request(
            self._server.model,
            request.messages,
            adapter,
            request.sampling,
            max_tokens=request.sampling.max_tokens,
            stop_ids=self.engine.tokenizer.stop_ids,
        )
        start, first, tokens = time.perf_counter(), None, 0
        async with self._http.stream("POST", "/v1/chat/completions", json=body) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if not line.startswith("data: {"):
                    continue
                chunk = json.loads(line[6:])
                if chunk.get("usage"):
                    tokens = chunk["usage"]["completion_tokens"]
                if first is None and any(choice["delta"].get("content") for choice in chunk["choices"]):
                    first = time.perf_counter() - start
        seconds = time.perf_counter() - start
        return Answer(first or seconds, seconds, tokens)

    async def load(self, adapter: AdapterRef) -> None:
        """SGLang's own loading of a ready package."""
        body = {"lora_name": adapter.name, "lora_path": str(adapter.path), "pinned": False}
        (await self._http.post("/load_lora_adapter", json=body, headers=self._key)).raise_for_status()

    async def unload(self, adapter: AdapterRef) -> None:
        body = {"lora_name": adapter.name}
        (await self._http.post("/unload_lora_adapter", json=body, headers=self._key)).raise_for_status()


Figures = Mapping[str, float]
"""What one turn has measured."""


@dataclass(frozen=True)
class Bench:
    """A real server and all that asks it."""

    server: RunningSGLang
    client: Client
    compositions: Compositions


@asynccontextmanager
async def on_a_server(*flags: str) -> AsyncIterator[Bench]:
    """A server of one's own on the CPU, with these flags of SGLang's; it is gone afterwards."""
    base_folder = await asyncio.to_thread(base_model_folder)
    with tempfile.TemporaryDirectory() as scratch:
        server_of = running_sglang(base_folder, *flags)
        server = await asyncio.to_thread(server_of.__enter__)
        try:
            compositions = Compositions(Path(scratch), base_folder)
            async with SGLangEngine(
                server.url, BASE_NAME, base_folder, admin_key=server.admin_key, compositions=Path(scratch)
            ) as engine:
                client = Client(server, engine)
                try:
                    yield Bench(server, client, compositions)
                finally:
                    await client.close()
        finally:
            await asyncio.to_thread(server_of.__exit__, None, None, None)


@dataclass
class Turns:
    """What two contenders have measured in turn."""

    ours: list[Figures] = field(default_factory=list)
    theirs: list[Figures] = field(default_factory=list)

    def ratios(self, what: str) -> list[float]:
        """Ours to theirs, of each pair of turns."""
        return [mine[what] / other[what] for mine, other in zip(self.ours, self.theirs, strict=True)]

    def medians(self, side: list[Figures]) -> dict[str, float]:
        return {what: statistics.median(turn[what] for turn in side) for what in side[0]}


async def take_turns(
    ours: Callable[[], Awaitable[Figures]],
    theirs: Callable[[], Awaitable[Figures]],
    *,
    pairs: int,
    seconds: float,
    least: int = 3,
) -> Turns:
    """Run both in turn, the one and then the other first, after a pair that is not counted.

    Args:
        pairs: how many pairs are counted at most.
        seconds: no pair is begun after as many seconds, once there are `least`.
    """
    turns = Turns()
    began = time.monotonic()
    for pair in range(pairs + 1):
        if pair > least and time.monotonic() - began > seconds:
            break
        figures: dict[bool, Figures] = {}
        for mine in (True, False) if pair % 2 else (False, True):
            figures[mine] = await (ours if mine else theirs)()
        if pair:
            turns.ours.append(figures[True])
            turns.theirs.append(figures[False])
    return turns


STEPS: Final = {
    "guard": (AdapterValidator, "admit"),
    "look": (SGLangServer, "loaded"),
    "load": (SGLangServer, "load"),
    "proof": (SGLangServer, "logprobs"),
    "head": (ServerClient, "stream"),
}
"""The engine's steps before the first token."""


@contextmanager
def steps_timed() -> Iterator[dict[str, float]]:
    """Within the block, the seconds that each of the engine's steps has taken are added up."""
    spent: dict[str, float] = defaultdict(float)

    def timed(step: str, method: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        async def run(*args: Any, **options: Any) -> T:
            start = time.perf_counter()
            try:
                return await method(*args, **options)
            finally:
                spent[step] += time.perf_counter() - start

        return run

    with ExitStack() as stack:
        for step, (owner, name) in STEPS.items():
            method = inspect.getattr_static(owner, name)
            stack.enter_context(patch.object(owner, name, timed(step, method)))
        yield spent


async def compose_and_answer(client: Client, compositions: Compositions, max_tokens: int) -> tuple[Figures, AdapterRef]:
    """The first answer of a composition that was never made: the time to its first text, and of the parts."""
    parts, request = compositions.new_parts(), client.request(None, max_tokens)
    with steps_timed() as spent:
        start = time.perf_counter()
        composition = await asyncio.to_thread(compositions.store.get_or_compose, parts, compositions.base)
        composed = time.perf_counter() - start
        answer = await client.through_engine(GenerationRequest(request.messages, composition.ref, request.sampling))
    before = spent["guard"] + spent["look"] + spent["load"]
    figures = {"first answer": composed + answer.first, "compose": composed, **spent}
    return {**figures, "first token": answer.first - before}, composition.ref
