"""How the doctor compares a server with what a mind needs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.answering.composer import Composer
from bot.cli.doctor.report import Finding
from bot.cli.doctor.requirements import MindRequirements
from bot.cli.doctor.server_fit import TESTED_SGLANG_VERSION, ServiceRequirements, compare_server
from bot.cli.doctor.servers import ExposedKeys, ServerInfo
from bot.core.i18n import Translator
from inference.engines.remote.client import ApiKeys
from inference.engines.sglang.api import ServerLimits

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
BOTH = ExposedKeys(api_key="for answers", admin_api_key="for adapters")
URL = "http://a:30000"


def server_info(keys: ExposedKeys = BOTH, **limits: Any) -> ServerInfo:
    """A server that fits the demo mind, except for the given limits."""
    fitting = {
        "version": TESTED_SGLANG_VERSION,
        "served_name": "SmolLM2-135M-Instruct",
        "model_path": "/models/base",
        "enable_lora": True,
        "backend": "csgmv",
        "max_rank": 32,
        "modules": frozenset(ALL),
        "slots": 8,
        "max_loaded": 16,
        "input_tokens": 8186,
        "cache_tokens": 20000,
    }
    return ServerInfo(URL, ServerLimits(**(fitting | limits)), 3, keys)


@pytest.fixture
def requirements(composer: Composer) -> ServiceRequirements:
    keys = ApiKeys("for answers", "for adapters")
    return ServiceRequirements(
        keys,
        mind_requirements=MindRequirements.from_composer(composer),
        base_model="SmolLM2-135M-Instruct",
        base_folder=Path("/cache/SmolLM2-1"),
        context_tokens=3232,
    )


def compare(server: ServerInfo, requirements: ServiceRequirements) -> Finding:
    return compare_server(server, requirements, Translator("en"))


def only(lines: Any) -> str:
    (line,) = lines
    return str(line)


def test_fitting_server(requirements: ServiceRequirements) -> None:
    finding = compare(server_info(), requirements)
    assert finding.problems == finding.warnings == []
    facts = "\n".join(finding.facts)
    for part in (
        f"{URL}: SGLang {TESTED_SGLANG_VERSION} serves SmolLM2-135M-Instruct (from /models/base)",
        "ranks up to 32 of down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj",
        "8 slots; 3 of 16 adapters in memory; csgmv, without overlapped loading",
        "prompts up to 8186 tokens; 20000 tokens in the prefix cache",
        "API key: set; admin key: set",
    ):
        assert part in facts
    assert "for a" not in facts, "no key is shown"


def test_unknown_limits_are_not_shown_as_numbers(requirements: ServiceRequirements) -> None:
    finding = compare(
        server_info(max_rank=None, modules=None, max_loaded=None, input_tokens=None, cache_tokens=None), requirements
    )
    assert "None" not in "\n".join(finding.facts)
    assert finding.problems == []
    assert "--max-lora-rank and --lora-target-modules" in only(finding.warnings)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"enable_lora": False}, "--enable-lora"),
        ({"dp_size": 2}, "no data parallelism"),
        ({"served_name": "Qwen3-30B-A3B"}, "serves Qwen3-30B-A3B, and the mind runs on SmolLM2-135M-Instruct"),
    ],
)
def test_what_cannot_work_is_a_problem(
    requirements: ServiceRequirements, limits: dict[str, Any], expected: str
) -> None:
    assert expected in only(compare(server_info(**limits), requirements).problems)


@pytest.mark.parametrize(
    ("served", "path"),
    [
        ("HuggingFaceTB/SmolLM2-135M-instruct", "/models/base"),
        ("any", "/srv/SmolLM2-135M-Instruct/"),
        ("any", "/other/cache/SmolLM2-1"),
    ],
)
def test_same_model_under_another_owner_or_folder(requirements: ServiceRequirements, served: str, path: str) -> None:
    assert compare(server_info(served_name=served, model_path=path), requirements).problems == []


def test_missing_modules_are_shown_with_the_whole_flag(requirements: ServiceRequirements) -> None:
    finding = compare(server_info(modules=frozenset({"q_proj", "k_proj", "gate_proj"})), requirements)
    problem = only(finding.problems)
    assert requirements.mind_requirements is not None
    flags = re.search(r"--lora-target-modules (.*)", problem)
    assert flags is not None
    assert set(flags[1].split()) == requirements.mind_requirements.modules | {"q_proj", "k_proj", "gate_proj"}
    assert "gate_proj" not in problem.split(", which")[0]


def test_modules_that_no_server_has_lora_for_are_told_and_not_asked_for(requirements: ServiceRequirements) -> None:
    needs = requirements.mind_requirements
    assert needs is not None
    text, mode = next(iter(needs.modes.items()))
    needs.modes[text] = replace(mode, modules=mode.modules | {"conv.in_proj", "w1"})
    problem = only(compare(server_info(), requirements).problems)
    assert "conv.in_proj, w1" in problem
    assert "CONSILIUM_ENGINE=local" in problem


@pytest.mark.parametrize(
    ("ours", "passes"),
    [
        (ApiKeys("for answers", "for adapters"), True),
        (ApiKeys("for adapters", None), True),  # used for both
        (ApiKeys("for answers", None), False),
        (ApiKeys("for answers", "another"), False),
    ],
)
def test_another_admin_key_is_a_problem(requirements: ServiceRequirements, ours: ApiKeys, passes: bool) -> None:
    finding = compare(server_info(), ServiceRequirements(ours, mind_requirements=requirements.mind_requirements))
    assert ["admin key" in problem for problem in finding.problems] == ([] if passes else [True])


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (ExposedKeys(), "Everybody who reaches the server"),
        (ExposedKeys(api_key="for answers"), "Everybody with the API key"),
        (ExposedKeys(admin_api_key="for adapters"), "shows its admin key to everybody"),
    ],
)
def test_missing_keys_are_warned_of(requirements: ServiceRequirements, keys: ExposedKeys, expected: str) -> None:
    finding = compare(server_info(keys), requirements)
    assert finding.problems == []
    assert expected in only(finding.warnings)
    assert "CONSILIUM_SGLANG_ADMIN_KEY" in only(finding.warnings)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"version": "0.6.0"}, f"This is SGLang 0.6.0, and Consilium is tested with {TESTED_SGLANG_VERSION}"),
        ({"max_rank": 12}, "truncated: 3 of 5, and core+sport from rank 16 to 12"),
        ({"max_rank": 12}, "--max-lora-rank 16"),
        ({"slots": 1}, "--max-loras-per-batch 2"),
        ({"max_loaded": 4}, "--max-loaded-loras 5"),
        ({"input_tokens": 2000}, "3232 tokens, but the server accepts 2000"),
    ],
)
def test_tight_limits_are_warned_of_with_the_flag(
    requirements: ServiceRequirements, limits: dict[str, Any], expected: str
) -> None:
    finding = compare(server_info(**limits), requirements)
    assert finding.problems == []
    assert expected in only(finding.warnings)


def test_own_rank_limit_names_our_setting(requirements: ServiceRequirements) -> None:
    ours = ServiceRequirements(requirements.keys, mind_requirements=requirements.mind_requirements, max_rank=10)
    assert "CONSILIUM_MAX_RANK=16" in only(compare(server_info(), ours).warnings)


def test_overlapped_loading_needs_more_slots(requirements: ServiceRequirements) -> None:
    (warning,) = compare(server_info(max_loaded=4, slots=2, overlap=True), requirements).warnings
    assert "--max-loaded-loras 5 --max-loras-per-batch 3" in warning


def test_unreadable_mind_needs_nothing() -> None:
    finding = compare(
        server_info(served_name="any", modules=frozenset({"q_proj"}), max_rank=1),
        ServiceRequirements(ApiKeys("a", "for adapters")),
    )
    assert finding.problems == finding.warnings == []


def test_tested_version_is_the_installed_one() -> None:
    environment = Path(__file__).resolve().parents[4] / "deploy" / "sglang" / "environment.sh"
    assert f"ENGINE_VERSION={TESTED_SGLANG_VERSION}\n" in environment.read_text()
