"""Unloading after requests for several answers and after aborted streams, which others have seen to hang for ever."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import httpx
import pytest

from bot.app.settings import DEMO_MIND
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from inference.base_model import BaseModelSpec
from tests.fixtures.sglang import START_TIMEOUT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.sglang import RunningSGLang

ROUNDS = 50 if os.environ.get("CONSILIUM_LONG") == "1" else 5
DEADLINE = 60.0
"""Seconds for one unload, which takes a fraction of one."""

pytestmark = [pytest.mark.sglang, pytest.mark.long, pytest.mark.timeout(START_TIMEOUT + ROUNDS * DEADLINE)]


async def test_no_unload_hangs_after_several_answers_and_aborted_streams(
    sglang: RunningSGLang, base_model_dir: Path, tmp_path: Path
) -> None:
    base = BaseModelSpec.from_config(base_model_dir / "config.json", "SmolLM2-135M-Instruct")
    core = Part(AdapterPackage.open(DEMO_MIND / "adapters" / "core"))
    adapter = await asyncio.to_thread(CompositionStore(tmp_path).get_or_compose, [core], base)
    admin = {"Authorization": f"Bearer {sglang.admin_key}"}
    chat = {
        "model": f"{sglang.model}:{adapter.name}",
        "messages": [{"role": "user", "content": "How should I train for a marathon?"}],
        "temperature": 1.0,
    }
    async with httpx.AsyncClient(base_url=sglang.url, timeout=START_TIMEOUT, trust_env=False) as client:

        async def move(verb: str, **body: str) -> None:
            async with asyncio.timeout(DEADLINE):
                reply = await client.post(
                    f"/{verb}_lora_adapter", json={"lora_name": adapter.name} | body, headers=admin
                )
            assert reply.json()["success"], reply.text

        async def abort_a_stream() -> None:
            async with client.stream("POST", "/v1/chat/completions", json=chat | {"stream": True}) as response:
                assert response.status_code == 200
                async for line in response.aiter_lines():
                    if line:
                        return

        async def several_answers() -> None:
            reply = await client.post("/v1/chat/completions", json=chat | {"n": 2, "max_tokens": 2})
            assert len(reply.json()["choices"]) == 2

        for _ in range(ROUNDS):
            await move("load", lora_path=str(adapter.path))
            await asyncio.gather(several_answers(), abort_a_stream(), abort_a_stream())
            await move("unload")
