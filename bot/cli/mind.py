"""`consilium init`: write the template of a mind; `consilium mind new` without a source does the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from bot.app.settings import Settings
from bot.cli.common import stdout_console
from bot.cli.errors import FolderNotEmpty
from bot.core.i18n import Translator, system_language
from bot.minds.templates import MindRole, make_mind


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the new mind: a new or an empty one.")],
) -> None:
    """Write the template of a mind, to fill with dialogues and train; `consilium mind new` has more."""
    settings: Settings = context.obj
    write_empty_mind(folder, None, {}, Translator(settings.language or system_language()))


def write_empty_mind(folder: Path, role: MindRole | None, values: Mapping[str, Any], say: Translator) -> None:
    """Write the template of a mind, and say what comes next.

    Raises:
        FolderNotEmpty: there is something in the folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderNotEmpty(folder)
    make_mind(folder, role, values)
    lines = [say("The template of a mind is in {folder}.", folder=folder)]
    if role is not None:
        guide = folder / ("GUIDE.ru.md" if say.language == "ru" else "GUIDE.md")
        lines.append(say("What to write for this role: {guide}", guide=guide))
    lines += [
        say(
            "Write dialogues into {dialogues}, then: consilium train core --mind {folder}",
            dialogues=folder / "dialogues",
            folder=folder,
        ),
        say("Or take them from what there is: consilium mind import {folder} --from EXPORT", folder=folder),
        say("Then talk to it: consilium chat --mind {folder}", folder=folder),
    ]
    for line in lines:
        stdout_console().print(Text(line), soft_wrap=True)
