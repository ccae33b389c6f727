"""`consilium init`: write the template of a mind."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from bot import minds
from bot.cli.common import stdout_console
from bot.cli.errors import FolderNotEmpty

MIND_TEMPLATE: Final = Path(minds.__file__).parent / "template"


def init(folder: Annotated[Path, typer.Argument(help="Folder of the new mind: a new or an empty one.")]) -> None:
    """Write the template of a mind, to fill with dialogues and train."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderNotEmpty(folder)
    shutil.copytree(MIND_TEMPLATE, folder, dirs_exist_ok=True)
    for text in (
        f"The template of a mind is in {folder}.",
        f"Write dialogues into {folder / 'dialogues'}, then: consilium train core --mind {folder}",
        f"Then talk to it: consilium chat --mind {folder}",
    ):
        stdout_console().print(Text(text), soft_wrap=True)
