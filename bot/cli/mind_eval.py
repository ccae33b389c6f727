"""`consilium mind eval`: whether a mind is its author, measured, with a report and a card beside each adapter."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from bot.app.settings import Settings
from bot.authoring.evaluation import Evaluation, breaches
from bot.authoring.promotion import finish_promotion
from bot.authoring.version_errors import NoCandidate
from bot.cli.common import MindOption, new_table, stdout_console
from bot.cli.durations import parse_duration
from bot.core.i18n import Translator, system_language
from bot.minds import Mind, load_mind
from bot.minds.versions import CANDIDATE_FOLDER, candidate_folder, candidate_folders, with_candidate
from consilium.errors import N_

if TYPE_CHECKING:
    from bot.authoring.evaluation.evaluator import EvaluationOptions, OnProgress
    from bot.authoring.evaluation.judging import ModeAnswers

_HEADINGS: Final = (
    N_("mode"),
    N_("gain"),
    N_("kept"),
    N_("drift"),
    N_("sense"),
    N_("voice"),
    N_("copied"),
    N_("personal"),
)
_STAGES: Final = {
    "weights": N_("Held-out dialogues and neutral texts"),
    "answers": N_("Answers"),
    "figures": N_("Figures"),
}


def evaluate(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(help="Folder of the mind.", show_default="--mind")] = None,
    mind_folder: MindOption = None,
    candidate: Annotated[
        bool,
        typer.Option("--candidate", help="Measure what was trained over adapters in use, before it is promoted."),
    ] = False,
    questions: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many questions.")] = 100,
    canary_prompts: Annotated[
        int, typer.Option(min=0, max=100_000, help="At most so many prompts that are to draw planted secrets out.")
    ] = 500,
    budget: Annotated[
        str | None,
        typer.Option(help="Stop asking after this time, such as 20m; the same command then goes on.", metavar="TIME"),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write figures and answers to this file too.")
    ] = None,
) -> None:
    """Measure a mind: gain and kept, drift, sense, voice, what it has memorised, personal data in its answers.

    Beside each figure stands that of the base model under the same prompt. The report and evaluation.json are written
    into the mind's folder. Interrupted, it goes on where it was.
    """
    # Imported late: it takes seconds, and the other commands of this group need none of it.
    from bot.app.evaluation import EVALUATION_FOLDER, evaluation_folder
    from bot.authoring.evaluation.evaluator import EvaluationOptions

    settings: Settings = context.obj
    say = Translator(settings.language or system_language())
    mind = load_mind(folder or mind_folder or settings.mind, require_adapters=not candidate)
    output, new = evaluation_folder(mind), list(mind.adapters)
    if candidate:
        finish_promotion(mind)
        if not candidate_folders(mind):
            raise NoCandidate(mind.folder)
        new = [name for name in mind.adapters if candidate_folder(mind, name).is_dir()]
        output, mind = mind.folder / CANDIDATE_FOLDER / EVALUATION_FOLDER, with_candidate(mind)
    options = EvaluationOptions(questions, canary_prompts)
    seconds = parse_duration(budget) if budget is not None else None
    evaluation, answers = measure_mind(settings, mind, options, seconds, say, output=output, new=new)
    if json_file is not None:
        json_file.write_text(json.dumps(_as_record(evaluation, answers), indent=2, ensure_ascii=False) + "\n", "utf-8")


def measure_mind(
    settings: Settings,
    mind: Mind,
    options: EvaluationOptions,
    seconds: float | None,
    say: Translator,
    *,
    output: Path | None = None,
    new: Collection[str] | None = None,
) -> tuple[Evaluation, Mapping[str, ModeAnswers]]:
    """Measure a mind, write the report and the model cards, and print the figures.

    Args:
        seconds: the time there is to generate answers; None for no limit.
        output: folder of the report; the mind's own unless given.
        new: adapters that get a card, because this is the evaluation of theirs; all of them unless given.

    Raises:
        ConsiliumError: it cannot be measured, or the time is over.
    """
    # Imported late: it takes seconds, and the other commands of this group need none of it.
    from bot.app.evaluation import evaluate_mind, evaluation_folder
    from bot.authoring.evaluation.html_report import REPORT_FILE, write_report
    from bot.authoring.evaluation.model_card import write_cards

    output = evaluation_folder(mind) if output is None else output
    with _progress(say) as on_progress:
        evaluation, answers = asyncio.run(evaluate_mind(settings, mind, output, options, on_progress, seconds=seconds))
    write_report(evaluation, answers, mind.limits, say, output)
    # The adapters in use keep the card of their own evaluation.
    trained = {name: digest for name, digest in evaluation.adapters.items() if new is None or name in new}
    write_cards(mind, evaluation.model_copy(update={"adapters": trained}))
    _print_figures(evaluation, say)
    console = stdout_console()
    found = breaches(evaluation, mind.limits, None)
    if not found:
        console.print(Text(say("Every figure is inside the limits of mind.yaml."), "green"), soft_wrap=True)
    for breach in found:
        console.print(Text(breach.localize(say.language, say.translate), "red"), soft_wrap=True)
    console.print(Text(say("The report: {path}", path=output / REPORT_FILE)), soft_wrap=True)
    return evaluation, answers


@contextmanager
def _progress(say: Translator) -> Iterator[OnProgress]:
    """Bars on standard error, one for each stage."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, highlight=False)) as progress:
        bars: dict[str, TaskID] = {}

        def show(stage: str, done: int, of: int) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(say(_STAGES[stage]), total=of)
            progress.update(bars[stage], completed=done, total=of)

        yield show


def _print_figures(evaluation: Evaluation, say: Translator) -> None:
    """One line a mode; the base model's figure behind each that it has."""
    table = new_table(*map(say, _HEADINGS), wrapped=(say(_HEADINGS[0]),))
    for mode, figures in evaluation.modes.items():
        kept = [learnt.kept for learnt in figures.learnt.values() if learnt.kept is not None]
        memorised = figures.memorised
        prompt_only = None if figures.sense_prompt_only is None else figures.sense_prompt_only.score
        table.add_row(
            mode,
            ", ".join(f"{learnt.gain:.1%}" for learnt in figures.learnt.values()) or "-",
            ", ".join(f"{each:.1%}" for each in kept) or "-",
            "-" if figures.drift is None else _with_other(figures.drift.mode, figures.drift.own, "{:.3f}"),
            "-" if figures.sense is None else _with_other(figures.sense.score, prompt_only, "{:.2f}"),
            "-" if figures.voice is None else f"{figures.voice.auc:.2f}",
            "-" if memorised is None else _with_other(memorised.longest, memorised.prompt_only, "{:.0f}"),
            "-" if figures.personal is None else str(figures.personal.count),
        )
    console = stdout_console()
    console.print(table)
    console.print(
        Text(say("In brackets: drift of the topic adapter alone; sense and copied words of the base model."), "dim"),
        soft_wrap=True,
    )


def _with_other(value: float, other: float | None, form: str) -> str:
    return form.format(value) + ("" if other is None else f" ({form.format(other)})")


def _as_record(evaluation: Evaluation, answers: Mapping[str, ModeAnswers]) -> dict[str, object]:
    said = {
        mode: [
            {
                "question": mine.question.question,
                "after": list(mine.question.after),
                "answer": mine.text,
                "prompt_only": base.text,
            }
            for mine, base in zip(each.mode, each.base, strict=True)
        ]
        for mode, each in answers.items()
    }
    return {**evaluation.model_dump(mode="json"), "answers": said}
