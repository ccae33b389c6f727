"""Exchanging the adapters that a mind answers with: gated, whole or not at all, and back again."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.authoring.promotion import finish_promotion, live_version, promote, roll_back
from bot.authoring.version_errors import (
    AdaptersUnsound,
    BreaksLimits,
    EvaluationsDiffer,
    NoCandidate,
    NoEarlierVersion,
    NotEvaluated,
    VersionDamaged,
    VersionUnknown,
)
from bot.minds import Mind, load_mind
from bot.minds.versions import candidate_folders, list_versions, read_promotion, version_folder
from tests.fixtures.versioned_minds import add_candidate, live_digests, make_mind, write_figures


@pytest.fixture
def mind(tmp_path: Path) -> Mind:
    return make_mind(tmp_path / "mind")


def ready(mind: Mind, seed: int = 9) -> None:
    """A candidate that passes the gate."""
    write_figures(mind)
    add_candidate(mind, seed=seed)
    write_figures(mind, candidate=True)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in files(folder)}


def test_a_candidate_is_promoted_with_the_rest_that_is_in_use(mind: Mind) -> None:
    before = live_digests(mind.folder)
    ready(mind)
    version = promote(mind, note="more dialogues")
    after = live_digests(mind.folder)
    assert after["sport"] == before["sport"]
    assert after["core"] != before["core"]
    assert [(each.number, each.adapters, each.follows, each.note) for each in list_versions(mind.folder)] == [
        (1, before, None, ""),
        (2, after, 1, "more dialogues"),
    ]
    assert version == live_version(mind)
    assert not candidate_folders(mind)
    assert not (mind.folder / "candidate").exists()
    assert files(mind.folder / "adapters") == {
        f"{name}/{file}" for name in ("core", "sport") for file in ("adapter_config.json", "adapter_model.safetensors")
    }
    assert contents(version_folder(mind.folder, 2) / "core") == contents(mind.folder / "adapters" / "core")


def test_a_roll_back_gives_every_byte_back_and_can_be_rolled_back_itself(mind: Mind) -> None:
    first = contents(mind.folder / "adapters")
    ready(mind)
    promote(mind)
    second = contents(mind.folder / "adapters")
    assert roll_back(mind).number == 1
    assert contents(mind.folder / "adapters") == first
    with pytest.raises(NoEarlierVersion):
        roll_back(mind)
    assert roll_back(mind, 2).number == 2
    assert contents(mind.folder / "adapters") == second


def test_what_was_in_use_before_is_what_a_roll_back_gives_not_the_number_before(mind: Mind) -> None:
    ready(mind)
    promote(mind)
    roll_back(mind)
    ready(mind, seed=10)
    assert promote(mind).number == 3
    assert roll_back(mind).number == 1


def test_adapters_that_were_exchanged_by_hand_are_put_away_before_a_roll_back(mind: Mind) -> None:
    ready(mind)
    promote(mind)
    add_candidate(mind, seed=20)
    shutil.rmtree(mind.folder / "adapters" / "core")
    (mind.folder / "candidate" / "core").rename(mind.folder / "adapters" / "core")
    by_hand = live_digests(mind.folder)
    assert live_version(mind) is None
    assert roll_back(mind).number == 2
    assert roll_back(mind, 3).adapters == by_hand


def test_the_gate_wants_figures_of_exactly_these_adapters_and_of_those_in_use(mind: Mind) -> None:
    before = contents(mind.folder)
    with pytest.raises(NoCandidate):
        promote(mind)
    add_candidate(mind)
    with pytest.raises(NotEvaluated, match=r"candidate.*mind eval .* --candidate"):
        promote(mind)
    write_figures(mind, candidate=True)
    with pytest.raises(NotEvaluated, match="in use"):
        promote(mind)
    write_figures(mind, questions=7)
    with pytest.raises(EvaluationsDiffer):
        promote(mind)
    write_figures(mind)
    add_candidate(mind, seed=11)
    with pytest.raises(NotEvaluated):
        promote(mind)
    assert contents(mind.folder / "adapters") == {
        name.removeprefix("adapters/"): content for name, content in before.items() if name.startswith("adapters/")
    }
    assert not list_versions(mind.folder)


def test_the_gate_wants_every_adapter_of_the_candidate_measured(mind: Mind) -> None:
    ready(mind)
    evaluation = write_figures(mind, candidate=True)
    file = mind.folder / "candidate" / "evaluation.json"
    file.write_text(evaluation.model_copy(update={"modes": {"core": evaluation.modes["core"]}}).model_dump_json())
    with pytest.raises(NotEvaluated):
        promote(mind)


def test_the_gate_refuses_what_is_worse_and_says_in_what(mind: Mind) -> None:
    write_figures(mind)
    add_candidate(mind)
    write_figures(mind, candidate=True, gain=0.2)
    before = live_digests(mind.folder)
    with pytest.raises(BreaksLimits) as refused:
        promote(mind)
    assert {breach.measure for breach in refused.value.found} == {"below_live"}
    assert "has learnt less than the one in use" in str(refused.value)
    assert live_digests(mind.folder) == before
    assert candidate_folders(mind), "it stays, to be looked at"


def test_what_cannot_be_used_is_not_promoted_nor_rolled_back_to(mind: Mind) -> None:
    ready(mind)
    weights = mind.folder / "candidate" / "core" / "adapter_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1])
    with pytest.raises(AdaptersUnsound, match="core"):
        promote(mind)
    weights.write_bytes(whole)
    promote(mind)
    with pytest.raises(VersionUnknown, match="1, 2"):
        roll_back(mind, 3)
    before = contents(mind.folder / "adapters")
    put_away = version_folder(mind.folder, 1) / "core" / "adapter_model.safetensors"
    put_away.write_bytes(put_away.read_bytes()[:-2] + b"\1\1")
    with pytest.raises(VersionDamaged):
        roll_back(mind)
    assert contents(mind.folder / "adapters") == before


def test_a_mind_whose_adapters_in_use_are_gone_takes_the_candidate(mind: Mind) -> None:
    add_candidate(mind, "core")
    add_candidate(mind, "sport", seed=12)
    shutil.rmtree(mind.folder / "adapters")
    mind = load_mind(mind.folder, require_adapters=False)
    write_figures(mind, candidate=True)
    assert promote(mind).number == 1
    assert live_digests(mind.folder).keys() == {"core", "sport"}


STRIDE = 1 if os.environ.get("CONSILIUM_LONG") == "1" else 3
"""In the short form every third step is tried."""
STEPS = frozenset({"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link"})
"""Events of Python's audit hooks before which a process is killed, if they are about the mind."""


def is_step(event: str, arguments: tuple[object, ...]) -> bool:
    """Whether something on the disk is about to change."""
    if event != "open":
        return event in STEPS
    flags = arguments[2]
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


def killed_at(step: int, folder: Path, work: Callable[[], object]) -> bool:
    """Do the work in a process that dies before its step of this number; whether it came that far."""
    child = os.fork()
    if child == 0:
        count = 0

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal count
            # What is removed with its folder is named relative to it.
            about_the_mind = event in ("os.remove", "os.rmdir") or any(str(folder) in str(each) for each in arguments)
            if is_step(event, arguments) and about_the_mind:
                count += 1
                if count > step:
                    os._exit(9)

        try:
            sys.addaudithook(hook)
            work()
        except BaseException:
            os._exit(3)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


@pytest.mark.parametrize("way", ["promote", "roll back"])
def test_killed_at_any_step_the_mind_is_the_old_or_the_new_one_and_the_next_command_finishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    # A killed process leaves what it has written to the system, which takes its time for the disk.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    first = make_mind(tmp_path / "origin")
    ready(first)
    if way == "roll back":
        promote(first)
    old = live_digests(first.folder)
    end = tmp_path / "end"
    shutil.copytree(first.folder, end)
    work = promote if way == "promote" else roll_back
    work(load_mind(end))
    new = live_digests(end)
    expected = files(end)
    assert old != new
    seen = []
    for step in range(0, 10_000, STRIDE):
        folder = tmp_path / f"killed-{step}"
        shutil.copytree(first.folder, folder)
        mind = load_mind(folder)
        killed = killed_at(step, folder, lambda mind=mind: work(mind))  # type: ignore[misc]
        found = live_digests(folder)
        assert found in (old, new), step
        seen.append(found == new)
        assert load_mind(folder).adapters.keys() == old.keys()
        again = load_mind(folder, require_adapters=False)
        if found == old:
            work(again)
        finish_promotion(again)
        assert live_digests(folder) == new, step
        assert read_promotion(folder) is None
        assert files(folder) == expected, step
        shutil.rmtree(folder)
        if not killed:
            break
    assert seen == sorted(seen), "once it is the new one it stays that"
    assert seen.count(True) > 10 // STRIDE
    assert seen.count(False) > (10 // STRIDE if way == "promote" else 0)
