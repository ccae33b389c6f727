import io
import json
import stat
from pathlib import Path

import pytest

from bot.channels.console.pipe import JsonReply, PlainReply
from bot.channels.console.saved_files import FilesNotSaved, save_files
from bot.core.i18n import Translator
from bot.core.messages import File, Outcome

EXPORT = Outcome("core", "All of it.", files=(File("data.json", b"{}"), File("data.md", "«да»".encode())))


def folders(where: Path) -> list[Path]:
    return sorted(where.glob("consilium-export-*"))


def written(where: Path) -> list[Path]:
    return list(where.rglob("*.txt"))


async def test_files_are_saved_privately_and_it_is_said_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = io.StringIO()
    await PlainReply(told, Translator("en")).finish(EXPORT)
    (folder,) = folders(tmp_path)
    assert told.getvalue() == f"All of it.\nSaved in {folder}: data.json, data.md.\n\n"
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        "data.json": b"{}",
        "data.md": "«да»".encode(),
    }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


async def test_each_export_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = io.StringIO()
    for _ in range(3):
        await JsonReply(told, Translator("ru")).finish(EXPORT)
    lines = [json.loads(line)["answer"] for line in told.getvalue().splitlines()]
    assert [str(folder) in "\n".join(lines) for folder in folders(tmp_path)] == [True] * 3
    assert all("Сохранено" in line for line in lines)


async def test_a_name_leads_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    await save_files(Outcome("core", files=(File("../../out.txt", b"x"),)), Translator("en"))
    assert written(tmp_path) == [folders(here)[0] / "out.txt"]


async def test_a_folder_that_cannot_be_made_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "cwd", lambda: tmp_path / "nowhere")
    with pytest.raises(FilesNotSaved, match="No such file"):
        await save_files(EXPORT, Translator("en"))
