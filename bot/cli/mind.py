"""`consilium init` and `consilium train`: write the template of a mind, and train its adapters."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot import minds
from bot.app.components import base_model_folder
from bot.app.settings import Settings
from bot.cli.common import MindOption, new_table, stdout_console
from bot.cli.errors import BadRecipe, ChecksFailed, FolderNotEmpty, NoDialogues
from bot.cli.training_report import examine_adapter, report_lines
from bot.minds import Mind, load_mind, render_system_prompt
from bot.minds.errors import UnknownAdapter
from bot.minds.grammar import parse_expression
from bot.minds.names import nearest_names
from bot.minds.resolve import resolve_mode
from consilium.errors import ConsiliumError
from inference.adapters.manifest import AdapterKind
from inference.adapters.package import AdapterPackage
from inference.training.dialogues import Dialogue, read_dialogues
from inference.training.errors import LeakedDialogues, TooFewDialogues
from inference.training.recipe import Recipe

if TYPE_CHECKING:
    from inference.training.preparation import PreparedDialogues

MIND_TEMPLATE: Final = Path(minds.__file__).parent / "template"
MIN_DIALOGUES: Final = 16
"""Fewer are too few to both train on and stop early by."""
_DEFAULT_RECIPE: Final = Recipe()


def train(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(help="Adapters to train: the core before its topics.")],
    mind_folder: MindOption = None,
    rank: Annotated[int, typer.Option(help="Rank of the LoRA.")] = _DEFAULT_RECIPE.rank,
    epochs: Annotated[int, typer.Option(help="Epochs, at most; early stopping may end it.")] = _DEFAULT_RECIPE.epochs,
    learning_rate: Annotated[float, typer.Option(help="Learning rate of AdamW.")] = _DEFAULT_RECIPE.learning_rate,
    rehearsal: Annotated[
        float, typer.Option(help="Share of the core's dialogues that a topic is also trained on.")
    ] = _DEFAULT_RECIPE.rehearsal,
    max_tokens: Annotated[
        int, typer.Option(help="Longest dialogue in tokens; longer ones are left out, never cut.")
    ] = _DEFAULT_RECIPE.max_tokens,
    max_left_out: Annotated[
        float, typer.Option(help="Share of the dialogues that may be left out before training is refused.")
    ] = _DEFAULT_RECIPE.max_left_out,
    seed: Annotated[int, typer.Option(help="Seed of split, order and initial weights.")] = _DEFAULT_RECIPE.seed,
    check: Annotated[bool, typer.Option("--check", help="Only report on the dialogues; train nothing.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse held-out dialogues that are also trained on.")
    ] = False,
) -> None:
    """Train adapters of a mind from its dialogues, and save them in its folder.

    The dialogues are read and reported on first: repetitions, held-out ones that are trained on, languages, lengths.
    """
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind, require_adapters=False)
    options = {
        "rank": rank,
        "epochs": epochs,
        "learning_rate": learning_rate,
        "rehearsal": rehearsal,
        "max_tokens": max_tokens,
        "max_left_out": max_left_out,
        "seed": seed,
    }
    try:
        recipe = Recipe.model_validate(options | {"alpha": 2 * rank})
    except ValidationError as error:
        problem = error.errors()[0]
        option = str(problem["loc"][0])
        raise BadRecipe(option.replace("_", "-"), options.get(option), problem["msg"]) from None
    for name in names:
        if name not in mind.adapters:
            raise UnknownAdapter(name, nearest_names(name, mind) or tuple(mind.adapters))
    report_dialogues(mind, names, strict=strict)
    if check:
        return
    base = base_model_folder(settings, mind, weights=True)
    for name in names:
        train_adapter(mind, name, recipe, base, mind.adapters[name].path)


def report_dialogues(mind: Mind, names: Sequence[str], *, strict: bool) -> None:
    """Print what is worth knowing of the dialogues of adapters, of all of them before anything is refused.

    Raises:
        ChecksFailed: those of several adapters cannot be trained on; with one adapter its own error.
    """
    console = stdout_console()
    failures: list[ConsiliumError] = []
    for name in names:
        try:
            _report_adapter(console, mind, name, strict=strict)
        except ConsiliumError as failure:
            failures.append(failure)
            if len(names) > 1:
                console.print(Text(str(failure)), soft_wrap=True)
    if failures:
        raise ChecksFailed(len(failures), len(names)) if len(names) > 1 else failures[0]


def _report_adapter(console: Console, mind: Mind, name: str, *, strict: bool) -> None:
    if mind.adapters[name].dialogues is None:
        raise NoDialogues(name, "dialogues")
    report = examine_adapter(mind, name)
    console.print(Text(name, style="bold"))
    for line in report_lines(report):
        console.print(Text(f"  {line}", style="yellow" if line.startswith("!") else ""), soft_wrap=True)
    taught = report.dialogues - report.without_lesson
    if taught < MIN_DIALOGUES:
        raise TooFewDialogues(name, taught, MIN_DIALOGUES)
    if strict and report.leaks:
        raise LeakedDialogues(name, len(report.leaks))


def load_adapter_dialogues(mind: Mind, name: str, *, heldout: bool = False) -> list[Dialogue]:
    """The dialogues of an adapter that teach something, with the system prompt of its mode; blocking.

    Args:
        heldout: those to measure with, instead of those to train on.

    Raises:
        NoDialogues: the mind names no such file for the adapter.
    """
    adapter = mind.adapters[name]
    path = adapter.heldout if heldout else adapter.dialogues
    if path is None:
        raise NoDialogues(name, "heldout" if heldout else "dialogues")
    system = render_system_prompt(mind, resolve_mode(parse_expression(name), mind), (), "en")
    return [dialogue.with_system_message(system) for dialogue in read_dialogues(path) if dialogue.teaches]


def train_adapter(
    mind: Mind, name: str, recipe: Recipe, base: Path, folder: Path, *, without_core: bool = False
) -> None:
    """Train one adapter into `folder`: a topic on top of the mind's core, unless `without_core`."""
    # Imported late: torch takes seconds, and a mistyped name is refused without it.
    from inference.training.trainer import Epoch, FrozenCore, save_adapter, train

    console = Console(stderr=True, highlight=False)
    core = None
    core_digest = None
    if mind.adapters[name].kind is AdapterKind.TOPIC and not without_core:
        package = AdapterPackage.open(mind.adapters[mind.core].path)
        core, core_digest = FrozenCore(package.folder, load_adapter_dialogues(mind, mind.core)), package.digest
    dialogues = load_adapter_dialogues(mind, name)
    if len(dialogues) < MIN_DIALOGUES:
        raise TooFewDialogues(name, len(dialogues), MIN_DIALOGUES)
    console.print(f"{name}: {len(dialogues)} dialogues{f' on top of {mind.core}' if core else ''}")

    names = iter((name, mind.core))

    def show_lengths(prepared: PreparedDialogues) -> None:
        console.print(lengths_table(next(names), prepared))
        for left_out in prepared.left_out:
            console.print(Text(f"  left out: {left_out.number} (“{left_out.question}”): {left_out.reason}"))

    def report(epoch: Epoch) -> None:
        core_loss = "" if epoch.core_validation_loss is None else f", {mind.core} {epoch.core_validation_loss:.3f}"
        losses = f"training {epoch.training_loss:.3f}, validation {epoch.validation_loss:.3f}{core_loss}"
        console.print(f"  epoch {epoch.number}: {losses}")

    trained = train(base, dialogues, recipe, core=core, on_prepared=show_lengths, on_epoch=report)
    manifest = save_adapter(
        trained,
        folder,
        name=name,
        kind=mind.adapters[name].kind,
        base_model=mind.base_model,
        recipe=recipe,
        core_digest=core_digest,
    )
    console.print(f"  kept epoch {trained.best_epoch}; written to {folder} as {manifest.digest[:12]}")


def lengths_table(name: str, prepared: PreparedDialogues) -> Table:
    """How long an adapter's dialogues are, and how many of them are learnt."""
    table = new_table(
        "dialogues of", "learnt", "left out", "examples", "tokens: least", "median", "95 %", "most", "limit"
    )
    lengths = prepared.lengths
    figures = (lengths.shortest, lengths.median, lengths.percentile_95, lengths.longest, lengths.limit)
    counts = (len(prepared.examples), len(prepared.left_out), prepared.example_count)
    table.add_row(name, *map(str, (*counts, *figures)))
    return table


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
