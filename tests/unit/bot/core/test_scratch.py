"""What passes through a temporary folder is gone with the process that it was for."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bot.core.scratch import ScratchFolder

PROCESS = """
import sys
from bot.core.scratch import ScratchFolder
folder = ScratchFolder()
(folder.path / "letter.txt").write_text("what somebody has sent")
print(folder.path, flush=True)
sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def start_process() -> tuple[subprocess.Popen[str], Path]:
    """A process that has a folder with a file in it, until it reads a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_folder_is_private_and_removed_on_closing(tmp_path: Path) -> None:
    with ScratchFolder() as folder:
        assert folder.path.parent == tmp_path
        assert folder.path.stat().st_mode & 0o777 == 0o700
        (folder.path / "a").write_text("a")
    assert list(tmp_path.iterdir()) == []
    folder.close()


def test_the_next_folder_removes_those_of_killed_processes_and_no_others(tmp_path: Path) -> None:
    (killed, left), (living, kept) = start_process(), start_process()
    (tmp_path / "consilium-files-link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "consilium-files-a-file").write_text("not ours")
    try:
        killed.send_signal(signal.SIGKILL)
        killed.wait(timeout=10)
        assert (left / "letter.txt").exists(), "a killed process removes nothing"
        with ScratchFolder():
            assert not left.exists()
            assert (kept / "letter.txt").exists()
            assert (tmp_path / "elsewhere").is_dir()
            assert (tmp_path / "consilium-files-a-file").exists()
    finally:
        living.kill()
        living.wait(timeout=10)
        for process in (killed, living):
            process.communicate()
