"""Errors of command lines."""

from __future__ import annotations

from pathlib import Path

from bot.core.errors import BotError
from consilium.errors import N_


class CommandError(BotError):
    """Root of errors in what a command is given."""

    exit_code = 2


class NoDialogues(CommandError):
    """An adapter is to be trained or measured, but the mind names no dialogues for it."""

    sentence = N_("mind.yaml names no `{which}` for the adapter “{name}”.")
    remedy = N_("Add `{which}: dialogues/FILE.jsonl` to the adapter.")

    def __init__(self, name: str, which: str) -> None:
        super().__init__(name=name, which=which)


class BadRecipe(CommandError):
    """A training option has a value that training cannot use."""

    sentence = N_("--{option} cannot be {value}: {problem}.")
    remedy = N_("`consilium train --help` shows the options with their defaults.")

    def __init__(self, option: str, value: object, problem: str) -> None:
        super().__init__(option=option, value=value, problem=problem)


class FolderNotEmpty(CommandError):
    """The template of a mind is to be written into a folder that is not empty."""

    sentence = N_("{folder} is not empty.")
    remedy = N_("Name a folder that does not exist yet; nothing was written.")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder)


class ChecksFailed(CommandError):
    """Some checks of a command failed; which and why has been printed already."""

    sentence = N_("{failed} of {total} checks failed.")
    remedy = N_("Fix what is marked above, then run the command again.")
    exit_code = 1

    def __init__(self, failed: int, total: int) -> None:
        super().__init__(failed=failed, total=total)


class CollectionNotGiven(CommandError):
    """Files are to be added to the library without a collection."""

    sentence = N_("The files need a collection.")
    remedy = N_("Add `--collection NAME`; the mind has {known}.")

    def __init__(self, known: tuple[str, ...]) -> None:
        super().__init__(known=", ".join(known))


class NeitherFileNorFolder(CommandError):
    """A pipe, a socket or a device is to be added to the library."""

    sentence = N_("“{path}” is neither a file nor a folder.")
    remedy = N_("Save what is to be read as a file.")

    def __init__(self, path: Path) -> None:
        super().__init__(path=path)


class CollectionUnknown(CommandError):
    """A collection that the mind's rag_config.yaml does not name."""

    sentence = N_("The mind has no collection “{name}”.")
    remedy = N_("Write one of {known}, or add it to rag_config.yaml.")

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name=name, known=", ".join(known))


class McpNotInstalled(CommandError):
    """The mind is to be served by the Model Context Protocol, whose package is an extra."""

    sentence = N_("The package for the Model Context Protocol is not installed.")
    remedy = N_("Install it with: pip install 'consilium[mcp]'")
