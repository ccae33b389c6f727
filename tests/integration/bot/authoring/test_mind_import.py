"""An import of an author's export: everything adds up, and whoever kills it finds the same report afterwards."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.authoring.candidates import Turn
from bot.authoring.errors import AuthorNotGiven, EditNotUsable, NoSuchDialogue, NotImported
from bot.authoring.filters import Rules
from bot.authoring.importing import ImportOptions, ImportResult, run_import
from bot.authoring.outcome import HELDOUT_FILE, TRAIN_FILE, Choice, Part, read_fates
from bot.authoring.reasons import Reason
from bot.authoring.report import ImportReport
from bot.authoring.review import apply_review, decide, open_stages, read_page
from bot.authoring.sources import SourceKind
from bot.authoring.subjects.acceptance import accept
from bot.authoring.subjects.proposal import Proposal, Subject
from bot.minds import load_mind
from bot.minds.edit import edit_mind, set_values
from bot.minds.templates import MIND_TEMPLATE
from inference.training.dialogues import read_dialogues
from inference.training.languages import tell_language
from tests.fixtures.author_export import AUTHOR_ID, CHANNEL_ID, author_export, count_messages, spoken

AUTHORS = (AUTHOR_ID, CHANNEL_ID)
RULES = Rules(("en", "ru"), others_words=True)


IS_LONG = os.environ.get("CONSILIUM_LONG") == "1"
KILLS = 5 if IS_LONG else 2


@pytest.fixture(scope="module")
def export() -> dict[str, Any]:
    return author_export(3000 if IS_LONG else 800)


@pytest.fixture
def mind_folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MIND_TEMPLATE, tmp_path / "mind"))


@pytest.fixture
def result_json(export: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(export, ensure_ascii=False), "utf-8")
    return path


def imported(
    folder: Path, sources: Sequence[Path], rules: Rules = RULES, authors: tuple[str, ...] = AUTHORS
) -> ImportResult:
    return run_import(load_mind(folder, require_adapters=False), sources, ImportOptions(rules, authors))


def assert_adds_up(report: ImportReport) -> None:
    assert report.pieces == report.kept_pieces + sum(report.dropped_pieces.values())
    assert report.dialogues == report.trained + report.heldout + report.quoted + sum(report.dropped_dialogues.values())


def outputs(folder: Path) -> dict[str, str]:
    files = (TRAIN_FILE, HELDOUT_FILE, "imported/report.json")
    return {file: (folder / file).read_text("utf-8") for file in files}


@pytest.mark.parametrize("others_words", [True, False])
@pytest.mark.parametrize("seed", [1, 2])
def test_kept_and_dropped_are_all_that_was_read(
    mind_folder: Path, tmp_path: Path, seed: int, others_words: bool
) -> None:
    export = author_export(700, seed)
    path = tmp_path / "result.json"
    path.write_text(json.dumps(export, ensure_ascii=False), "utf-8")
    report = imported(mind_folder, [path], Rules(("ru",), others_words)).report
    assert_adds_up(report)
    assert report.pieces == count_messages(export)
    assert report.trained > 50
    assert {Reason.WORDLESS, Reason.FORWARDED, Reason.FROM_BOT, Reason.LANGUAGE} <= set(report.dropped_pieces)
    assert (report.dropped_pieces.get(Reason.OTHERS_WORDS, 0) > 0) is not others_words


def test_only_the_author_is_learnt_and_every_dialogue_can_be_trained_on(
    mind_folder: Path, result_json: Path, export: dict[str, Any]
) -> None:
    imported(mind_folder, [result_json])
    own = [each for each in spoken(export) if each["from_id"] in AUTHORS]
    written = {_line for each in own for _line in _text(each).split("\n")}
    fates = read_fates(open_stages(mind_folder))
    learnt = [line for fate in fates if not fate.personal for line in fate.candidate.learnt.split("\n")]
    assert [line for line in learnt if line.strip() and line not in written] == []
    trained = read_dialogues(mind_folder / TRAIN_FILE) + read_dialogues(mind_folder / HELDOUT_FILE)
    assert len(trained) == sum(fate.reason is None for fate in fates)
    assert all(len(fate.candidate.speakers) <= 1 for fate in fates)
    origins = (mind_folder / "imported" / "origins.jsonl").read_text("utf-8")
    assert len(origins.splitlines()) == len(trained)
    assert "user2" not in origins


def _text(message: dict[str, Any]) -> str:
    text = message["text"]
    return "".join(part if isinstance(part, str) else part["text"] for part in text) if isinstance(text, list) else text


@pytest.mark.parametrize("seed", [1, 2])
def test_what_the_base_model_does_not_write_is_quoted_and_not_learnt(
    mind_folder: Path, tmp_path: Path, seed: int
) -> None:
    export = author_export(500, seed)
    path = tmp_path / "result.json"
    path.write_text(json.dumps(export, ensure_ascii=False), "utf-8")
    everything = imported(mind_folder, [path]).report
    report = imported(mind_folder, [path], Rules(("en", "ru"), others_words=True, quoted=("ru",))).report
    assert_adds_up(report)
    assert report.quoted > 50
    kept = [each.trained + each.heldout + each.quoted for each in (everything, report)]
    # Held-out dialogues that leak are counted apart, and with fewer dialogues there are others of them.
    assert abs(kept[0] - kept[1]) <= sum(each.dropped_dialogues.get(Reason.LEAK, 0) for each in (everything, report))
    learnt = _lines(mind_folder, TRAIN_FILE) + _lines(mind_folder, HELDOUT_FILE)
    assert not [line for line in learnt if tell_language(json.loads(line)["messages"][-1]["content"]) == "ru"]
    mind = load_mind(mind_folder, require_adapters=False)
    answers = (mind_folder / "library/answers/imported.md").read_text("utf-8")
    assert mind.collection_files("answers") == [mind_folder / "library/answers/imported.md"]
    assert mind.collection_files("posts") == [mind_folder / "library/posts/imported.md"]
    fates = [fate for fate in read_fates(open_stages(mind_folder)) if fate.part is Part.LIBRARY and not fate.reason]
    assert all(fate.candidate.learnt.split("\n")[0] in answers for fate in fates if fate.candidate.origin == "chat")
    # Nothing of it stays behind when the base model is one that writes Russian.
    assert imported(mind_folder, [path]).report == everything
    assert not (mind_folder / "library/answers/imported.md").exists()
    load_mind(mind_folder, require_adapters=False)


def test_answers_that_are_learnt_are_quoted_too_where_the_mind_says_known_answers_again(
    mind_folder: Path, result_json: Path
) -> None:
    file = mind_folder / "library/answers/imported.md"
    imported(mind_folder, [result_json])
    assert not file.exists()
    edit_mind(mind_folder, set_values({"policies": {"known_answers": True}}))
    imported(mind_folder, [result_json])
    answers = file.read_text("utf-8")
    fates = [fate for fate in read_fates(open_stages(mind_folder)) if fate.reason is None]
    by_part = {part: [each.candidate for each in fates if each.part is part] for part in Part}
    chats = [each.learnt.split("\n")[0] for each in by_part[Part.TRAIN] if each.origin == "chat"]
    assert chats
    assert all(line in answers for line in chats)
    heldout = {each.learnt for each in by_part[Part.HELDOUT]} - {each.learnt for each in by_part[Part.TRAIN]}
    assert not [text for text in heldout if len(text) > 40 and text in answers]


def test_accepted_subjects_share_out_what_is_kept_also_after_a_review(mind_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(author_export(400), ensure_ascii=False), "utf-8")
    report = imported(mind_folder, [path]).report
    stages = open_stages(mind_folder)
    ids = [fate.candidate.id for fate in read_fates(stages) if fate.reason is None]
    topic = Subject("бег", ("running",), {"ru": "О чём: бег."}, tuple(ids[::2]), ("Как бегать?",))
    mind = load_mind(mind_folder, require_adapters=False)
    accept(mind, stages, Proposal((topic,), len(ids)), "inputs", read_fates(stages))
    assert apply_review(mind_folder) == report
    lines = {file: _lines(mind_folder, file) for file in _PARTS}
    shared_out = sorted(line for each in lines.values() for line in each)
    assert shared_out == sorted(_lines(mind_folder, TRAIN_FILE) + _lines(mind_folder, HELDOUT_FILE))
    mind = load_mind(mind_folder, require_adapters=False)
    assert mind.adapters["бег"].dialogues == mind_folder / "dialogues/бег.train.jsonl"
    origins = (mind_folder / "imported" / "origins.jsonl").read_text("utf-8").splitlines()
    assert len(origins) == 2 * len(shared_out)
    decide(mind_folder, ids[0], Choice.DROP)
    apply_review(mind_folder)
    assert sum(len(_lines(mind_folder, file)) for file in _PARTS) == len(shared_out) - 1
    # With other subjects the former topic is gone, its files too.
    accept(mind, stages, Proposal((), len(ids)), "inputs", read_fates(stages))
    apply_review(mind_folder)
    assert list(load_mind(mind_folder, require_adapters=False).adapters) == ["core"]
    assert not (mind_folder / "dialogues/бег.train.jsonl").exists()


def test_dialogues_that_the_author_has_written_stay_with_their_adapter(mind_folder: Path, tmp_path: Path) -> None:
    own = mind_folder / "dialogues" / "core.train.jsonl"
    own.write_text('{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n')
    path = tmp_path / "result.json"
    path.write_text(json.dumps(author_export(200), ensure_ascii=False), "utf-8")
    imported(mind_folder, [path])
    stages, mind = open_stages(mind_folder), load_mind(mind_folder, require_adapters=False)
    made = accept(mind, stages, Proposal((), 0), "inputs", read_fates(stages))
    apply_review(mind_folder)
    assert '"b"' in own.read_text()
    assert load_mind(mind_folder, require_adapters=False).adapters["core"].dialogues == own
    assert made.adapters[0].train == "dialogues/core.imported.train.jsonl"
    assert _lines(mind_folder, made.adapters[0].train)


_PARTS = [f"dialogues/{name}.{part}.jsonl" for name in ("core", "бег") for part in ("train", "heldout")]


def _lines(folder: Path, file: str) -> list[str]:
    return (folder / file).read_text("utf-8").splitlines()


@pytest.mark.long
def test_killed_at_random_points_it_goes_on_to_the_same_report(
    mind_folder: Path, result_json: Path, tmp_path: Path
) -> None:
    undisturbed = Path(shutil.copytree(MIND_TEMPLATE, tmp_path / "undisturbed"))
    imported(undisturbed, [result_json], Rules(("en", "ru"), others_words=True, quoted=("ru",)))
    command = [sys.executable, "-m", "bot.cli", "mind", "import", str(mind_folder), "--from", str(result_json)]
    for author in AUTHORS:
        command += ["--author", author]
    command.append("--others-words")
    chance, killed = random.Random(3), 0
    while killed < KILLS:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
        wait_for_stage(mind_folder, process)
        time.sleep(chance.uniform(0, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed += 1
        # What is left is what a killed process leaves: stages that are whole, and perhaps one that is not.
        for stage in chance.sample(sorted((mind_folder / "imported").glob("*.jsonl")), 1):
            stage.rename(stage.with_name(f".{stage.name}.unfinished"))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ)
    assert outputs(mind_folder) == outputs(undisturbed)
    assert not list(mind_folder.rglob("*.unfinished"))


def wait_for_stage(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the first stage is there; the program's own start takes most of the time."""
    while process.poll() is None and not list((folder / "imported").glob("read-*.jsonl")):
        time.sleep(0.02)


def test_the_author_is_asked_once(mind_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(author_export(100), ensure_ascii=False), "utf-8")
    with pytest.raises(AuthorNotGiven):
        imported(mind_folder, [path], authors=())
    first = imported(mind_folder, [path]).report
    assert imported(mind_folder, [path], authors=()).report == first


def test_questions_articles_and_training_files(mind_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "written"
    folder.mkdir()
    (folder / "faq.md").write_text(
        "# Вопросы\n\n## Как начать бегать?\n\nС ходьбы, минут двадцать.\n\nИ без спешки.\n\n"
        "**Вопрос:** Сколько спать?\n\n**Ответ:** Восемь часов, лучше в тишине.\n",
        "utf-8",
    )
    (folder / "table.csv").write_text("вопрос,ответ\nЧто есть утром?,Кашу и яйца каждый день\n", "utf-8")
    (folder / "sharegpt.json").write_text(
        json.dumps(
            [
                {
                    "conversations": [
                        {"from": "human", "value": "How do I rest?"},
                        {"from": "gpt", "value": "Lie down and call me at +1 212 555 0123"},
                    ]
                }
            ]
        ),
        "utf-8",
    )
    (folder / "article.md").write_text(f"# О беге\n\n{'Бег любит терпение и тишину. ' * 20}\n", "utf-8")
    (folder / "messages.html").write_text("<html><body>Telegram</body></html>", "utf-8")
    (folder / "broken.docx").write_bytes(b"PK not a document")
    result = imported(mind_folder, [folder])
    assert_adds_up(result.report)
    kinds = {source.name: source.kind for source in result.report.facts.sources}
    assert kinds == {
        "article.md": SourceKind.DOCUMENT,
        "broken.docx": None,
        "faq.md": SourceKind.DOCUMENT,
        "messages.html": None,
        "sharegpt.json": SourceKind.DIALOGUES,
        "table.csv": SourceKind.DIALOGUES,
    }
    said = {
        turns[0].text: turns[1].text
        for turns in (fate.candidate.turns for fate in read_page(mind_folder, all_=True).items)
    }
    assert said["Как начать бегать?"] == "С ходьбы, минут двадцать.\n\nИ без спешки."
    assert said["Сколько спать?"] == "Восемь часов, лучше в тишине."
    assert said["Что есть утром?"] == "Кашу и яйца каждый день"
    assert said["How do I rest?"] == "Lie down and call me at [phone 1]"
    assert "Расскажи: О беге" in said
    assert (mind_folder / "library" / "articles" / "article.md").exists()


def test_a_review_keeps_drops_and_edits(mind_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotImported):
        read_page(mind_folder)
    path = tmp_path / "result.json"
    path.write_text(json.dumps(author_export(400), ensure_ascii=False), "utf-8")
    before = imported(mind_folder, [path]).report
    page = read_page(mind_folder, 2, size=3)
    assert (page.page, len(page.items), page.total) == (2, 3, before.trained + before.heldout)
    dropped, edited = page.items[0].candidate, page.items[1].candidate
    revived = read_page(mind_folder, reason=Reason.PLEASANTRY).items[0].candidate
    decide(mind_folder, dropped.id, Choice.DROP)
    decide(mind_folder, revived.id, Choice.KEEP)
    decide(mind_folder, edited.id, Choice.EDIT, [Turn("user", "Зачем?"), Turn("assistant", "Затем, что весна.")])
    with pytest.raises(EditNotUsable):
        decide(mind_folder, edited.id, Choice.EDIT, [Turn("user", "Зачем?")])
    with pytest.raises(NoSuchDialogue):
        decide(mind_folder, "nobody", Choice.DROP)
    after = apply_review(mind_folder)
    assert_adds_up(after)
    assert after.decided == {Choice.DROP: 1, Choice.EDIT: 1, Choice.KEEP: 1}
    assert after.dropped_dialogues[Reason.REVIEW] == 1
    assert "Затем, что весна." in (mind_folder / TRAIN_FILE).read_text("utf-8") + (
        mind_folder / HELDOUT_FILE
    ).read_text("utf-8")
    # Imported again, it is as it was decided; a line that a crash has cut short does no harm.
    with (mind_folder / "imported" / "review.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('\n{"id": "')
    assert imported(mind_folder, [path]).report == after
