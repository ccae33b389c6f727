"""What can go wrong with a command line."""

from __future__ import annotations

from pathlib import Path

from bot.core.errors import BotError
from consilium.errors import N_


class CommandError(BotError):
    """Root of what is wrong with what a command was asked."""

    exit_code = 2


class NoDialogues(CommandError):
    """An adapter is to be trained or measured, and the mind names no dialogues for it."""

    sentence = N_("The mind says nothing of the {which} of the adapter “{name}”.")
    remedy = N_("Add `{which}: dialogues/FILE.jsonl` to it in mind.yaml.")

    def __init__(self, name: str, which: str) -> None:
        super().__init__(name=name, which=which)


class BadRecipe(CommandError):
    """A training option is outside what training can use."""

    sentence = N_("--{option} cannot be {value}: {problem}.")
    remedy = N_("`consilium train --help` shows the options with their defaults.")

    def __init__(self, option: str, value: object, problem: str) -> None:
        super().__init__(option=option, value=value, problem=problem)


class FolderNotEmpty(CommandError):
    """A mind's template is to be written where something is already."""

    sentence = N_("{folder} is not empty.")
    remedy = N_("Name a folder that does not exist yet; nothing was written.")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder)


class ChecksFailed(CommandError):
    """Some of what a command checked does not hold; what and why has been said already."""

    sentence = N_("{failed} of {total} checks failed.")
    remedy = N_("Mend what is marked above, then run the command again.")
    exit_code = 1

    def __init__(self, failed: int, total: int) -> None:
        super().__init__(failed=failed, total=total)


class CollectionNotGiven(CommandError):
    """Files are to be added to the library, and it is not said to which collection."""

    sentence = N_("It is not said which collection the files belong to.")
    remedy = N_("Add `--collection NAME`; the mind has {known}.")

    def __init__(self, known: tuple[str, ...]) -> None:
        super().__init__(known=", ".join(known))


class CollectionUnknown(CommandError):
    """A collection that the mind's rag_config.yaml does not name."""

    sentence = N_("The mind has no collection “{name}”.")
    remedy = N_("Write one of {known}, or add it to rag_config.yaml.")

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name=name, known=", ".join(known))
