"""`consilium doctor` for a service that answers with SGLang servers."""

from __future__ import annotations

import asyncio

from tests.acceptance.conftest import Ended, Home
from tests.fakes.embedding_server import EmbeddingServer
from tests.fakes.sglang_router import SGLangRouter
from tests.fakes.sglang_server import SGLangServer

API_KEY, ADMIN_KEY = "for-answers", "for-adapters"
BASE = "SmolLM2-135M-Instruct"


async def doctor(home: Home, url: str, **more: str) -> Ended:
    """What it says of these servers. Embeddings come from a server as well: loading a model would take seconds."""
    embeddings = EmbeddingServer()
    variables = {
        "CONSILIUM_EMBEDDING_MODEL": embeddings.model,
        "CONSILIUM_ENGINE": "sglang",
        "CONSILIUM_SGLANG_URL": url,
        "CONSILIUM_SGLANG_API_KEY": API_KEY,
        "CONSILIUM_SGLANG_ADMIN_KEY": ADMIN_KEY,
    }
    async with embeddings.serving() as embedder:
        return await asyncio.to_thread(home.run, "doctor", CONSILIUM_EMBEDDING_URL=embedder, **(variables | more))


async def test_fitting_server_passes_and_its_keys_stay_secret(home: Home) -> None:
    server = SGLangServer(base=BASE, api_key=API_KEY, admin_key=ADMIN_KEY)
    async with server.serving() as url:
        ended = await doctor(home, url)
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.count("✓") == 9
    assert "!" not in ended.out
    assert f"{url}: SGLang 0.5.23 serves {BASE}" in ended.out
    assert "the mind needs ranks up to 16 (core+" in ended.out
    assert "0 of 16 adapters in memory" in ended.out
    assert API_KEY not in ended.out
    assert ADMIN_KEY not in ended.out
    assert server.loads == server.unloads == []


async def test_unfit_server_behind_a_router_fails(home: Home) -> None:
    tight = SGLangServer(base=BASE, api_key=API_KEY, admin_key=ADMIN_KEY, max_rank=12, version="0.6.0")
    small = SGLangServer(base=BASE, api_key=API_KEY, admin_key=ADMIN_KEY, modules=["q_proj"])
    gone = "http://127.0.0.1:9"
    async with (
        tight.serving() as first,
        small.serving() as second,
        SGLangRouter({first: True, second: True, gone: False}, api_key=API_KEY).serving() as url,
    ):
        ended = await doctor(home, url)
    assert ended.code == 1
    assert "1 of 10 checks failed" in ended.err
    assert "ready servers: 2" in ended.out
    assert f"The router sends nothing to {gone}." in ended.out
    assert "tested with 0.5.23" in ended.out
    assert "--max-lora-rank 16" in ended.out
    assert f"✗ server      {second}" in ended.out
    assert "--lora-target-modules down_proj gate_proj k_proj o_proj q_proj up_proj v_proj" in ended.out
    assert ended.out.count("✗") == 2, "the server, and what is wrong with it"


async def test_server_unavailable_or_with_another_key(home: Home) -> None:
    away = await doctor(home, "http://127.0.0.1:9", CONSILIUM_LANGUAGE="ru")
    assert away.code == 1
    assert "Движок по адресу http://127.0.0.1:9 недоступен" in away.out
    server = SGLangServer(base=BASE, api_key="another", admin_key=ADMIN_KEY)
    async with server.serving() as url:
        refused = await doctor(home, url)
    assert refused.code == 1
    assert f"The engine at {url} does not accept the API key." in refused.out
    assert "Traceback" not in refused.out + refused.err
