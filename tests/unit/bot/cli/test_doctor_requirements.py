"""What the doctor counts as a mind's needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bot.answering.composer import Composer
from bot.cli.doctor.requirements import MindRequirements
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from bot.minds.schema import NamedMode
from inference.adapters.resident_list import ResidentEntry, update_resident_list


def with_modes(composer: Composer, **modes: str) -> Composer:
    named = {name: NamedMode(mode=mode) for name, mode in modes.items()}
    names = dict(composer.mind.names) | {name: name for name in named}
    mind = replace(composer.mind, modes=named, names=names)
    return Composer(mind, composer.base, composer.packages, composer.manifests, store=composer.store, max_rank=None)


def test_each_adapter_and_named_mode_counts_once(composer: Composer) -> None:
    needs = MindRequirements.from_composer(composer)
    assert {text: mode.rank for text, mode in needs.modes.items()} == {
        "core": 8,
        "core+sport": 16,  # also “coach”
        "core+physics": 16,
        "classical": 8,
        "core+physics*0.7": 16,
    }
    assert len(needs.usual_compositions(None)) == 5


def test_largest_mode_agrees_with_its_composition(composer: Composer) -> None:
    composer = with_modes(composer, all="core+sport+physics")
    needs = MindRequirements.from_composer(composer)
    mode, rank = needs.largest_mode
    composition = composer.compose(resolve_mode(parse_expression(mode), composer.mind))
    assert composition is not None
    assert rank == composition.report.rank == 24
    assert needs.modes[mode].modules == set(composition.report.modules)
    assert composition.name in needs.usual_compositions(None)
    assert composition.name not in needs.usual_compositions(16)


def test_ranks_of_separate_bands_are_not_added(composer: Composer) -> None:
    needs = MindRequirements.from_composer(with_modes(composer, separate="core@early+sport@late"))
    assert needs.modes["core@early+sport@late"].rank == 8


def test_band_outside_the_base_model_is_no_mode(composer: Composer) -> None:
    assert "core@90-99" not in MindRequirements.from_composer(with_modes(composer, beyond="core@90-99")).modes


def test_prepared_compositions_count(composer: Composer) -> None:
    before = MindRequirements.from_composer(composer)
    assert len(before.pinned_compositions(None)) == 1
    (core,) = before.pinned_compositions(None)
    prepared = [
        ResidentEntry(name=core, pinned=True, mind="agoge"),
        ResidentEntry(name="c-" + "1" * 32, pinned=True, mind="other"),
        ResidentEntry(name="c-" + "2" * 32, pinned=False, mind="other"),
    ]
    composer.store.root.mkdir()
    update_resident_list(composer.store.root, "agoge", prepared, datetime.now(UTC))
    after = MindRequirements.from_composer(composer)
    assert after.usual_compositions(None) == before.usual_compositions(None) | {"c-" + "1" * 32, "c-" + "2" * 32}
    assert after.pinned_compositions(None) == {core, "c-" + "1" * 32}
