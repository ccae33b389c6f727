"""Five hundred hostile adapters asked of a real server: each is refused with its reason; the server sees none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from inference.adapters.compose import compose
from inference.adapters.errors import AdapterError
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.safe_form import check_safe_form
from inference.adapters.usage import AdapterRef
from inference.base_model import BaseModelSpec
from inference.engines.errors import AdapterNotLoadable
from inference.engines.port import GenerationRequest, Message, Sampling, TextDelta
from inference.engines.sglang import SGLangEngine
from tests.fakes.adapters import SMOLLM2, write_adapter
from tests.fakes.hostile.files import MARKER, remove_tree
from tests.fakes.hostile.seeded import hostile
from tests.fixtures.sglang import START_TIMEOUT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.sglang import RunningSGLang

SEED, COUNT = 20260, 500

pytestmark = [pytest.mark.sglang, pytest.mark.timeout(START_TIMEOUT + COUNT)]


def make_engine(server: RunningSGLang, base_model_dir: Path) -> SGLangEngine:
    return SGLangEngine(server.url, SMOLLM2.name, base_model_dir, admin_key=server.admin_key)


async def ask(engine: SGLangEngine, adapter: AdapterRef | None) -> str:
    request = GenerationRequest(
        [Message("user", "How do I sleep better?")], adapter, Sampling(max_tokens=8, temperature=0)
    )
    return "".join([event.text async for event in engine.generate(request) if isinstance(event, TextDelta)])


async def listed(server: RunningSGLang) -> set[str]:
    """Everything the server says it can answer with."""
    async with httpx.AsyncClient() as client:
        reply = await client.get(f"{server.url}/v1/models")
    return {model["id"] for model in reply.raise_for_status().json()["data"]}


async def test_no_hostile_adapter_reaches_the_server(
    sglang: RunningSGLang, base_model_dir: Path, tmp_path: Path
) -> None:
    base = BaseModelSpec.from_config(base_model_dir / "config.json", SMOLLM2.name)
    write_adapter(tmp_path / "part", base, rank=2, size=0.2)
    compose([Part(AdapterPackage.open(tmp_path / "part"))], base, tmp_path / "sound-hostile")
    sound = AdapterRef("sound-hostile", tmp_path / "sound-hostile")
    engine = make_engine(sglang, base_model_dir)
    try:
        await engine.start()
        plain = await ask(engine, None)
        before = await listed(sglang)
        for number, package in enumerate(hostile(SEED, COUNT, base)):
            folder = tmp_path / f"hostile-{number}"
            await asyncio.to_thread(package.write, folder)
            with pytest.raises(AdapterNotLoadable) as refused:
                await ask(engine, AdapterRef(folder.name, folder))
            with pytest.raises(AdapterError) as reason:
                await asyncio.to_thread(check_safe_form, folder, base)
            assert reason.value.sentence.format(**reason.value.details).rstrip(".") in str(refused.value), package.label
            assert str(refused.value).isprintable(), package.label
            await asyncio.to_thread(remove_tree, folder)
        assert await listed(sglang) == before
        assert sglang.alive
        assert "hostile-" not in sglang.log.read_text(errors="replace").replace(sound.name, "")
        assert await ask(engine, sound) != plain
        assert await ask(engine, None) == plain
        assert await listed(sglang) >= before | {sound.name}
    finally:
        await engine.close()
    assert not (tmp_path / MARKER).exists()
