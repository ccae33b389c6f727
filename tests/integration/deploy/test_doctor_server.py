"""What the doctor says of the real server, started from the profile `cpu`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.app.components import open_composer
from bot.app.settings import DEMO_MIND, Settings
from bot.cli.doctor.requirements import MindRequirements
from bot.cli.doctor.server_fit import TESTED_SGLANG_VERSION, ServiceRequirements, compare_server
from bot.cli.doctor.servers import find_servers, inspect_server
from bot.core.i18n import Translator
from bot.minds import load_mind
from inference.engines.remote.client import ApiKeys
from tests.fixtures.sglang import START_TIMEOUT, RunningSGLang, StartRouter

pytestmark = [pytest.mark.sglang, pytest.mark.timeout(START_TIMEOUT + 120)]


async def test_the_demo_mind_fits_the_server_of_the_cpu_profile(
    sglang: RunningSGLang, base_model_dir: Path, tmp_path: Path
) -> None:
    mind = load_mind(DEMO_MIND)
    settings = Settings(cache_dir=tmp_path)
    needs = MindRequirements.from_composer(open_composer(settings, mind, base_model_dir))
    keys = ApiKeys(admin=sglang.admin_key)

    found = await find_servers(sglang.url, keys)
    assert (found.ready, found.unhealthy, found.has_router) == ([sglang.url], [], False)
    sight = await inspect_server(sglang.url, keys)
    tokens = settings.prompt_tokens + mind.sampling.max_tokens
    told = compare_server(
        sight,
        ServiceRequirements(
            keys,
            mind_requirements=needs,
            base_model=mind.base_model,
            base_folder=base_model_dir,
            context_tokens=tokens,
        ),
        Translator("en"),
    )

    assert told.problems == []
    said = "\n".join(told.facts)
    assert f"SGLang {TESTED_SGLANG_VERSION} serves" in said
    assert "ranks up to 32 of down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj" in said
    assert "8 slots" in said
    assert "of 16 adapters in memory; torch_native, without overlapped loading" in said
    assert "20000 tokens in the prefix cache" in said
    assert "API key: none; admin key: set" in said
    assert "?" not in said
    (warning,) = told.warnings
    assert "shows its admin key to everybody" in warning

    other = compare_server(sight, ServiceRequirements(ApiKeys(admin="another")), Translator("en"))
    assert "admin key" in "\n".join(other.problems)


async def test_the_servers_behind_a_router_are_found(sglang: RunningSGLang, start_router: StartRouter) -> None:
    router = await asyncio.to_thread(start_router, [sglang.url])
    found = await find_servers(router.url, ApiKeys(admin=sglang.admin_key))
    assert (found.ready, found.unhealthy, found.has_router) == ([sglang.url], [], True)
