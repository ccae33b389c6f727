"""`consilium mind new`: from what an author has written to a mind that can be talked to, by one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bot.app.settings import Settings
from bot.authoring.sources import SourceKind, find_sources, tell_kind
from bot.cli.durations import parse_duration
from bot.cli.errors import FolderNotEmpty
from bot.cli.making import MindMaking, print_stage
from bot.cli.mind import write_empty_mind
from bot.cli.mind_import import (
    AuthorOption,
    MoreSources,
    OthersWordsOption,
    Sources,
    ask_for_others_words,
    can_ask,
)
from bot.cli.new_mind_answers import Answers, begin_answers, read_answers, write_answers
from bot.core.i18n import LANGUAGES, Translator, system_language
from bot.minds.edit import edit_mind, set_values
from bot.minds.templates import PLACEHOLDER_ARTICLE, MindRole, make_mind
from consilium.errors import ConsiliumError
from inference.checkpoint import BUNDLED_BASE_MODEL, resolve_base_model

_DEFAULT_BUDGET = 15 * 60.0


def new(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the new mind.")],
    sources: Sources = None,
    more_sources: MoreSources = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base", help="The base model: a folder with a checkpoint, or a hub id.", show_default=BUNDLED_BASE_MODEL
        ),
    ] = None,
    base_languages: Annotated[
        list[str] | None,
        typer.Option(
            "--base-language",
            help="A language that the base model writes; may be repeated.",
            show_default="en of the bundled one, all of others",
        ),
    ] = None,
    role: Annotated[MindRole | None, typer.Option("--role", help="Prompts and questions ready for a role.")] = None,
    author: AuthorOption = None,
    others_words: OthersWordsOption = None,
    budget: Annotated[
        float | None,
        typer.Option(parser=parse_duration, metavar="TIME", help="How long training may take.", show_default="15m"),
    ] = None,
    questions: Annotated[
        int, typer.Option(min=0, max=10_000, help="Questions that the evaluation asks; 0 leaves it out.")
    ] = 20,
) -> None:
    """Make a mind of what an author has written, ready to talk to; without sources an empty one, ready to fill.

    What is asked is asked once. If it is interrupted, the same command goes on. Each stage is a command of its own:
    `consilium mind import`, `mind subjects`, `train`, `mind eval`.
    """
    settings: Settings = context.obj
    say = Translator(settings.language or system_language())
    paths = [*(more_sources or ()), *(sources or ())]
    if base is not None and Path(base).expanduser().is_dir():
        base = str(Path(base).expanduser().resolve())
    if base is not None:
        # A mistake in the name is told now, not when everything else is done.
        resolve_base_model(base, settings.models_dir, allow_download=settings.allow_download, weights=False)
    values = _values(base, base_languages, say)
    if not paths:
        write_empty_mind(folder, role, values, say)
        return
    before = read_answers(folder)
    if before is None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderNotEmpty(folder)
    answers = (before or Answers()).given(author, others_words)
    if answers.others_words is None:
        asks = can_ask() and _has_chats(paths)
        answers = answers.given(None, asks and ask_for_others_words(say))
    print_stage(1, say)
    if before is None:
        make_mind(folder, role, values, lambda made: _prepare(made, answers))
    else:
        write_answers(folder, answers)
        if base is not None or base_languages:
            edit_mind(folder, set_values(values))
    MindMaking(settings, folder.absolute(), paths, answers, budget or _DEFAULT_BUDGET, questions, say).run()


def _values(base: str | None, languages: list[str] | None, say: Translator) -> dict[str, Any]:
    """What `mind.yaml` says of the base model, and in which order of languages."""
    values: dict[str, Any] = {} if base is None else {"base_model": base}
    values["languages"] = [say.language, *(each for each in LANGUAGES if each != say.language)]
    if base is not None and base != BUNDLED_BASE_MODEL:
        # The template is written for the bundled model: it knows one language, and its adapters are held back.
        values |= {"base_languages": None, "policies": {"adapter_strength": 1.0}}
    if languages:
        values["base_languages"] = languages
    return values


def _prepare(folder: Path, answers: Answers) -> None:
    """Make the template ready for an import: what is kept of the answers, and no article that only says what to do."""
    begin_answers(folder, answers)
    (folder / PLACEHOLDER_ARTICLE).unlink()


def _has_chats(paths: list[Path]) -> bool:
    """Whether any source is a chat, so that others speak in it."""
    for source in find_sources(paths):
        try:
            if tell_kind(source.path) is SourceKind.CHAT:
                return True
        except ConsiliumError:
            continue
    return False
