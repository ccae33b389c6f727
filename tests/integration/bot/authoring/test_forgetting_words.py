"""Whoever has their data deleted is not in dialogues drawn from chats either, whatever is done afterwards."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.authoring import forgetting
from bot.authoring.candidates import Turn
from bot.authoring.filters import Rules
from bot.authoring.forgetting import account_keys, forget_requested, request_forgetting
from bot.authoring.importing import ImportOptions, run_import
from bot.authoring.outcome import TRAIN_FILE, Choice, read_fates
from bot.authoring.reasons import Reason
from bot.authoring.report import ImportReport
from bot.authoring.review import apply_review, decide, open_stages
from bot.minds import Mind, load_mind
from bot.minds.templates import MIND_TEMPLATE
from bot.minds.versions import to_be_retrained
from tests.fakes.adapters import write_adapter
from tests.fixtures.author_export import AUTHOR_ID, CHANNEL_ID, author_export

SECRET, OTHER = "сиреневый бегемот", "оранжевый тапир"
RULES = Rules(("en", "ru"), others_words=True)
OPTIONS = ImportOptions(RULES, (AUTHOR_ID, CHANNEL_ID))


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Everything that user2 says has one phrase in it, and everything that user3 says another."""
    export = author_export(400)

    def plant(value: Any) -> None:
        if isinstance(value, dict):
            phrase = {"user2": SECRET, "user3": OTHER}.get(str(value.get("from_id")))
            if phrase and isinstance(value.get("text"), str) and value["text"]:
                value["text"] += f", {phrase}"
                value.pop("text_entities", None)
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            plant(each)

    plant(export)
    path = tmp_path / "result.json"
    path.write_text(json.dumps(export, ensure_ascii=False), "utf-8")
    return path


@pytest.fixture
def mind(tmp_path: Path, export: Path) -> Mind:
    folder = Path(shutil.copytree(MIND_TEMPLATE, tmp_path / "mind"))
    run_import(load_mind(folder, require_adapters=False), [export], OPTIONS)
    spec = (folder / "mind.yaml").read_text("utf-8")
    (folder / "mind.yaml").write_text(spec.replace("dialogues/core.train.jsonl", TRAIN_FILE), "utf-8")
    write_adapter(folder / "adapters" / "core", rank=2, layers=[0])
    return load_mind(folder)


def holding(folder: Path, phrase: str) -> list[str]:
    """The files that have a phrase in them, written in any of the ways that JSON knows."""
    forms = [phrase.encode(), json.dumps(phrase).strip('"').encode()]
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path.relative_to(folder).as_posix() for path in paths if any(form in path.read_bytes() for form in forms)]


def adds_up(report: ImportReport) -> bool:
    return report.pieces == report.kept_pieces + sum(report.dropped_pieces.values())


def test_their_words_are_in_no_file_of_the_mind_and_those_of_others_stay(mind: Mind, export: Path) -> None:
    fates = read_fates(open_stages(mind.folder))
    theirs = next(fate for fate in fates if fate.reason is None and SECRET in fate.candidate.text)
    decide(mind.folder, theirs.candidate.id, Choice.EDIT, [Turn("user", SECRET), Turn("assistant", "Да, конечно.")])
    apply_review(mind.folder)
    copied = mind.folder / "dialogues" / "mine.jsonl"
    shutil.copy(mind.folder / TRAIN_FILE, copied)
    answers = mind.folder / "evaluation" / "answers.jsonl"
    answers.parent.mkdir()
    answers.write_text(SECRET)
    (mind.folder / "imported" / "subjects.jsonl").write_text(SECRET)
    before = holding(mind.folder, SECRET)
    assert {TRAIN_FILE, "dialogues/mine.jsonl", "imported/review.jsonl", "imported/verdicts.jsonl"} <= set(before)
    kept = len(copied.read_text("utf-8").splitlines())
    request_forgetting(mind.folder, account_keys("telegram", "2"))
    removed = forget_requested(mind)
    assert removed.known
    assert removed.dialogues > 0
    assert removed.messages > 0
    assert holding(mind.folder, SECRET) == []
    assert holding(mind.folder, OTHER)
    assert 0 < len(copied.read_text("utf-8").splitlines()) < kept
    assert removed.retrain == ("core",)
    assert to_be_retrained(mind) == ["core"]
    report = apply_review(mind.folder)
    assert adds_up(report)
    assert report.dropped_dialogues[Reason.FORGOTTEN] == removed.dialogues
    again = forget_requested(mind)
    assert (again.dialogues, again.messages, again.retrain) == (0, 0, ())
    shutil.rmtree(mind.folder / "adapters" / "core")
    write_adapter(mind.folder / "adapters" / "core", rank=2, layers=[0], seed=5)
    assert to_be_retrained(mind) == [], "it was trained anew"


def test_a_later_import_brings_them_back_neither_from_the_same_export_nor_from_a_longer_one(
    mind: Mind, export: Path
) -> None:
    request_forgetting(mind.folder, account_keys("telegram", "2"))
    forget_requested(mind)
    stages = {path.name: path.read_bytes() for path in (mind.folder / "imported").iterdir()}
    for others_words in (True, False):
        options = ImportOptions(Rules(("en", "ru"), others_words=others_words), OPTIONS.authors)
        assert adds_up(run_import(mind, [export], options).report)
        assert holding(mind.folder, SECRET) == []
    longer = json.loads(export.read_text("utf-8"))
    messages = next(chat for chat in _chats(longer) if len(chat["messages"]) > 3)["messages"]
    messages.append({**copy.deepcopy(messages[-1]), "id": 10**9, "from_id": "user2", "text": f"Снова {SECRET}?"})
    export.write_text(json.dumps(longer, ensure_ascii=False), "utf-8")
    result = run_import(mind, [export], OPTIONS)
    assert adds_up(result.report)
    assert holding(mind.folder, SECRET) == []
    assert holding(mind.folder, OTHER)
    assert "forgotten.jsonl" in stages


def _chats(export: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from export["chats"]["list"] if "chats" in export else [export]


@pytest.mark.parametrize("failing", ["_rewrite", "_remove_decisions", "_remove_from_dialogues", "apply_review"])
def test_a_process_that_dies_on_the_way_leaves_the_rest_to_the_next(
    mind: Mind, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    request_forgetting(mind.folder, account_keys("telegram", "2"))
    with monkeypatch.context() as patch:

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(forgetting, failing, die)
        with pytest.raises(KeyboardInterrupt):
            forget_requested(mind)
    forget_requested(mind)
    assert holding(mind.folder, SECRET) == []
    assert to_be_retrained(mind) == ["core"]
    assert adds_up(apply_review(mind.folder))


def test_where_the_import_is_gone_it_is_told_that_it_cannot_be_known(mind: Mind) -> None:
    shutil.rmtree(mind.folder / "imported")
    request_forgetting(mind.folder, account_keys("telegram", "2"))
    assert not forget_requested(mind).known
    for path in (mind.folder / "dialogues").glob("imported.*"):
        path.unlink()
    assert forget_requested(mind).known


def test_whoever_is_not_in_the_chats_changes_nothing(mind: Mind) -> None:
    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in mind.folder.rglob("*") if path.is_file()}

    before = contents()
    request_forgetting(mind.folder, account_keys("discord", "2"))
    assert forget_requested(mind).dialogues == 0
    assert {path: content for path, content in contents().items() if path.name != "forgotten.jsonl"} == before


def test_an_account_is_called_as_exports_call_it() -> None:
    assert "user123" in account_keys("telegram", "123")
    assert account_keys("discord", "123") == ("123",)
