"""`consilium mind new`: from an export to a chat by one command, killed on the way as often as anybody likes."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from bot.cli.new_mind_answers import Answers, read_answers
from bot.minds import load_mind
from inference.training.dialogues import read_dialogues
from tests.acceptance.conftest import CONSILIUM, Home
from tests.fixtures.author_export import AUTHOR_ID, CHANNEL_ID, author_export
from tests.fixtures.tiny_base import write_tiny_base

KILLS = 5


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "result.json"
    path.write_text(json.dumps(author_export(250), ensure_ascii=False), "utf-8")
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("base"), hidden_size=32, intermediate_size=64)


def command(folder: Path, export: Path, base: Path) -> list[str]:
    options = ["--base", str(base), "--base-language", "en", "--role", "coach", "--others-words", "--budget", "10m"]
    options += ["--questions", "0"]
    for author in (AUTHOR_ID, CHANNEL_ID):
        options += ["--author", author]
    return ["mind", "new", str(folder), "--from", str(export), *options]


def report_of(out: str) -> str:
    return out[out.index("The mind is ready.") :]


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_killed_anywhere_it_goes_on_to_the_same_report_and_a_chat(
    home: Home, export: Path, base: Path, tmp_path: Path
) -> None:
    folder, undisturbed = tmp_path / "killed" / "mind", tmp_path / "whole" / "mind"
    whole = home.run(*command(undisturbed, export, base), LANG="C")
    assert whole.code == 0, whole.err
    chance, seen = random.Random(5), []
    # What it is waited for before it is killed: the folder, the import, the subjects, a training, anything.
    marks = ["mind.yaml", "imported/verdicts.jsonl", "imported/subjects-accepted.json", "adapters/.core.training", ""]
    for mark in marks[:KILLS]:
        process = subprocess.Popen(
            [CONSILIUM, *command(folder, export, base)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**home.environment, "LANG": "C"},
        )
        while process.poll() is None and not (folder / mark).exists():
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.5))
        seen.append(process.poll() is None)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert seen.count(True) >= 3, "it was killed while it worked"
    ended = home.run(*command(folder, export, base), LANG="C")
    assert ended.code == 0, ended.err
    assert report_of(ended.out).replace(str(folder), "") == report_of(whole.out).replace(str(undisturbed), "")
    weights = "adapters/core/adapter_model.safetensors"
    assert (folder / weights).read_bytes() == (undisturbed / weights).read_bytes()
    again = home.run(*command(folder, export, base), LANG="C")
    assert "passed over" in again.err
    assert report_of(again.out) == report_of(ended.out)
    answered = home.chat("How do I begin?", "Как начать, если сон пугает?", CONSILIUM_MIND=str(folder))
    assert [each["error"] for each in answered.objects] == [None, None]


def test_an_empty_mind_for_a_role(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    ended = home.run("mind", "new", str(folder), "--role", "critic", LANG="ru_RU.UTF-8")
    assert ended.code == 0, ended.err
    assert "GUIDE.ru.md" in ended.out
    mind = load_mind(folder, require_adapters=False)
    assert mind.languages == ("ru", "en")
    assert mind.quoted_languages == {"ru"}
    again = home.run("mind", "new", str(folder))
    assert again.code == 2
    assert "not empty" in again.err


def test_an_author_who_writes_only_russian_is_quoted_on_an_english_base(home: Home, base: Path, tmp_path: Path) -> None:
    faq = tmp_path / "faq.md"
    faq.write_text(
        "# Вопросы\n\n## Как начать бегать?\n\nС ходьбы, минут двадцать. И без спешки.\n\n"
        "## Сколько спать?\n\nВосемь часов, лучше в тишине.\n",
        "utf-8",
    )
    folder = tmp_path / "mind"
    ended = home.run(
        "mind", "new", str(folder), str(faq), "--base", str(base), "--base-language", "en", LANG="ru_RU.UTF-8"
    )
    assert ended.code == 0, ended.err
    assert "--base ПАПКА" in ended.out
    assert re.search(r"core\s+0\s+0\s+не обучен", ended.out)
    assert read_answers(folder) == Answers((), others_words=False)
    assert not read_dialogues(folder / "dialogues/core.train.jsonl")
    chat = {"CONSILIUM_MIND": str(folder), "CONSILIUM_LIBRARY_AT_START": "true"}
    answered = home.chat("Как начать бегать?", **chat).objects[0]
    assert answered["error"] is None
    assert "С ходьбы, минут двадцать" in answered["answer"]
    assert [source["title"] for source in answered["sources"]] == ["Вопросы"]
