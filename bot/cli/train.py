"""`consilium train`: train adapters of a mind, or tell what that would take."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from bot.app.components import base_model_folder
from bot.app.settings import Settings
from bot.authoring.promotion import finish_promotion
from bot.cli import recipe_options as options
from bot.cli.common import MindOption, stdout_console
from bot.cli.durations import parse_duration
from bot.cli.errors import ChecksFailed, NoDialogues
from bot.cli.processes import is_child, is_main_process, run_in_processes
from bot.cli.training_report import examine_adapter, report_lines
from bot.cli.training_run import RunSettings, TrainingSession
from bot.core.i18n import Translator, system_language
from bot.minds import Mind, load_mind
from bot.minds.errors import UnknownAdapter
from bot.minds.names import nearest_names
from consilium.errors import ConsiliumError
from inference.training.errors import LeakedDialogues, TooFewDialogues
from inference.training.recipe import MIN_DIALOGUES

_RUN = "The run"


def train(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(help="Adapters to train: the core before its topics.")],
    mind_folder: MindOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only report on the dialogues; train nothing.", rich_help_panel=_RUN)
    ] = False,
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Only tell tokens, memory and time; train nothing.", rich_help_panel=_RUN),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse held-out dialogues that are also trained on.", rich_help_panel=_RUN),
    ] = False,
    budget: Annotated[
        float | None,
        typer.Option(
            parser=parse_duration,
            metavar="TIME",
            help="Train what fits into this time, such as 15m, and say what is left out.",
            rich_help_panel=_RUN,
            show_default="as long as it takes",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="Train from so many seeds and keep the best.", rich_help_panel=_RUN)
    ] = 1,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Pass over adapters that are finished. Unfinished ones are continued with and without it.",
            rich_help_panel=_RUN,
        ),
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin unfinished ones anew.", rich_help_panel=_RUN)] = False,
    device: Annotated[
        str | None,
        typer.Option(help="auto, cpu, cuda, cuda:1 or mps.", rich_help_panel=_RUN, show_default="CONSILIUM_DEVICE"),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that train together, one a GPU.", rich_help_panel=_RUN)
    ] = 1,
    rank: options.Rank = None,
    alpha: options.Alpha = None,
    modules: options.Modules = None,
    dropout: options.Dropout = None,
    learning_rate: options.LearningRate = None,
    weight_decay: options.WeightDecay = None,
    epochs: options.Epochs = None,
    patience: options.Patience = None,
    batch_size: options.BatchSize = None,
    accumulate: options.Accumulate = None,
    seed: options.Seed = None,
    rehearsal: options.Rehearsal = None,
    anchor: options.Anchor = None,
    max_tokens: options.MaxTokens = None,
    max_left_out: options.MaxLeftOut = None,
    batch_tokens: options.BatchTokens = None,
    precision: options.PrecisionOption = None,
    quantize: options.Quantize = None,
    gradient_checkpointing: options.GradientCheckpointing = None,
) -> None:
    """Train adapters of a mind from its dialogues, and save them in its folder.

    An adapter that is in use stays in use: what is trained over it is a candidate, for `consilium mind promote`.

    The dialogues are read and reported on first: repetitions, held-out ones that are trained on, languages, lengths. A
    training that was interrupted is continued. Whatever shapes an adapter can also be set in mind.yaml.
    """
    settings: Settings = context.obj
    given: dict[str, Any] = context.params
    mind = load_mind(mind_folder or settings.mind, require_adapters=False)
    if not (check or plan or is_child()):
        finish_promotion(mind)
    for name in names:
        if name not in mind.adapters:
            raise UnknownAdapter(name, nearest_names(name, mind) or tuple(mind.adapters))
        options.recipe_of(mind, name, given)
    if processes > 1 and not (check or plan or is_child()):
        raise typer.Exit(run_in_processes(sys.argv[1:], processes))
    report_dialogues(mind, names, strict=strict)
    if check:
        return
    where = device or settings.device
    if plan:
        from bot.cli.training_plan import show_plan

        show_plan(mind, names, given, settings, where, processes)
        return
    base = base_model_folder(settings, mind, weights=True)

    from inference.training.hardware import open_hardware

    run = RunSettings(recipe=given, seeds=seeds, seconds=budget, fresh=fresh, resume=resume)
    with open_hardware(where) as hardware:
        say = Translator(settings.language or system_language())
        TrainingSession(mind, base, hardware, run, say).train(names)


def report_dialogues(mind: Mind, names: Sequence[str], *, strict: bool) -> None:
    """Print what is worth knowing of the dialogues of adapters, of all of them before anything is refused.

    Raises:
        ChecksFailed: those of several adapters cannot be trained on; with one adapter its own error.
    """
    console = stdout_console(quiet=not is_main_process())
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
