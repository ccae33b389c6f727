"""The SGLang engine over fake servers on real sockets, and adapters small enough to make by the dozen."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from inference.adapters.compose import compose
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.usage import AdapterRef
from inference.engines.sglang import SGLangEngine, Timeouts
from tests.fakes.adapters import SMOLLM2, write_adapter
from tests.fakes.sglang_server import SGLangServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BASE = replace(SMOLLM2, name="base")


class Connect(Protocol):
    def __call__(self, server: SGLangServer, **options: Any) -> AbstractAsyncContextManager[SGLangEngine]: ...


class MakeAdapters(Protocol):
    def __call__(self, count: int) -> list[AdapterRef]: ...


@pytest.fixture
def connect(base_model_dir: Path) -> Connect:
    """An engine over a fake server that starts with it; it gives up at once unless told otherwise."""

    @asynccontextmanager
    async def connected(server: SGLangServer, **options: Any) -> AsyncIterator[SGLangEngine]:
        options = {"retry_timeout": 0.0} | options
        async with server.serving() as url, SGLangEngine(url, BASE.name, base_model_dir, **options) as engine:
            yield engine
        assert server.offences == []

    return connected


@pytest.fixture
def make_adapters(tmp_path: Path) -> MakeAdapters:
    """Adapters of one module in one layer, in the safe form."""

    def make(count: int) -> list[AdapterRef]:
        made = []
        for number in range(count):
            part = tmp_path / f"part-{number}"
            write_adapter(part, BASE, seed=number, rank=2, modules=["o_proj"], layers=[0])
            folder = tmp_path / "compositions" / f"sport-{number}"
            compose([Part(AdapterPackage.open(part))], BASE, folder)
            made.append(AdapterRef(folder.name, folder))
        return made

    return make


@pytest.fixture
def adapter(make_adapters: MakeAdapters) -> AdapterRef:
    [made] = make_adapters(1)
    return made


def quick(**seconds: float) -> Timeouts:
    """Deadlines for tests in which something has to be waited for."""
    return Timeouts(**{"poll_interval": 0.05, "fair_wait": 0.1, **seconds})
