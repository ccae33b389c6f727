"""Files of an answer on disk."""

from __future__ import annotations

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


def export_folders(parent: Path) -> list[Path]:
    return sorted(parent.glob("consilium-export-*"))


def text_files(folder: Path) -> list[Path]:
    return list(folder.rglob("*.txt"))


async def test_files_are_private_and_the_reply_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    output = io.StringIO()
    await PlainReply(output, Translator("en")).finish(EXPORT)
    (folder,) = export_folders(tmp_path)
    assert output.getvalue() == f"All of it.\nSaved in {folder}: data.json, data.md.\n\n"
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        "data.json": b"{}",
        "data.md": "«да»".encode(),
    }
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


async def test_each_export_has_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    output = io.StringIO()
    for _ in range(3):
        await JsonReply(output, Translator("ru")).finish(EXPORT)
    lines = [json.loads(line)["answer"] for line in output.getvalue().splitlines()]
    assert [str(folder) in "\n".join(lines) for folder in export_folders(tmp_path)] == [True] * 3
    assert all("Сохранено" in line for line in lines)


async def test_file_name_cannot_leave_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    current = tmp_path / "current"
    current.mkdir()
    monkeypatch.chdir(current)
    await save_files(Outcome("core", files=(File("../../out.txt", b"x"),)), Translator("en"))
    assert text_files(tmp_path) == [export_folders(current)[0] / "out.txt"]


async def test_unwritable_folder_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "cwd", lambda: tmp_path / "nowhere")
    with pytest.raises(FilesNotSaved, match="No such file"):
        await save_files(EXPORT, Translator("en"))
