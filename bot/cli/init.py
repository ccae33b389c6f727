"""`consilium init`: a mind's template in a new folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bot import mind
from bot.cli.errors import FolderNotEmpty
from bot.cli.tables import stdout_console

MIND_TEMPLATE = Path(mind.__file__).parent / "template"


def init(folder: Annotated[Path, typer.Argument(help="Where the mind is to be; a new or an empty folder.")]) -> None:
    """Write a mind's template, to be filled with dialogues and trained."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderNotEmpty(folder)
    shutil.copytree(MIND_TEMPLATE, folder, dirs_exist_ok=True)
    for text in (
        f"A mind is begun in {folder}.",
        f"Write dialogues into {folder / 'dialogues'}, then: consilium train core --mind {folder}",
        f"Then talk to it: consilium chat --mind {folder}",
    ):
        stdout_console().print(Text(text), soft_wrap=True)
