"""One adapter that cannot be used is out of service alone: the mind opens, and what does not need it answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.answering.composer import Composer
from bot.app.settings import DEMO_MIND
from bot.cli.doctor.requirements import MindRequirements
from bot.minds import load_mind
from bot.minds.errors import AdapterOutOfService
from bot.minds.grammar import parse_expression
from bot.minds.resolve import ResolvedMode, resolve_mode
from inference.adapters.errors import AdapterUnsupported, PackageUnreadable, WeightsDamaged, WrongBaseModel
from inference.adapters.store import CompositionStore
from tests.fakes.adapters import SMOLLM2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(DEMO_MIND, tmp_path / "mind")


def opened(folder: Path) -> Composer:
    return Composer.open(load_mind(folder), SMOLLM2, CompositionStore(folder / "compositions"))


def mode(composer: Composer, text: str) -> ResolvedMode:
    return resolve_mode(parse_expression(text), composer.mind)


def cut(folder: Path) -> None:
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def remove_weights(folder: Path) -> None:
    (folder / "adapter_model.safetensors").unlink()


def set_in_config(**settings: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = folder / "adapter_config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | settings))

    return change


def rename_base(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"base_model": "Qwen/Qwen3-0.6B"}))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut, WeightsDamaged),
        (remove_weights, PackageUnreadable),
        (set_in_config(use_dora=True), AdapterUnsupported),
        (rename_base, WrongBaseModel),
    ],
)
def test_one_unfit_adapter_is_out_of_service_alone(
    folder: Path, damage: Callable[[Path], None], reason: type[Exception]
) -> None:
    damage(folder / "adapters" / "sport")
    with capture_logs() as logs:
        composer = opened(folder)
    assert set(composer.packages) == {"core", "physics", "classical"}
    assert isinstance(composer.unfit["sport"], reason)
    assert [(log["event"], log["adapter"]) for log in logs] == [("adapter.out_of_service", "sport")]
    assert composer.compose(mode(composer, "physics+core")) is not None
    for text in ("sport", "sport*0.7+core", "physics+sport"):
        assert not composer.is_in_service(mode(composer, text))
        with pytest.raises(AdapterOutOfService, match="sport is out of service") as refused:
            composer.validate(mode(composer, text))
        assert "physics" in refused.value.alternatives
        assert not {"sport", text} & set(refused.value.alternatives)
        assert str(folder) not in str(refused.value), "people are not told of the operator's folders"
        for alternative in refused.value.alternatives:
            composer.validate(mode(composer, alternative))


def test_without_its_core_a_mind_still_has_what_stands_alone(folder: Path) -> None:
    cut(folder / "adapters" / "core")
    composer = opened(folder)
    composer.validate(mode(composer, "base"))
    composer.validate(mode(composer, "classical"))
    with pytest.raises(AdapterOutOfService, match="core is out of service"):
        composer.validate(mode(composer, "sport"))
    assert set(MindRequirements.from_composer(composer).modes) == {"classical"}


def test_the_doctor_counts_with_no_adapter_in_service(folder: Path) -> None:
    for adapter in ("core", "sport", "physics", "classical"):
        cut(folder / "adapters" / adapter)
    needs = MindRequirements.from_composer(opened(folder))
    assert needs.largest_mode == ("base", 0)
    assert needs.modules == frozenset()
