"""`consilium adapters learn`: weights of a mode's adapters over the layers, learnt from held-out dialogues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from bot.app.components import base_model_folder, open_composer
from bot.app.settings import Settings
from bot.authoring.evaluation.dialogues import mind_dialogues
from bot.cli.common import MindOption, new_table, stdout_console
from bot.core.errors import BotError
from bot.minds import Mind, load_mind
from bot.minds.edit import edit_mind, put_mode
from bot.minds.grammar import is_valid_name, normalise, parse_expression
from bot.minds.resolve import ResolvedMode, resolve_mode
from consilium.errors import N_
from inference.adapters.parts import Part

if TYPE_CHECKING:
    from inference.training.encoding import Example


class NothingToWeigh(BotError):
    """A mode has fewer than two adapters, or one of them has too few held-out dialogues."""

    sentence = N_("Weights for {mode} cannot be learnt: {count} of its adapters have four held-out dialogues or more.")
    remedy = N_("Name a mode of two adapters or more that all have held-out dialogues in mind.yaml.")

    def __init__(self, mode: str, count: int) -> None:
        super().__init__(mode=mode, count=count)


class ModeNameUnusable(BotError):
    """Learnt weights are to be kept under a name that is no name, or is taken."""

    sentence = N_("“{name}” cannot name the mode {mode}: it is taken, or it is no name.")
    remedy = N_("Choose another name of letters, digits, “-” and “_”.")

    def __init__(self, name: str, mode: str) -> None:
        super().__init__(name=name, mode=mode)


def learn(
    context: typer.Context,
    mode: Annotated[str, typer.Argument(help="A mode, such as sport+core.")],
    name: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Keep what is learnt in mind.yaml, as a mode of this name."),
    ] = None,
    points: Annotated[int, typer.Option(min=1, max=64, help="Points of each adapter, first layer to last.")] = 4,
    steps: Annotated[int, typer.Option(min=1, help="Steps of learning.")] = 40,
    mind_folder: MindOption = None,
) -> None:
    """Learn how much each adapter of a mode should weigh from layer to layer.

    Half of the held-out dialogues teach; the other half shows what is kept with equal weights and with those that were
    learnt. Nothing is written where the learnt ones keep less.
    """
    from inference.training.adapted_model import frozen_base
    from inference.training.curve_learning import CurveLearner, CurveSettings

    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind)
    folder = base_model_folder(settings, mind, weights=True)
    composer = open_composer(settings, mind, folder)
    resolved = resolve_mode(parse_expression(mode), mind)
    if name is not None:
        _check_name(name, resolved, mind)
    weights, packages = composer.weights(resolved), {}
    for term in resolved.terms:
        alone = composer.store.get_or_compose([Part(composer.packages[term.name])], composer.base)
        packages[term.name] = alone.path
    taught, unseen = _halves(mind, resolved, folder)
    learner = CurveLearner(frozen_base(folder, settings.device), packages, weights)
    curves = learner.learn(taught, CurveSettings(points=points, steps=steps))
    before, after = learner.measure(unseen, {}), learner.measure(unseen, curves)
    console = stdout_console()
    table = new_table("adapter", "weight", "from first layer to last", "kept before", "kept after")
    for each, curve in curves.items():
        shown = ", ".join(f"{point:g}" for point in curve)
        table.add_row(each, f"{weights[each]:.2f}", shown, f"{before.kept[each]:.0%}", f"{after.kept[each]:.0%}")
    console.print(table)
    if after.mean <= before.mean:
        console.print("What was learnt keeps no more on dialogues it was not learnt from, and is not written.")
    elif name is not None:
        edit_mind(mind.folder, put_mode(normalise(name), str(resolved.expression), curves))
        console.print(Text(f"{normalise(name)} is a mode of {mind.name} now."))
    else:
        console.print(Text(f"--as NAME keeps it in {mind.folder / 'mind.yaml'}."), soft_wrap=True)


def _check_name(name: str, mode: ResolvedMode, mind: Mind) -> None:
    """The name is free, or is that of a mode with the same adapters.

    Raises:
        ModeNameUnusable
    """
    normal = normalise(name)
    known = mind.modes.get(normal)
    is_same = known is not None and resolve_mode(parse_expression(known.mode), mind).expression == mode.expression
    if not is_valid_name(normal) or (normal in mind.names and not is_same):
        raise ModeNameUnusable(name, str(mode.expression))


def _halves(
    mind: Mind, mode: ResolvedMode, base: Path
) -> tuple[Mapping[str, Sequence[Example]], Mapping[str, Sequence[Example]]]:
    """Held-out dialogues of every adapter: those to learn from, and those to look at.

    Raises:
        NothingToWeigh: there are too few.
    """
    from inference.engines.tokenizer import ChatTokenizer
    from inference.training.encoding import encode_dialogue

    tokenizer = ChatTokenizer(base)
    found = {}
    for term in mode.terms:
        dialogues = mind_dialogues(mind, term.name, heldout=True)
        if len(dialogues) >= 4:
            found[term.name] = [encode_dialogue(dialogue, tokenizer) for dialogue in dialogues]
    if len(found) < max(len(mode.terms), 2):
        raise NothingToWeigh(mode.text, len(found))
    taught = {name: [it for group in groups[::2] for it in group] for name, groups in found.items()}
    unseen = {name: [it for group in groups[1::2] for it in group] for name, groups in found.items()}
    return taught, unseen
