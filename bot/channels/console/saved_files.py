"""Files that an answer hands over, put into a new folder where the console was started."""

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
    """A file that was handed over could not be written."""

    sentence = N_("The files could not be saved in {folder}: {reason}.")
    remedy = N_("Start the program in a folder you may write to, and ask for them again.")

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(folder=folder, reason=reason)


async def save_files(outcome: Outcome, say: Translator) -> Outcome:
    """The outcome with its files in a folder, and that said.

    Raises:
        FilesNotSaved: there is no writing to where the console was started.
    """
    if not outcome.files:
        return outcome
    here = Path.cwd()
    try:
        folder = await asyncio.to_thread(_write_files, here, outcome.files)
    except OSError as error:
        raise FilesNotSaved(str(here), error.strerror or type(error).__name__) from error
    told = say("Saved in {folder}: {names}.", folder=folder, names=", ".join(file.name for file in outcome.files))
    return replace(outcome, answer=f"{outcome.answer}\n{told}".lstrip(), files=())


def _write_files(parent: Path, files: Sequence[File]) -> Path:
    folder = _create_folder(parent / f"consilium-export-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}")
    for file in files:
        # For nobody else's eyes, and never in the place of another.
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
