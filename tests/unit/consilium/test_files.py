"""Files that are there whole or not at all."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from consilium.files import atomic_file, remove_unfinished, sync_tree, write_atomically


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_content_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, "слово", mode=0o600)
    assert path.read_text("utf-8") == "слово"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write_atomically(path, b"\0\1")
    assert path.read_bytes() == b"\0\1"
    assert _names(tmp_path) == ["file"]


def test_it_is_written_beside_its_place_and_closed_to_others_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with atomic_file(path, mode=0o600) as file:
        assert not path.exists()
        (unfinished,) = tmp_path.iterdir()
        assert stat.S_IMODE(unfinished.stat().st_mode) == 0o600
        file.write(b"whole")
    assert path.read_bytes() == b"whole"


def test_a_failure_leaves_what_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")

    def write_half() -> None:
        with atomic_file(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text("utf-8") == "old"
    assert _names(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(*((os, "fsync") if name == "fsync" else (Path, "replace")), fail)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="full"):
        write_atomically(path, "new")
    assert path.read_text("utf-8") == "old"
    assert _names(tmp_path) == ["file"]


def test_content_reaches_the_disk_before_its_name_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def note(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            calls.append(name)
            return real(*arguments)

        return call

    monkeypatch.setattr(os, "fsync", note("sync", os.fsync))
    monkeypatch.setattr(Path, "replace", note("name", Path.replace))
    write_atomically(tmp_path / "durable", "x")
    assert calls == ["sync", "name", "sync"]
    calls.clear()
    write_atomically(tmp_path / "quick", "x", durable=False)
    assert calls == ["name"]


@pytest.mark.parametrize("links", [True, False])
def test_what_is_there_is_kept_where_it_is_not_to_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:

        def refuse(*_: object) -> None:
            raise OSError(errno.EOPNOTSUPP, "no hard links")

        monkeypatch.setattr(Path, "hardlink_to", refuse)
    path = tmp_path / "file"

    def write_late() -> None:
        with atomic_file(path, replace=False) as file:
            file.write(b"late")
            path.write_text("early")

    with pytest.raises(FileExistsError):
        write_late()
    with pytest.raises(FileExistsError):
        write_atomically(path, "later", replace=False)
    assert path.read_text("utf-8") == "early"
    assert _names(tmp_path) == ["file"]
    write_atomically(tmp_path / "other", "x", replace=False)
    assert (tmp_path / "other").read_text("utf-8") == "x"


def test_leftovers_are_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".file.0a1b2c3d.unfinished").touch()
    for name in ("file", ".hidden", "notes.unfinished"):
        (tmp_path / name).touch()
    remove_unfinished(tmp_path)
    assert _names(tmp_path) == [".hidden", "file", "notes.unfinished"]
    sync_tree(tmp_path)
