from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from inference.adapters.resident_list import ResidentEntry, read_resident_list, update_resident_list
from inference.adapters.usage import touch

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def name(number: int) -> str:
    return f"c-{number:032x}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Compositions 1 to 9, all used now."""
    for number in range(1, 10):
        folder = tmp_path / name(number)
        folder.mkdir()
        (folder / "composition.json").write_text("{}")
        touch(folder)
    return tmp_path


def residents(mind: str, *numbers: int, pinned: int = 0) -> list[ResidentEntry]:
    return [ResidentEntry(name=name(n), pinned=n == pinned, mind=mind) for n in numbers]


def test_the_file_is_as_the_server_reads_it(root: Path) -> None:
    update_resident_list(root, "agoge", residents("agoge", 1, 3, 2, pinned=1), LONG_AGO)
    written = json.loads((root / "resident.json").read_text())
    assert written == {
        "format": 1,
        "resident": [
            {"name": name(1), "pinned": True, "mind": "agoge"},
            {"name": name(3), "pinned": False, "mind": "agoge"},
            {"name": name(2), "pinned": False, "mind": "agoge"},
        ],
    }


def test_a_mind_replaces_its_own_entries_and_keeps_the_others(root: Path) -> None:
    update_resident_list(root, "agoge", residents("agoge", 1, 2, 3, pinned=1), LONG_AGO)
    update_resident_list(root, "stoa", residents("stoa", 4, 5, pinned=4), LONG_AGO)
    update_resident_list(root, "agoge", residents("agoge", 6, 2, pinned=6), LONG_AGO)
    assert list(read_resident_list(root).resident) == [
        *residents("agoge", 6, pinned=6),
        *residents("stoa", 4, pinned=4),
        *residents("agoge", 2),
        *residents("stoa", 5),
    ]


def test_a_composition_two_minds_share_is_there_once_and_pinned_if_either_says_so(root: Path) -> None:
    update_resident_list(root, "agoge", residents("agoge", 1, 2, pinned=1), LONG_AGO)
    update_resident_list(root, "stoa", residents("stoa", 2, 1, pinned=2), LONG_AGO)
    assert {(one.name, one.pinned) for one in read_resident_list(root).resident} == {(name(1), True), (name(2), True)}


def test_what_other_minds_no_longer_use_or_have_is_dropped(root: Path) -> None:
    update_resident_list(root, "stoa", residents("stoa", 4, 5, 6, pinned=4), LONG_AGO)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    os.utime(root / ".used" / name(4), (1, 1))
    (root / name(5) / "composition.json").unlink()
    update_resident_list(root, "agoge", residents("agoge", 1), yesterday)
    assert list(read_resident_list(root).resident) == [*residents("agoge", 1), *residents("stoa", 6)]


@pytest.mark.parametrize("broken", ["", "{", '{"format": 2}', '{"format": 1, "resident": [{"name": 5}]}'])
def test_a_broken_file_is_written_anew(root: Path, broken: str) -> None:
    (root / "resident.json").write_text(broken)
    with capture_logs() as logs:
        update_resident_list(root, "agoge", residents("agoge", 1), LONG_AGO)
    assert [entry["event"] for entry in logs] == ["resident_list.read_failed"]
    assert list(read_resident_list(root).resident) == residents("agoge", 1)


def test_nobody_has_said_anything(tmp_path: Path) -> None:
    assert read_resident_list(tmp_path).resident == ()
