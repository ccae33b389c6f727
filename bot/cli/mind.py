"""`consilium train` and `consilium init`: make a mind's folder and train its adapters."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from bot import minds
from bot.app.components import base_model_folder
from bot.app.settings import Settings
from bot.cli.common import stdout_console
from bot.cli.errors import BadRecipe, FolderNotEmpty, NoDialogues
from bot.minds import Mind, load_mind, render_system_prompt
from bot.minds.errors import UnknownAdapter
from bot.minds.grammar import parse_expression
from bot.minds.names import nearest_names
from bot.minds.resolve import resolve_mode
from inference.adapters.manifest import AdapterKind
from inference.adapters.package import AdapterPackage
from inference.training.dialogues import Dialogue, TooFewDialogues, read_dialogues
from inference.training.recipe import Recipe

_DEFAULT_RECIPE = Recipe()
MIN_DIALOGUES = 16
"""Fewer cannot be both learnt from and stopped by."""


def train(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(help="Adapters to train; the core before its topics.")],
    mind_folder: Annotated[Path | None, typer.Option("--mind", help="Folder of the mind.")] = None,
    rank: Annotated[int, typer.Option(help="Rank of the LoRA.")] = _DEFAULT_RECIPE.rank,
    epochs: Annotated[int, typer.Option(help="At most; early stopping may end sooner.")] = _DEFAULT_RECIPE.epochs,
    learning_rate: Annotated[float, typer.Option(help="Of AdamW.")] = _DEFAULT_RECIPE.learning_rate,
    rehearsal: Annotated[
        float, typer.Option(help="Share of the core's dialogues a topic sees.")
    ] = _DEFAULT_RECIPE.rehearsal,
    seed: Annotated[int, typer.Option(help="Of the split, the order and the first weights.")] = _DEFAULT_RECIPE.seed,
) -> None:
    """Train adapters of a mind from its dialogues, and write them into the mind."""
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind, require_adapters=False)
    given = {"rank": rank, "epochs": epochs, "learning_rate": learning_rate, "rehearsal": rehearsal, "seed": seed}
    try:
        recipe = Recipe.model_validate(given | {"alpha": 2 * rank})
    except ValidationError as error:
        problem = error.errors()[0]
        option = str(problem["loc"][0])
        raise BadRecipe(option.replace("_", "-"), given.get(option), problem["msg"]) from None
    for name in names:
        if name not in mind.adapters:
            raise UnknownAdapter(name, nearest_names(name, mind) or tuple(mind.adapters))
    base = base_model_folder(settings, mind, weights=True)
    for name in names:
        train_adapter(mind, name, recipe, base, mind.adapters[name].path)


def load_adapter_dialogues(mind: Mind, name: str, *, heldout: bool = False) -> list[Dialogue]:
    """An adapter's dialogues under the system prompt of its own mode; blocking.

    Raises:
        NoDialogues: the mind names no such file for the adapter.
    """
    adapter = mind.adapters[name]
    path = adapter.heldout if heldout else adapter.dialogues
    if path is None:
        raise NoDialogues(name, "heldout" if heldout else "dialogues")
    system = render_system_prompt(mind, resolve_mode(parse_expression(name), mind), (), "en")
    return [dialogue.with_system_message(system) for dialogue in read_dialogues(path)]


def train_adapter(
    mind: Mind, name: str, recipe: Recipe, base: Path, folder: Path, *, without_core: bool = False
) -> None:
    """Train one adapter into `folder`; a topic on top of the mind's core, unless it is to be trained apart."""
    # Imported late: torch takes seconds, which a mistyped name need not wait for.
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

    def report(epoch: Epoch) -> None:
        beside = "" if epoch.core_validation_loss is None else f", {mind.core} {epoch.core_validation_loss:.3f}"
        losses = f"training {epoch.training_loss:.3f}, validation {epoch.validation_loss:.3f}{beside}"
        console.print(f"  epoch {epoch.number}: {losses}")

    trained = train(base, dialogues, recipe, core=core, on_epoch=report)
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


MIND_TEMPLATE = Path(minds.__file__).parent / "template"


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
