"""Whether a server and a mind fit each other, as the doctor tells it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bot.answering.composer import Composer
from bot.cli.doctor.report import Finding
from bot.cli.doctor.requirements import MindRequirements
from bot.cli.doctor.server_fit import TESTED_SGLANG_VERSION, ServiceRequirements, compare_server
from bot.cli.doctor.servers import ExposedKeys, ServerInfo
from bot.core.i18n import Translator
from inference.engines.sglang.api import ServerLimits
from inference.engines.sglang.client import ApiKeys

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
BOTH = ExposedKeys(api_key="for answers", admin_api_key="for adapters")
URL = "http://a:30000"


def sight(keys: ExposedKeys = BOTH, **limits: Any) -> ServerInfo:
    """A server that fits the demo mind, but for what is said of it."""
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
def wanted(composer: Composer) -> ServiceRequirements:
    keys = ApiKeys("for answers", "for adapters")
    return ServiceRequirements(
        keys, MindRequirements.from_composer(composer), "SmolLM2-135M-Instruct", Path("/cache/SmolLM2-1"), None, 3232
    )


def told(seen: ServerInfo, wanted: ServiceRequirements) -> Finding:
    return compare_server(seen, wanted, Translator("en"))


def only(lines: Any) -> str:
    (line,) = lines
    return str(line)


def test_a_fitting_server_is_told_in_full(wanted: ServiceRequirements) -> None:
    found = told(sight(), wanted)
    assert found.problems == found.warnings == []
    said = "\n".join(found.facts)
    for part in (
        f"{URL}: SGLang {TESTED_SGLANG_VERSION} serves SmolLM2-135M-Instruct (from /models/base)",
        "ranks up to 32 of down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj",
        "8 slots; 3 of 16 adapters in memory; csgmv, without overlapped loading",
        "prompts up to 8186 tokens; 20000 tokens in the prefix cache",
        "API key: set; admin key: set",
    ):
        assert part in said
    assert "for a" not in said, "no key is shown"


def test_what_a_server_does_not_say_is_no_number(wanted: ServiceRequirements) -> None:
    found = told(sight(max_rank=None, modules=None, max_loaded=None, input_tokens=None, cache_tokens=None), wanted)
    assert "None" not in "\n".join(found.facts)
    assert found.problems == []
    assert "--max-lora-rank and --lora-target-modules" in only(found.warnings)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"enable_lora": False}, "--enable-lora"),
        ({"dp_size": 2}, "no data parallelism"),
        ({"served_name": "Qwen3-30B-A3B"}, "serves Qwen3-30B-A3B, and the mind runs on SmolLM2-135M-Instruct"),
    ],
)
def test_what_cannot_work_is_a_misfit(wanted: ServiceRequirements, limits: dict[str, Any], said: str) -> None:
    assert said in only(told(sight(**limits), wanted).problems)


@pytest.mark.parametrize(
    ("served", "path"),
    [
        ("HuggingFaceTB/SmolLM2-135M-instruct", "/models/base"),
        ("any", "/srv/SmolLM2-135M-Instruct/"),
        ("any", "/other/cache/SmolLM2-1"),
    ],
)
def test_the_same_model_may_go_by_another_owner_or_folder(wanted: ServiceRequirements, served: str, path: str) -> None:
    assert told(sight(served_name=served, model_path=path), wanted).problems == []


def test_missing_modules_come_with_the_whole_flag(wanted: ServiceRequirements) -> None:
    found = told(sight(modules=frozenset({"q_proj", "k_proj", "gate_proj"})), wanted)
    misfit = only(found.problems)
    assert wanted.mind_requirements is not None
    flags = re.search(r"--lora-target-modules (.*)", misfit)
    assert flags is not None
    assert set(flags[1].split()) == wanted.mind_requirements.modules | {"q_proj", "k_proj", "gate_proj"}
    assert "gate_proj" not in misfit.split(", which")[0]


@pytest.mark.parametrize(
    ("ours", "passes"),
    [
        (ApiKeys("for answers", "for adapters"), True),
        (ApiKeys("for adapters", None), True),  # the link takes it for both
        (ApiKeys("for answers", None), False),
        (ApiKeys("for answers", "another"), False),
    ],
)
def test_an_admin_key_that_is_not_ours_is_a_misfit(wanted: ServiceRequirements, ours: ApiKeys, passes: bool) -> None:
    found = told(sight(), ServiceRequirements(ours, wanted.mind_requirements))
    assert ["admin key" in misfit for misfit in found.problems] == ([] if passes else [True])


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (ExposedKeys(), "Anybody who reaches the server"),
        (ExposedKeys(api_key="for answers"), "Whoever may ask the server for answers"),
        (ExposedKeys(admin_api_key="for adapters"), "shows its admin key to anybody"),
    ],
)
def test_open_doors_are_warned_of_with_the_variable_to_set(
    wanted: ServiceRequirements, keys: ExposedKeys, said: str
) -> None:
    found = told(sight(keys), wanted)
    assert found.problems == []
    assert said in only(found.warnings)
    assert "CONSILIUM_SGLANG_ADMIN_KEY" in only(found.warnings)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"version": "0.6.0"}, f"This is SGLang 0.6.0, and Consilium was checked against {TESTED_SGLANG_VERSION}"),
        ({"max_rank": 12}, "cut: 3 of 5, and core+sport from rank 16 to 12"),
        ({"max_rank": 12}, "--max-lora-rank 16"),
        ({"slots": 1}, "--max-loras-per-batch 2"),
        ({"max_loaded": 4}, "--max-loaded-loras 5"),
        ({"input_tokens": 2000}, "3232 tokens, and the server takes 2000"),
    ],
)
def test_what_is_tight_is_a_warning_and_says_the_flag(
    wanted: ServiceRequirements, limits: dict[str, Any], said: str
) -> None:
    found = told(sight(**limits), wanted)
    assert found.problems == []
    assert said in only(found.warnings)


def test_our_own_limit_of_the_rank_is_told_as_ours(wanted: ServiceRequirements) -> None:
    ours = ServiceRequirements(wanted.keys, wanted.mind_requirements, max_rank=10)
    assert "CONSILIUM_MAX_RANK=16" in only(told(sight(), ours).warnings)


def test_more_in_memory_with_overlap_needs_more_slots(wanted: ServiceRequirements) -> None:
    (warning,) = told(sight(max_loaded=4, slots=2, overlap=True), wanted).warnings
    assert "--max-loaded-loras 5 --max-loras-per-batch 3" in warning


def test_a_mind_that_cannot_be_read_asks_for_nothing() -> None:
    found = told(
        sight(served_name="any", modules=frozenset({"q_proj"}), max_rank=1),
        ServiceRequirements(ApiKeys("a", "for adapters")),
    )
    assert found.problems == found.warnings == []


def test_the_version_checked_against_is_the_one_that_is_installed() -> None:
    environment = Path(__file__).resolve().parents[4] / "deploy" / "sglang" / "environment.sh"
    assert f"SGLANG_VERSION={TESTED_SGLANG_VERSION}\n" in environment.read_text()
