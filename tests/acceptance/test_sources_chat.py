"""A person at a pipe asks what the demo library holds, from the first start of a machine on."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.conftest import Ended, home_directory
from tests.fixtures.minds import keep_a_tenth_of_answers

QUESTION = "How many grams of protein for each kilogram of body weight?"


@dataclass(frozen=True)
class Starts:
    """Two processes, one after the other, on a machine on which the service has never run."""

    first: Ended
    """In JSON."""
    second: Ended
    """In plain lines."""
    folder: Path
    """Where the second was started."""


@pytest.fixture(scope="module")
def small_mind(brief_mind: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo mind with a tenth of its answers."""
    folder = tmp_path_factory.mktemp("minds") / "agoge"
    shutil.copytree(brief_mind, folder)
    keep_a_tenth_of_answers(folder)
    return folder


@pytest.fixture(scope="module")
def starts(prepared_models: Path, small_mind: Path, tmp_path_factory: pytest.TempPathFactory) -> Starts:
    own = {"CONSILIUM_LIBRARY_AT_START": "true", "CONSILIUM_MIND": str(small_mind)}
    folder = tmp_path_factory.mktemp("started-here")
    with home_directory(prepared_models) as home:
        first = home.chat(
            "/mode sport",
            QUESTION,
            "/sources",
            "Сколько спят в тихую неделю?",
            "/sources",
            f"/consilium {QUESTION}",
            "/consilium show",
            **own,
        )
        said = (QUESTION, "/library", "/mode sport+core", "/remember I like figs.", "/export")
        second = home.run("chat", "--user", "anna", say="\n".join(said) + "\n", cwd=folder, **own)
    return Starts(first, second, folder)


def test_question_about_the_library_is_answered_with_a_source(starts: Starts) -> None:
    first = starts.first
    assert first.code == 0, first.err
    _, answer, sources, russian, place, joined, apart = first.objects
    assert all(turn["error"] is None for turn in first.objects)
    for turn, support in ((answer, "1.6"), (russian, "восем"), (joined, "1.6")):
        assert turn["sources"]
        assert {"n", "title", "where", "quote"} == set(turn["sources"][0])
        assert any(support in source["quote"] for source in turn["sources"])
        assert all(f"[{source['n']}]" in turn["answer"] for source in turn["sources"])
    assert sources["answer"].startswith(f"[1] {answer['sources'][0]['title']} — ")
    assert place["answer"].startswith(f"[1] {russian['sources'][0]['title']} — ")
    assert joined["answer"].startswith("The author has written:\n- ")
    assert "The archivist" in apart["answer"]
    assert "embedding" in first.err


def test_second_start_finds_the_library_filled(starts: Starts) -> None:
    assert starts.second.code == 0, starts.second.err
    assert "embedding" not in starts.second.err
    assert "[1] The Ledger of Recovery — " in starts.second.out
    assert re.search(r"^articles +article +3\b", starts.second.out, re.MULTILINE)


def test_plain_lines_print_the_answer_and_the_mode(starts: Starts) -> None:
    assert "core+sport" in starts.second.out
    assert len(starts.second.out.splitlines()) >= 3


def test_export_names_the_folder_of_its_files(starts: Starts) -> None:
    (folder,) = starts.folder.iterdir()
    assert str(folder) in starts.second.out
    assert "I like figs." in (folder / "consilium-export.json").read_text("utf-8")
