"""`consilium train --check`: the dialogues of a mind as they are told before training."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from bot.app.settings import DEMO_MIND, Settings
from bot.cli import train as commands
from consilium.errors import ConsiliumError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns("adapters")
    return Path(shutil.copytree(DEMO_MIND, tmp_path / "agoge", ignore=ignored))


def check(folder: Path, *arguments: str) -> Result:
    app = typer.Typer()
    app.command()(commands.train)
    settings = Settings(cache_dir=folder.parent / "cache")
    return CliRunner().invoke(app, [*arguments, "--check", "--mind", str(folder)], obj=settings)


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines(keepends=True)


def test_the_demo_mind_is_clean(folder: Path) -> None:
    result = check(folder, "core", "sport", "physics", "classical", "--strict")
    assert result.exit_code == 0, result.output
    trained = [json.loads(line)["messages"] for line in lines(folder / "dialogues" / "core.train.jsonl")]
    answers = sum(message["role"] == "assistant" for messages in trained for message in messages)
    assert f"{len(trained)} dialogues, {answers} answers to learn" in result.output
    assert "  !" not in result.output


def test_leaks_are_told_and_refused_when_strict(folder: Path) -> None:
    heldout = folder / "dialogues" / "sport.heldout.jsonl"
    with heldout.open("a", encoding="utf-8") as file:
        file.write(lines(folder / "dialogues" / "core.train.jsonl")[4])
    result = check(folder, "sport")
    assert result.exit_code == 0
    last = len(lines(heldout))
    assert f"!   sport.heldout.jsonl:{last}: its question is that of core.train.jsonl:5" in result.output
    refused = check(folder, "sport", "--strict").exception
    assert isinstance(refused, ConsiliumError)
    assert "1 held-out dialogue of the adapter “sport”" in str(refused)


def test_bad_lines_of_every_adapter_are_told(folder: Path) -> None:
    last = {}
    for name in ("core", "sport"):
        last[name] = len(lines(folder / "dialogues" / f"{name}.train.jsonl")) + 1
        with (folder / "dialogues" / f"{name}.train.jsonl").open("a", encoding="utf-8") as file:
            file.write('{"instruction": "x"}\n')
    result = check(folder, "core", "sport", "classical")
    assert f"core.train.jsonl, line {last['core']}: “output” is missing" in result.output
    assert f"sport.train.jsonl, line {last['sport']}: “output” is missing" in result.output
    assert "classical\n" in result.output
    assert "2 of 3 checks failed" in str(result.exception)


def test_dialogues_without_a_lesson_do_not_count(folder: Path) -> None:
    path = folder / "dialogues" / "core.train.jsonl"
    record = {"prompt": "Why?", "completion": "So.", "weight": 0}
    path.write_text("".join(json.dumps(record | {"prompt": f"Why {n}?"}) + "\n" for n in range(20)), "utf-8")
    result = check(folder, "core")
    assert "! dialogues with no answer to learn, left out: 20" in result.output
    assert "has 0 dialogues" in str(result.exception)
