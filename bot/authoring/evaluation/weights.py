"""What can be measured of adapters without asking a question: what they have learnt, and how far they drift."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.answering.composer import Composer
from bot.authoring.evaluation.dialogues import mind_dialogues
from bot.authoring.evaluation.figures import Drift, Learnt
from bot.authoring.evaluation.neutral_texts import neutral_texts
from bot.authoring.evaluation.questions import EvaluatedMode
from bot.authoring.evaluation.results import ResultStore
from inference.adapters.manifest import AdapterKind
from inference.adapters.parts import Part
from inference.training.dialogues import Dialogue

if TYPE_CHECKING:
    import torch

    from inference.training.adapted_model import AdaptedModel

OnStep = Callable[[int, int], None]
"""Called with how much is done, and of how much."""


@dataclass(frozen=True, slots=True)
class WeightFigures:
    """The figures of one mode that need no answers."""

    learnt: dict[str, Learnt]
    drift: Drift
    composition: str
    """Name of the composition at strength 1."""


class WeightMeasurement:
    """Measures the adapters of a mind on its held-out dialogues and on neutral texts. Blocking.

    The base model is loaded when the first figure is not known yet.
    """

    def __init__(self, composer: Composer, base: Path, device: torch.device, results: ResultStore) -> None:
        self._composer, self._base, self._device, self._results = composer, base, device, results
        mind = composer.mind
        self._heldout = {name: mind_dialogues(mind, name, heldout=True) for name in mind.adapters}
        self.texts = neutral_texts([each for each in mind.languages if each not in mind.quoted_languages])
        self._model: AdaptedModel | None = None

    def run(self, modes: Mapping[str, EvaluatedMode], on_step: OnStep) -> dict[str, WeightFigures]:
        """The figures of every mode, by its text."""
        figures = {}
        for number, (text, each) in enumerate(modes.items()):
            on_step(number, len(modes))
            figures[text] = WeightFigures(self._learnt(each), self._drift(each), self._compose(each, strength=1.0).name)
        on_step(len(modes), len(modes))
        return figures

    def _learnt(self, each: EvaluatedMode) -> dict[str, Learnt]:
        from inference.training.loss import relative_gain, retained_gain

        full = self._compose(each, strength=1.0)
        found = {}
        for name in each.adapters:
            if not self._heldout[name]:
                continue
            base = self._loss(None, name)
            alone = self._loss(self._alone(name), name)
            composed = self._loss(full, name) if len(each.adapters) > 1 else alone
            kept = retained_gain(base, alone, composed) if alone < base and len(each.adapters) > 1 else None
            gain = relative_gain(base, alone)
            found[name] = Learnt(base=base, alone=alone, composed=composed, gain=gain, kept=kept)
        return found

    def _drift(self, each: EvaluatedMode) -> Drift:
        mind = self._composer.mind
        served = self._compose(each, strength=mind.policies.adapter_strength)
        topics = [name for name in each.adapters if mind.adapters[name].kind is AdapterKind.TOPIC]
        own = self._divergence(self._alone(topics[0])) if topics else None
        return Drift(mode=self._divergence(served), own=own)

    def _loss(self, package: Path | None, name: str) -> float:
        dialogues = [_as_record(dialogue) for dialogue in self._heldout[name]]
        key = self._results.key("held-out loss", self._composer.base.name, package and package.name, dialogues)
        known = self._results.get(key)
        if known is None:
            from inference.training.loss import HeldOutLoss

            measured = HeldOutLoss(self._base, {name: self._heldout[name]}, model=self._loaded())
            known = measured.evaluate(package, name)
            self._results.add(key, known)
        return float(known)

    def _divergence(self, package: Path) -> float:
        key = self._results.key("drift", self._composer.base.name, package.name, self.texts)
        known = self._results.get(key)
        if known is None:
            from inference.engines.tokenizer import ChatTokenizer
            from inference.training.drift import NeutralDrift

            tokenizer = ChatTokenizer(self._base)
            known = NeutralDrift(self._loaded(), [tokenizer.encode(text) for text in self.texts]).evaluate(package)
            self._results.add(key, known)
        return float(known)

    def _loaded(self) -> AdaptedModel:
        if self._model is None:
            from inference.training.adapted_model import AdaptedModel

            self._model = AdaptedModel(self._base, self._device)
        return self._model

    def _alone(self, name: str) -> Path:
        """An adapter by itself at strength 1, as a composition: its name follows from its content."""
        return self._composer.store.get_or_compose([Part(self._composer.packages[name])], self._composer.base).path

    def _compose(self, each: EvaluatedMode, strength: float) -> Path:
        parts = [replace(part, strength=strength) for part in self._composer.parts(each.mode)]
        return self._composer.store.get_or_compose(parts, self._composer.base, merge=each.mode.merge).path


def _as_record(dialogue: Dialogue) -> Sequence[tuple[str, str, bool]]:
    return [(message.role, message.content, message.learn) for message in dialogue.messages]
