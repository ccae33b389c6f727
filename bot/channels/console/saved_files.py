"""Saves the files of an answer in a new folder inside the current one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bot.core.errors import ChannelError
from bot.core.i18n import Translator
from bot.core.messages import File, Outcome
from consilium.errors import N_


class FilesNotSaved(ChannelError):
    """The files of an answer could not be written."""

    sentence = N_("The files could not be saved in {folder}: {reason}.")
    remedy = N_("Start the program in a folder you may write to, and ask for them again.")

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(folder=folder, reason=reason)


async def save_files(outcome: Outcome, say: Translator) -> Outcome:
    """Save an outcome's files; the outcome without them, and with a line that says where they are.

    Raises:
        FilesNotSaved: the current folder cannot be written to.
    """
    if not outcome.files:
        return outcome
    current = Path.cwd()
    try:
        folder = await asyncio.to_thread(_write_files, current, outcome.files)
    except OSError as error:
        raise FilesNotSaved(str(current), error.strerror or type(error).__name__) from error
    notice = say("Saved in {folder}: {names}.", folder=folder, names=", ".join(file.name for file in outcome.files))
    return replace(outcome, answer=f"{outcome.answer}\n{notice}".lstrip(), files=())


def _write_files(parent: Path, files: Sequence[File]) -> Path:
    folder = _create_folder(parent / f"consilium-export-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}")
    for file in files:
        # Readable only by the person themselves, and never over an existing file.
        handle = os.open(folder / Path(file.name).name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as target:
            target.write(file.content)
    return folder


def _create_folder(path: Path) -> Path:
    folder, n = path, 1
    while True:
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            n += 1
            folder = path.with_name(f"{path.name}-{n}")
        else:
            return folder
