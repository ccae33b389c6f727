"""Training adapters of a mind one after the other: from its dialogues, with what time there is, into its folder."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.common import new_table
from bot.cli.dialogues import load_adapter_dialogues
from bot.cli.recipe_options import recipe_of
from bot.core.errors import describe_error
from bot.core.i18n import Translator
from bot.minds import Mind
from bot.minds.versions import newest_folder, training_folder
from inference.adapters.errors import AdapterError
from inference.adapters.manifest import AdapterKind, find_manifest
from inference.adapters.package import AdapterPackage
from inference.training.errors import TooFewDialogues
from inference.training.recipe import MIN_DIALOGUES, Recipe

if TYPE_CHECKING:
    from inference.training.budget import Fitted
    from inference.training.hardware import Hardware
    from inference.training.lesson import Lesson
    from inference.training.outcome import Epoch, TrainedAdapter
    from inference.training.preparation import PreparedDialogues


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """What a command line says of a run, beside the recipe."""

    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `Recipe` that were given."""
    seeds: int = 1
    """Seeds that each adapter is trained from; the best is kept."""
    seconds: float | None = None
    """The time there is for all adapters."""
    fresh: bool = False
    """Unfinished trainings are begun anew."""
    resume: bool = False
    """Adapters that are finished are passed over."""
    keep_shortened: bool = False
    """With `resume`: also those that a former run has finished with fewer epochs or dialogues, for want of time."""
    without_core: bool = False
    """Topics are trained on the bare base model, to compare with."""


class TrainingSession:
    """Trains adapters of one mind on one machine."""

    def __init__(self, mind: Mind, base: Path, hardware: Hardware, settings: RunSettings, say: Translator) -> None:
        self._mind, self._base, self._hardware, self._settings, self._say = mind, base, hardware, settings, say
        self._console = Console(stderr=True, highlight=False, quiet=not hardware.is_main)
        self._began = time.monotonic()
        self._costs: dict[str, float] = {}
        self._candidates: list[str] = []

    def train(self, names: Sequence[str]) -> None:
        """Train adapters in this order, each into its folder; one that is in use stays, and the new is a candidate.

        Raises:
            BudgetTooShort: there was no time for any of them.
        """
        from inference.training.budget import BudgetTooShort

        if self._settings.seconds is not None:
            self._costs = {name: self._cost(name) for name in names}
        left_out: list[tuple[str, BudgetTooShort]] = []
        for name in names:
            try:
                if left_out and self._needs_missing_core(name):
                    raise left_out[0][1]
                self._train_adapter(name)
            except BudgetTooShort as error:
                left_out.append((name, error))
                reason = describe_error(error, self._say.language, self._say.translate)
                self._print(self._say("left out: {name}: {reason}", name=name, reason=reason))
            self._costs.pop(name, None)
        if self._settings.seconds is not None:
            spent = time.monotonic() - self._began
            self._print(
                self._say(
                    "{spent} s of {seconds} s are used", spent=f"{spent:.0f}", seconds=f"{self._settings.seconds:.0f}"
                ),
                indent=0,
            )
        if self._candidates:
            folder = self._mind.folder
            self._print(
                self._say(
                    "What is in use stays. {names}: a candidate. Measure it, then put it into use:",
                    names=", ".join(self._candidates),
                ),
                indent=0,
            )
            self._print(f"consilium mind eval {folder} --candidate")
            self._print(f"consilium mind promote {folder}")
        if left_out and len(left_out) == len(names):
            raise left_out[0][1]

    def _print(self, text: str, *, indent: int = 2) -> None:
        self._console.print(Text(" " * indent + text), soft_wrap=True)

    def _train_adapter(self, name: str) -> None:
        from inference.training.saving import save_adapter
        from inference.training.trainer import describe_inputs, resolve_recipe

        adapter, mind = self._mind.adapters[name], self._mind
        core = self._core_package(name)
        asked = recipe_of(mind, name, self._settings.recipe)
        recipes = [asked.model_copy(update={"seed": asked.seed + number}) for number in range(self._settings.seeds)]
        lessons = [self._lesson(name, recipe, quiet=number > 0) for number, recipe in enumerate(recipes)]
        folder = core.folder if core else None
        if self._settings.resume:
            for recipe, lesson in zip(recipes, lessons, strict=True):
                resolved = resolve_recipe(self._base, recipe, self._hardware)
                inputs = describe_inputs(self._base, lesson, resolved, folder)
                wanted = None if self._settings.keep_shortened else (resolved.epochs, lesson.dialogues)
                if _is_finished(newest_folder(mind, name), inputs.digest, wanted):
                    self._print(
                        self._say("{name} is finished, from the same dialogues and recipe: passed over", name=name)
                    )
                    return
        trained = [
            self._train_seed(name, recipe, lesson, folder, self._settings.seeds - number)
            for number, (recipe, lesson) in enumerate(zip(recipes, lessons, strict=True))
        ]
        best = min(trained, key=lambda each: each.best.stopping_loss)
        if self._hardware.is_main:
            # Not decided before: somebody may have promoted meanwhile.
            destination = training_folder(mind, name)
            manifest = save_adapter(
                best,
                destination,
                name=name,
                kind=adapter.kind,
                base_model=mind.base_model,
                core_digest=core.digest if core else None,
                others=[each for each in trained if each is not best],
            )
            for recipe in recipes:
                _remove_checkpoints(adapter.path, recipe)
            if len(trained) > 1:
                self._console.print(_seeds_table(trained, best, self._say))
                losses = [each.best.validation_loss for each in trained]
                self._print(
                    self._say.plural(
                        "validation loss of {count} seed: {mean} ({least} to {most})",
                        "validation loss of {count} seeds: {mean} ({least} to {most})",
                        len(losses),
                        mean=f"{mean(losses):.3f}",
                        least=f"{min(losses):.3f}",
                        most=f"{max(losses):.3f}",
                    )
                )
            details: dict[str, Any] = {
                "epoch": best.best_epoch,
                "seed": best.recipe.seed,
                "folder": destination,
                "digest": manifest.digest[:12],
            }
            if len(trained) > 1:
                self._print(self._say("kept epoch {epoch} of seed {seed}; written to {folder} as {digest}", **details))
            else:
                self._print(self._say("kept epoch {epoch}; written to {folder} as {digest}", **details))
            if destination != adapter.path:
                self._candidates.append(name)
        # A topic is trained on the core that has just been written.
        self._hardware.agree(None)

    def _train_seed(
        self, name: str, recipe: Recipe, lesson: Lesson, core: Path | None, seeds_left: int
    ) -> TrainedAdapter:
        from inference.training.trainer import TrainingOptions, train

        if self._settings.seeds > 1:
            self._print(self._say("seed {seed}", seed=recipe.seed))

        def report(epoch: Epoch) -> None:
            self._print(self._describe_epoch(epoch))

        def report_fitted(fitted: Fitted) -> None:
            if fitted.share < 1:
                learnt = lesson.shortened(fitted.share).dialogues
                self._print(
                    self._say.plural(
                        "there is time for {count} dialogue, once; left out: {left_out}",
                        "there is time for {count} dialogues, once; left out: {left_out}",
                        learnt,
                        left_out=lesson.dialogues - learnt,
                    )
                )
            elif fitted.epochs < recipe.epochs:
                self._print(
                    self._say.plural(
                        "there is time for {fitted} of {count} epoch; left out: {left_out}",
                        "there is time for {fitted} of {count} epochs; left out: {left_out}",
                        recipe.epochs,
                        fitted=fitted.epochs,
                        left_out=recipe.epochs - fitted.epochs,
                    )
                )

        seconds, left = self._share_of_time(name, seeds_left)
        options = TrainingOptions(
            hardware=self._hardware,
            checkpoints=_checkpoints_of(self._mind.adapters[name].path, recipe),
            fresh=self._settings.fresh,
            seconds=seconds,
            most_seconds=left,
            on_continued=lambda epoch, step: self._print(
                self._say("continued in epoch {epoch}, after step {step}", epoch=epoch, step=step)
            ),
            on_fitted=report_fitted,
            on_epoch=report,
        )
        return train(self._base, lesson, recipe, core=core, options=options)

    def _describe_epoch(self, epoch: Epoch) -> str:
        """The losses of an epoch, in one line."""
        text = self._say(
            "epoch {number}: training {training}, validation {validation}",
            number=epoch.number,
            training=f"{epoch.training_loss:.3f}",
            validation=f"{epoch.validation_loss:.3f}",
        )
        if epoch.core_validation_loss is not None:
            text += f", {self._mind.core} {epoch.core_validation_loss:.3f}"
        if epoch.drift is not None:
            text += ", " + self._say("drift from the base model {drift}", drift=f"{epoch.drift:.3f}")
        if epoch.cut_short:
            text += " " + self._say("(cut short: the time is over)")
        return text

    def _core_package(self, name: str) -> AdapterPackage | None:
        """The core that an adapter is trained on top of."""
        if self._mind.adapters[name].kind is not AdapterKind.TOPIC or self._settings.without_core:
            return None
        return AdapterPackage.open(newest_folder(self._mind, self._mind.core))

    def _needs_missing_core(self, name: str) -> bool:
        """Whether an adapter is to be trained on top of a core that there is none of."""
        is_on_core = self._mind.adapters[name].kind is AdapterKind.TOPIC and not self._settings.without_core
        return is_on_core and not newest_folder(self._mind, self._mind.core).is_dir()

    def _lesson(self, name: str, recipe: Recipe, *, quiet: bool) -> Lesson:
        """What the adapter learns from; printed how long it is, unless that has been printed already."""
        from inference.training.lesson import prepare_lesson

        mind = self._mind
        on_core = mind.adapters[name].kind is AdapterKind.TOPIC and not self._settings.without_core
        dialogues = load_adapter_dialogues(mind, name)
        if len(dialogues) < MIN_DIALOGUES:
            raise TooFewDialogues(name, len(dialogues), MIN_DIALOGUES)
        names = iter((name, mind.core))

        def show_lengths(prepared: PreparedDialogues) -> None:
            if quiet:
                return
            self._console.print(lengths_table(next(names), prepared, self._say))
            for each in prepared.left_out:
                self._print(
                    self._say(
                        "left out: {number} (“{question}”): {reason}",
                        number=each.number,
                        question=each.question,
                        reason=each.reason,
                    )
                )

        if not quiet:
            self._print(self._describe_lesson(name, len(dialogues), on_core=on_core), indent=0)
        core = load_adapter_dialogues(mind, mind.core) if on_core else None
        return prepare_lesson(self._base, dialogues, recipe, core=core, on_prepared=show_lengths)

    def _describe_lesson(self, name: str, dialogues: int, *, on_core: bool) -> str:
        if not on_core:
            return self._say.plural("{name}: {count} dialogue", "{name}: {count} dialogues", dialogues, name=name)
        return self._say.plural(
            "{name}: {count} dialogue on top of {core}",
            "{name}: {count} dialogues on top of {core}",
            dialogues,
            name=name,
            core=self._mind.core,
        )

    def _cost(self, name: str) -> float:
        """What the adapter's training from one seed takes, in tokens: for sharing out time."""
        from inference.training.budget import learnt_tokens

        recipe = recipe_of(self._mind, name, self._settings.recipe)
        return learnt_tokens(self._lesson(name, recipe, quiet=True), recipe) * recipe.epochs

    def _share_of_time(self, name: str, seeds_left: int) -> tuple[float | None, float | None]:
        """The seconds for one training, of what is left for it and for those after it; and all that is left."""
        if self._settings.seconds is None:
            return None, None
        left = max(0.0, self._settings.seconds - (time.monotonic() - self._began))
        own = self._costs[name]
        others = (sum(self._costs.values()) - own) * self._settings.seeds
        return self._hardware.agree((left * own / (own * seeds_left + others), left))


def lengths_table(name: str, prepared: PreparedDialogues, say: Translator) -> Table:
    """How long an adapter's dialogues are, and how many of them are learnt."""
    table = new_table(
        say("dialogues of"),
        say("learnt"),
        say("left out"),
        say("examples"),
        say("tokens: least"),
        say("median"),
        say("95 %"),
        say("most"),
        say("limit"),
    )
    lengths = prepared.lengths
    figures = (lengths.shortest, lengths.median, lengths.percentile_95, lengths.longest, lengths.limit)
    counts = (len(prepared.examples), len(prepared.left_out), prepared.example_count)
    table.add_row(name, *map(str, (*counts, *figures)))
    return table


def _seeds_table(trained: Sequence[TrainedAdapter], best: TrainedAdapter, say: Translator) -> Table:
    """The losses of the best epochs of all seeds."""
    table = new_table(say("seed"), say("epoch"), say("training"), say("validation"), say("core"), "")
    for each in trained:
        core = each.best.core_validation_loss
        table.add_row(
            str(each.recipe.seed),
            str(each.best_epoch),
            f"{each.best.training_loss:.3f}",
            f"{each.best.validation_loss:.3f}",
            "" if core is None else f"{core:.3f}",
            say("kept") if each is best else "",
        )
    return table


def describe_spread(values: Sequence[float], form: str = ".3f") -> str:
    """Mean and range of values from several seeds."""
    return f"{mean(values):{form}} ({min(values):{form}} to {max(values):{form}})"


_UNFINISHED: Final = ".{name}.training"


def _checkpoints_of(adapter: Path, recipe: Recipe) -> Path:
    """Where the checkpoints of an adapter are: beside it, until it is finished."""
    return adapter.with_name(_UNFINISHED.format(name=adapter.name)) / f"seed-{recipe.seed}"


def _remove_checkpoints(adapter: Path, recipe: Recipe) -> None:
    import shutil

    folder = _checkpoints_of(adapter, recipe)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.parent.is_dir() and not any(folder.parent.iterdir()):
        folder.parent.rmdir()


def _is_finished(folder: Path, inputs: str, wanted: tuple[int, int] | None) -> bool:
    """Whether there is an adapter that was trained from these inputs.

    Args:
        wanted: the epochs and dialogues that it must have had; None for any number.
    """
    from inference.training.saving import INPUTS

    if not folder.is_dir():
        return False
    try:
        manifest = find_manifest(folder)
        if manifest is None or AdapterPackage.open(folder).digest != manifest.digest:
            return False
    except AdapterError:
        return False
    had = (manifest.recipe.get("epochs"), manifest.figures.get("dialogues"))
    return manifest.recipe.get(INPUTS) == inputs and wanted in (None, had)
