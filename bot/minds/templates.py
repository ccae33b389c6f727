"""Templates of minds: the folder that a new mind begins with, plain or for a role."""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from bot.minds.edit import edit_mind, set_values
from bot.minds.grammar import RESERVED, is_valid_name, normalise
from bot.minds.load import MIND_FILE

MIND_TEMPLATE: Final = Path(__file__).parent / "template"
ROLES_FOLDER: Final = Path(__file__).parent / "roles"
PLACEHOLDER_ARTICLE: Final = "library/articles/first.md"
"""The template's article, which an author replaces with their own."""
_MAX_NAME: Final = 64
_OTHER_CHARACTERS: Final = re.compile(r"[^\w-]+")


class MindRole(StrEnum):
    """What kind of author a mind is made ready for."""

    COACH = "coach"
    PHILOSOPHER = "philosopher"
    CRITIC = "critic"
    TEACHER = "teacher"
    EXPERT = "expert"
    """A chief expert, whose core leads several topics."""


def make_mind(
    folder: Path,
    role: MindRole | None = None,
    values: Mapping[str, Any] | None = None,
    prepare: Callable[[Path], None] = lambda _: None,
) -> None:
    """Write the template of a mind into a folder that is not there or empty; blocking. It is whole or not there.

    Args:
        values: of `mind.yaml`, in place of those of the template.
        prepare: called with the folder before it takes its name, to put more into it.
    """
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(MIND_TEMPLATE, unfinished)
    if role is not None:
        shutil.copytree(ROLES_FOLDER / role, unfinished, dirs_exist_ok=True)
    edit_mind(unfinished, set_values({"name": name_for(folder.name), **(values or {})}))
    prepare(unfinished)
    if folder.exists() and folder.samefile(Path.cwd()):
        # Put into another folder's place, it would no longer be where the caller's shell is.
        for entry in sorted(unfinished.iterdir(), key=lambda each: each.name == MIND_FILE):
            entry.rename(folder / entry.name)
        unfinished.rmdir()
    else:
        unfinished.replace(folder)


def name_for(text: str) -> str:
    """A name that modes can be written with, as near to a text as can be; `my-mind` where nothing of it can stay."""
    cleaned = _OTHER_CHARACTERS.sub("-", normalise(unicodedata.normalize("NFC", text)).strip()).strip("-_")
    name = cleaned[:_MAX_NAME].strip("-_")
    return name if is_valid_name(name) and name not in RESERVED else "my-mind"


def is_placeholder(mind_folder: Path, file: str) -> bool:
    """Whether a file of a mind is still the template's, and not the author's; blocking."""
    path = mind_folder / file
    if not path.is_file():
        return False
    content = path.read_bytes()
    templates = [MIND_TEMPLATE, *(ROLES_FOLDER / role for role in MindRole)]
    return any((each / file).is_file() and (each / file).read_bytes() == content for each in templates)
