"""The stages of `consilium mind new` after the template: import, subjects, training, evaluation, and the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.text import Text

from bot.app.components import base_model_folder, read_base_model
from bot.app.settings import Settings
from bot.authoring.report import ImportReport
from bot.authoring.review import apply_review, open_stages
from bot.authoring.subjects.acceptance import read_acceptance
from bot.cli.common import stdout_console
from bot.cli.making_report import print_language_warning, print_making_report
from bot.cli.mind_eval import measure_mind
from bot.cli.mind_import import can_ask, import_sources, rules_of
from bot.cli.mind_subjects import accept_subjects, ask_for_subjects, look_for_subjects, print_proposal
from bot.cli.new_mind_answers import Answers
from bot.cli.training_run import RunSettings, TrainingSession
from bot.core.errors import describe_error
from bot.core.i18n import Translator
from bot.minds import Mind, load_mind
from consilium.errors import N_, ConsiliumError
from inference.adapters.blank import is_blank, write_blank_adapter
from inference.training.dialogues import read_dialogues
from inference.training.recipe import MIN_DIALOGUES

STAGES: Final = (
    N_("the folder of the mind"),
    N_("import: what there is, what is kept, and why"),
    N_("subjects: what deserves an adapter of its own"),
    N_("training: first the core, then the topics"),
    N_("evaluation: what was learnt"),
)


def print_stage(number: int, say: Translator) -> None:
    """Print which stage begins, and what comes after it."""
    later = say(STAGES[number]) if number < len(STAGES) else say("the report")
    text = say(
        "Stage {number} of {total}: {stage}. Next: {later}.",
        number=number,
        total=len(STAGES),
        stage=say(STAGES[number - 1]),
        later=later,
    )
    stdout_console().print(Text(f"\n{text}", "bold"), soft_wrap=True)


class MindMaking:
    """Makes a mind out of sources. Each stage looks at what is there already, so that it goes on wherever it ended."""

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        sources: Sequence[Path],
        answers: Answers,
        budget: float,
        questions: int,
        say: Translator,
    ) -> None:
        """Set up, without doing anything.

        Args:
            folder: of the mind, with its template.
            budget: seconds that training may take, and generating answers to measure with again.
            questions: that are asked to measure with; 0 for no evaluation.
        """
        self._settings, self._folder, self._sources = settings, folder, sources
        self._answers, self._budget, self._questions, self._say = answers, budget, questions, say

    def run(self) -> None:
        """Do what is not done yet, and print the report."""
        report = self._import()
        self._choose_subjects()
        # The review may have been used since; what is trained on are the dialogues as they are now.
        report = apply_review(self._folder)
        self._train()
        self._evaluate()
        print_making_report(self._mind(), report, self._say)

    def _mind(self) -> Mind:
        return load_mind(self._folder, require_adapters=False)

    def _import(self) -> ImportReport:
        print_stage(2, self._say)
        mind = self._mind()
        rules = rules_of(mind, bool(self._answers.others_words))
        report = import_sources(mind, self._sources, rules, self._answers.authors, self._say).report
        say = self._say
        self._print(say("Kept {kept} of {total} messages and passages.", kept=report.kept_pieces, total=report.pieces))
        print_language_warning(mind, report, say)
        return report

    def _choose_subjects(self) -> None:
        print_stage(3, self._say)
        mind = self._mind()
        stages = open_stages(self._folder)
        found = look_for_subjects(self._settings, mind, stages)
        before = read_acceptance(stages)
        if before is not None and before.inputs == found.inputs:
            # Accepted is accepted; only what a killed process has not come to is written again.
            self._print(self._say("The subjects are chosen: {names}.", names=", ".join(_topics(mind)) or "–"))
            return
        proposal = found.proposal
        print_proposal(proposal, self._say)
        if can_ask() and proposal.subjects:
            proposal = ask_for_subjects(proposal, found, self._say) or proposal.without_subjects()
        accept_subjects(mind, stages, found, proposal)

    def _train(self) -> None:
        print_stage(4, self._say)
        mind = self._mind()
        base = base_model_folder(self._settings, mind, weights=True)
        spec = read_base_model(mind, base)
        names = [mind.core, *_topics(mind)]
        learnable = [name for name in names if _count_dialogues(mind, name) >= MIN_DIALOGUES]
        for name in names:
            path = mind.adapters[name].path
            if name not in learnable and not path.exists():
                write_blank_adapter(spec, path, name=name, kind=mind.adapters[name].kind)
        if not learnable:
            self._print(self._say("There is too little to learn: the base model answers as it is."))
            return

        from inference.training.budget import BudgetTooShort
        from inference.training.hardware import open_hardware

        for name in learnable:
            if is_blank(mind.adapters[name].path):
                _remove(mind.adapters[name].path)
        run = RunSettings(seconds=self._budget, resume=True, keep_shortened=True)
        with open_hardware(self._settings.device) as hardware:
            try:
                TrainingSession(mind, base, hardware, run, self._say).train(learnable)
            except BudgetTooShort as error:
                self._print(describe_error(error, self._say.language, self._say.translate))
        for name in learnable:
            if not mind.adapters[name].path.exists():
                write_blank_adapter(spec, mind.adapters[name].path, name=name, kind=mind.adapters[name].kind)

    def _evaluate(self) -> None:
        print_stage(5, self._say)
        mind = load_mind(self._folder)
        if all(is_blank(adapter.path) for adapter in mind.adapters.values()):
            self._print(self._say("Nothing was learnt, so there is nothing to measure."))
            return
        if not self._questions:
            self._print(self._say("Measure it later: consilium mind eval {folder}", folder=self._folder))
            return

        from bot.authoring.evaluation.evaluator import EvaluationOptions

        try:
            measure_mind(self._settings, mind, EvaluationOptions(self._questions, 0), self._budget, self._say)
        except ConsiliumError as error:
            # The mind can be talked to all the same.
            self._print(describe_error(error, self._say.language, self._say.translate))
            self._print(self._say("Measure it later: consilium mind eval {folder}", folder=self._folder))

    def _print(self, text: str) -> None:
        stdout_console().print(Text(text), soft_wrap=True)


def _topics(mind: Mind) -> list[str]:
    return [name for name in mind.adapters if name != mind.core]


def _count_dialogues(mind: Mind, name: str) -> int:
    path = mind.adapters[name].dialogues
    if path is None or not path.stat().st_size:
        return 0
    return sum(dialogue.teaches for dialogue in read_dialogues(path))


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)
