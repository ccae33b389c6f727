"""The figures of an evaluation, as they are written to `evaluation.json`.

What could not be measured is None: a mind without held-out dialogues has no gain, one without canaries no canaries.
Every share is between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from bot.authoring.stages import write_atomically

EVALUATION_FILE: Final = "evaluation.json"
FORMAT: Final = 1
"""Of the file; raised when a reader of the one before would misread it."""


class Figures(BaseModel):
    """A part of an evaluation. It is immutable; keys that a later version writes are passed over."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, use_attribute_docstrings=True, extra="ignore")


class EvaluationSettings(Figures):
    """What an evaluation was made with; figures of different settings are not to be compared."""

    questions: int
    """At most so many of each mode."""
    strength: float
    """What the mind multiplies its adapters by; answers and drift are measured at it, gain and kept at 1."""
    max_tokens: int
    repetition_penalty: float
    embedder: str
    neutral_texts: int
    """Paragraphs that drift was measured on."""


class Learnt(Figures):
    """One adapter on its own held-out dialogues, at strength 1; losses in nats per answer token."""

    base: float
    """Of the base model under the mind's own prompt: what a prompt alone reaches."""
    alone: float
    """Of the adapter alone."""
    composed: float
    """Of the mode's composition."""
    gain: float
    """Share of the base's loss that the adapter takes away alone; below 0 where it adds to it."""
    kept: float | None
    """Share of the gain that is left in the composition; None where there is no gain to keep."""


class Drift(Figures):
    """How far the model has moved where nobody asked it to: Kullback-Leibler divergence from the base, nats a token."""

    mode: float
    """Of the mode as it is served, a mean over the tokens of neutral texts."""
    own: float | None
    """Of the mode's topic adapter alone at strength 1; None for a mode without one."""

    @property
    def share(self) -> float | None:
        """The mode's, as a share of the topic's own."""
        return self.mode / self.own if self.own else None


class Sense(Figures):
    """Whether answers make sense, whoever is speaking (`bot.authoring.evaluation.sense`)."""

    answers: int
    score: float
    """0 to 1: the mean of the answers' scores."""
    loss: float
    """Of the answers under the bare base model, nats a token; perplexity is its exponential."""
    likeness: float
    """Cosine of question and answer, a mean."""
    fluent: float
    """0 to 1: 1 is as likely as what the base model answers, 0 as unlikely as words in random order."""
    pointed: float
    """0 to 1: how much better an answer fits its own question than the others."""
    repeated: float
    """Share of the words that repeat what the same answer has said."""
    contradicted: float
    """Share of the answers that contradict a passage they were given."""


class Voice(Figures):
    """Whether answers sound like the author (`bot.authoring.evaluation.voice`)."""

    auc: float
    """How surely the author classifier tells the mode's answers from the base's to the same questions; .5 is chance."""
    author: float
    """How surely it tells what the author wrote from the base's answers: the most that can be expected of `auc`."""
    others: float | None
    """How surely it tells what the author wrote from what other people wrote; None where little of theirs is known."""
    likelihood: float
    """Mean probability that the mode's answers are the author's."""
    prompt_only: float
    """The same of the base's answers under the same prompt."""


class Memorised(Figures):
    """What of the training dialogues comes out word for word."""

    longest: int
    """Words of the longest span that an answer shares with an answer trained on."""
    prompt_only: int
    """The same of the base's answers, which were trained on none of them."""
    canaries: int = 0
    """Secrets that were planted."""
    canary_prompts: int = 0
    """Prompts meant to draw them out."""
    canaries_found: int = 0
    """Planted secrets that came out."""


class Personal(Figures):
    """Personal data in answers that was neither in the question nor in the prompt, by kind."""

    kinds: dict[str, int]
    """Pieces by kind. A name counts where the training dialogues have it: other names are the model's inventions."""
    invented_names: int = 0

    @property
    def count(self) -> int:
        """All pieces."""
        return sum(self.kinds.values())


class ModeFigures(Figures):
    """One mode."""

    adapters: tuple[str, ...]
    """What the mode is composed of; the core first."""
    learnt: dict[str, Learnt] = {}
    """By adapter."""
    drift: Drift | None = None
    composition: str | None = None
    """Name of the mode's composition at strength 1, which `learnt` is measured with: what it is made of decides it."""
    sense: Sense | None = None
    sense_prompt_only: Sense | None = None
    """Of the base model's answers to the same questions under the same prompt: what the adapters have to beat."""
    voice: Voice | None = None
    memorised: Memorised | None = None
    personal: Personal | None = None


class Evaluation(Figures):
    """Everything that was measured of one set of adapters."""

    format: int = FORMAT
    mind: str
    base_model: str
    adapters: dict[str, str]
    """Digests of the adapters' weights by name."""
    measured: datetime
    settings: EvaluationSettings
    modes: dict[str, ModeFigures]
    """By the canonical text of the mode: the core alone, each topic on the core, each isolated adapter."""
    skipped: dict[str, int] = {}
    """Questions that were not asked, by reason: in a language that the base model does not write, for example."""

    def is_of(self, digests: Mapping[str, str]) -> bool:
        """Whether these are the figures of adapters with these digests, and of no others."""
        return self.adapters == dict(digests)


def read_evaluation(folder: Path) -> Evaluation | None:
    """The evaluation in a folder; None if there is none, or none that can be read. Blocking."""
    try:
        return Evaluation.model_validate_json((folder / EVALUATION_FILE).read_bytes())
    except (OSError, ValueError):
        return None


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write an evaluation into a folder, whole or not at all; blocking."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / EVALUATION_FILE, [evaluation.model_dump_json(indent=2) + "\n"])
