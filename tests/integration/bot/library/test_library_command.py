"""`consilium library` and `consilium eval library`, as they are typed."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.app.settings import Settings
from bot.cli import evaluate, library
from bot.cli.errors import CollectionNotGiven, CollectionUnknown, NeitherFileNorFolder
from bot.library.evaluation import NoQuestions
from bot.library.sources import watch_files
from bot.minds import Mind
from db.infra.database import Database
from tests.fixtures.library import WriteMind

CONFIG = "collections:\n  essays: {kind: article, path: essays/*, language: [en, ru]}\n"
Run = Callable[..., str]


@pytest.fixture
def mind(small_mind: WriteMind) -> Mind:
    return small_mind({"essays/iron.md": "# Iron\n\nThe squat comes first.", "essays/bad.pdf": b"%PDF-1.4 no"}, CONFIG)


@pytest.fixture
def settings(settings_for: Callable[..., Settings], dsn: str) -> Settings:
    return settings_for(database_url=dsn, language="ru")


@pytest.fixture
def run(settings: Settings, mind: Mind, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command with the mind and returns its output; its error is raised here."""
    monkeypatch.setenv("COLUMNS", "200")
    # An adapter that is not trained yet does not matter to the library.
    (mind.folder / "adapters/core").mkdir(parents=True)

    def invoke(app: object, *arguments: str) -> str:
        result = CliRunner().invoke(app, [*arguments, "--mind", str(mind.folder)], obj=settings)
        if result.exception is not None:
            raise result.exception
        return result.output

    return invoke


def test_add_status_and_search(run: Run, tmp_path: Path) -> None:
    output = run(library.app, "add")
    assert "прочитано 1, без изменений 0, удалено 0, пропущено 1" in output
    assert "essays: essays/bad.pdf: Он не читается" in output
    (tmp_path / "more.txt").write_text("Зелёный чай пьют после дороги.")
    assert "прочитано 1, без изменений 1" in run(
        library.app, "add", str(tmp_path / "more.txt"), "--collection", "essays"
    )
    assert "прочитано 0, без изменений 2" in run(library.app, "add")
    status = run(library.app, "status").split()
    row = status[status.index("essays") :]
    assert row[:7] == ["essays", "article", "2", "1", "2", "2", "0"]
    assert "essays/bad.pdf" in " ".join(row)
    found = run(library.app, "search", "зеленого чая")
    assert "[1] more — ¶ 1" in found
    assert "Зелёный чай пьют после дороги." in found


def test_usage_errors(run: Run, tmp_path: Path) -> None:
    with pytest.raises(CollectionNotGiven, match="essays"):
        run(library.app, "add", str(tmp_path))
    with pytest.raises(CollectionUnknown, match="essays"):
        run(library.app, "search", "x", "--collection", "letters")
    with pytest.raises(SystemExit):
        run(library.app, "add", str(tmp_path / "nowhere"), "--collection", "essays")
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(NeitherFileNorFolder, match="pipe"):
        run(library.app, "add", str(tmp_path / "pipe.txt"), "--collection", "essays")


def test_odd_files_in_a_folder_end_nothing(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "good.txt").write_text("Зелёный чай пьют после дороги.")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.txt")).write_text("Слова.")
    (folder / "имя\nс переносом.txt").write_text("Ещё слова.")
    (folder / "gone.txt").symlink_to(folder / "nowhere.txt")
    os.mkfifo(folder / "pipe.txt")
    shown = run(library.app, "add", str(folder), "--collection", "essays")
    # The mind's own file, and two of the folder; its damaged PDF, and the name that is no text.
    assert "прочитано 3, без изменений 0, удалено 0, пропущено 2" in shown
    assert "UTF-8" in shown


async def test_watch_files_notices_changes(mind: Mind) -> None:
    changes = watch_files(mind, interval=0.05)
    first = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0.3)
    assert not first.done()
    (mind.folder / "essays/new.md").write_text("New.")
    async with asyncio.timeout(30):
        await first
        (mind.folder / "essays/iron.md").unlink()
        await anext(changes)
    await changes.aclose()


SUBJECTS = {"bread": "хлеб", "iron": "железо", "rivers": "реки", "salt": "соль"}


def squad(language: str) -> str:
    """A question set on a few subjects."""
    paragraphs = [
        {
            "context": f"Of {english} this is told." if language == "en" else f"Про {russian} сказано здесь.",
            "qas": [{"id": english, "question": f"What of {english}?" if language == "en" else f"А про {russian}?"}],
        }
        for english, russian in SUBJECTS.items()
    ]
    return json.dumps({"data": [{"paragraphs": paragraphs}]}, ensure_ascii=False)


async def chunks_left(dsn: str) -> int:
    async with await Database.open(dsn) as database, database.anonymous_transaction() as connection:
        found: int = await connection.fetchval("SELECT count(*) FROM chunks")
        return found


def test_evaluation_measures_recall_and_cleans_up(run: Run, tmp_path: Path, dsn: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for language in ("en", "ru"):
        (data / f"set.{language}.json").write_text(squad(language))
    (data / "other.json").write_text('{"data": 1}')
    (data / "essay.txt").write_text("Nothing of the kind.")
    output = run(evaluate.app, "library", "--data", str(data), "--json", str(tmp_path / "figures.json"))
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["configuration"]["hash"] in output
    assert figures["configuration"]["distractors"] == 1
    recall = {(one["asked"], one["searched"], one["method"]): one["recall@1"] for one in figures["measured"]}
    assert len(recall) == 12
    assert recall["set-set-en", "set-set-en", "fused"] == recall["set-set-ru", "set-set-ru", "words"] == 1.0
    assert recall["set-set-ru", "set-set-en", "words"] == 0.0
    assert asyncio.run(chunks_left(dsn)) == 0
    with pytest.raises(NoQuestions):
        run(evaluate.app, "library", "--data", str(tmp_path / "mind"))
