"""The folders with what people have written, closed to other users of the machine, also those made earlier."""

from __future__ import annotations

import os
import stat
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from db.infra.embedded_server import private_mode

if TYPE_CHECKING:
    from pathlib import Path

    from bot.app.settings import Settings

DATABASE_FOLDER: Final = "postgres"
LOG_FILE: Final = "consilium.log"
HISTORY_FILE: Final = "history"
_OURS: Final = (DATABASE_FOLDER, f"{LOG_FILE}*", HISTORY_FILE)


def close_folders(settings: Settings) -> None:
    """Make the data and state folders, and let only their owner into them.

    A folder that holds other things as well, such as a home, keeps its mode; the database's own folder and the files in
    the state folder are closed all the same.

    Raises:
        OSError: one cannot be made.
    """
    _close(settings.state_dir, 0o700)
    for file in settings.state_dir.iterdir():
        if _is_ours(file.name) and file.is_file():
            _tighten(file, 0o600)
    if settings.database_url is None:
        _close(settings.data_dir, private_mode(settings.data_dir / DATABASE_FOLDER))


def _close(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=mode)
    if all(_is_ours(entry.name) for entry in folder.iterdir()):
        _tighten(folder, mode)


def _tighten(path: Path, mode: int) -> None:
    found = path.stat()
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & ~mode:
        path.chmod(mode)


def _is_ours(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in _OURS)
