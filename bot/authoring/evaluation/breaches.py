"""Which limits of a mind an evaluation breaks. Promotion asks this and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from bot.authoring.evaluation.figures import Evaluation, ModeFigures
from bot.minds.schema import Limits
from consilium.errors import N_

_TOLERANCE: Final = 1e-9
"""Of a figure that is its limit to the last digit but one."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that one mode breaks. It reads as one sentence in the language of whoever is shown it."""

    mode: str
    measure: str
    """Name of the limit in `mind.yaml`."""
    value: float
    limit: float
    sentence: str
    """What is wrong, as a template over `mode`, `adapter`, `value` and `limit`."""
    shown: str = "{:.3g}"
    """How the two figures are written."""
    adapter: str = ""
    """Whose figure it is, where the mode has several."""

    def localize(self, language: str, translate: Callable[[str], str]) -> str:
        """The sentence in one language (`bot.core.errors.Localizable`)."""
        value, limit = self.shown.format(self.value), self.shown.format(self.limit)
        return translate(self.sentence).format(mode=self.mode, adapter=self.adapter, value=value, limit=limit)

    def __str__(self) -> str:
        return self.localize("en", str)


def breaches(evaluation: Evaluation, limits: Limits, live: Evaluation | None) -> list[Breach]:
    """Every limit that an evaluation breaks, mode by mode; none if its adapters may be promoted. Pure.

    What was not measured breaks nothing, except beside a live evaluation that has it: then the two cannot be compared.

    Args:
        limits: of the mind.
        live: the evaluation of the adapters that are in use; None if there are none, or if they were not evaluated.
    """
    found: list[Breach] = []
    for mode, figures in evaluation.modes.items():
        found += _of_mode(mode, figures, limits)
        if live is not None and mode in live.modes:
            found += _beside(mode, figures, live.modes[mode], limits)
    return found


def _of_mode(mode: str, figures: ModeFigures, limits: Limits) -> Iterator[Breach]:
    for adapter, learnt in figures.learnt.items():
        if learnt.gain < limits.gain - _TOLERANCE or learnt.gain <= 0:
            yield Breach(mode, "gain", learnt.gain, limits.gain, _GAIN, _PERCENT, adapter)
        if learnt.kept is not None and learnt.kept < limits.kept - _TOLERANCE:
            yield Breach(mode, "kept", learnt.kept, limits.kept, _KEPT, _PERCENT, adapter)
    share = figures.drift.share if figures.drift else None
    if share is not None and share > limits.drift + _TOLERANCE:
        yield Breach(mode, "drift", share, limits.drift, _DRIFT, _PERCENT)
    if figures.sense and figures.sense_prompt_only:
        least = figures.sense_prompt_only.score - limits.sense
        if figures.sense.score < least - _TOLERANCE:
            yield Breach(mode, "sense", figures.sense.score, least, _SENSE, _PERCENT)
    if figures.voice and figures.voice.auc < limits.voice - _TOLERANCE:
        yield Breach(mode, "voice", figures.voice.auc, limits.voice, _VOICE)
    if figures.memorised:
        if figures.memorised.longest > limits.copied_words:
            yield Breach(mode, "copied_words", figures.memorised.longest, limits.copied_words, _COPIED, "{:.0f}")
        if figures.memorised.canaries_found > limits.canaries:
            found = figures.memorised.canaries_found
            yield Breach(mode, "canaries", found, limits.canaries, _CANARIES, "{:.0f}")
    if figures.personal and figures.personal.count > limits.personal:
        yield Breach(mode, "personal", figures.personal.count, limits.personal, _PERSONAL, "{:.0f}")


def _beside(mode: str, figures: ModeFigures, live: ModeFigures, limits: Limits) -> Iterator[Breach]:
    """What is worse than in use by more than the limits allow."""
    for adapter, learnt in figures.learnt.items():
        if adapter in live.learnt:
            least = live.learnt[adapter].gain * (1 - limits.below_live)
            if learnt.gain < least - _TOLERANCE:
                yield Breach(mode, "below_live", learnt.gain, least, _GAIN_LIVE, _PERCENT, adapter)
    for now, before, name in ((figures.sense, live.sense, "sense"), (figures.voice, live.voice, "voice")):
        if before is not None and now is None:
            yield Breach(mode, "below_live", 0.0, limits.below_live, _NOT_MEASURED[name])
    if figures.sense and live.sense:
        least = live.sense.score - limits.below_live
        if figures.sense.score < least - _TOLERANCE:
            yield Breach(mode, "below_live", figures.sense.score, least, _SENSE_LIVE, _PERCENT)
    if figures.voice and live.voice:
        least = live.voice.auc - limits.below_live
        if figures.voice.auc < least - _TOLERANCE:
            yield Breach(mode, "below_live", figures.voice.auc, least, _VOICE_LIVE)


_PERCENT: Final = "{:.1%}"
_GAIN: Final = N_(
    "In {mode} the adapter {adapter} takes {value} off the base model's loss on its held-out dialogues; "
    "it has to be more than 0 and at least {limit}."
)
_KEPT: Final = N_("In {mode} {value} of what the adapter {adapter} has learnt is kept; it has to be at least {limit}.")
_DRIFT: Final = N_(
    "In {mode} the model drifts {value} as far on neutral texts as under its topic adapter alone; "
    "{limit} is the most allowed."
)
_SENSE: Final = N_(
    "The answers in {mode} make less sense than the base model's with the same prompt: {value}, and at least {limit} "
    "is needed."
)
_VOICE: Final = N_(
    "The answers in {mode} are told from the base model's with an AUC of {value}; it has to be at least {limit}."
)
_COPIED: Final = N_(
    "Words in a row that an answer in {mode} repeats from a training dialogue: {value}; {limit} is the most allowed."
)
_CANARIES: Final = N_("Planted secrets that came out in {mode}: {value}; {limit} is the most allowed.")
_PERSONAL: Final = N_("Pieces of personal data in the answers in {mode}: {value}; {limit} is the most allowed.")
_GAIN_LIVE: Final = N_(
    "In {mode} the adapter {adapter} has learnt less than the one in use: it takes {value} off the base model's loss, "
    "and at least {limit} is needed."
)
_SENSE_LIVE: Final = N_(
    "The answers in {mode} make less sense than those in use: {value}, and at least {limit} is needed."
)
_VOICE_LIVE: Final = N_(
    "The answers in {mode} sound less like the author than those in use: an AUC of {value}, and at least {limit} is "
    "needed."
)
_NOT_MEASURED: Final = {
    "sense": N_("The sense of the answers in {mode} was measured for the adapters in use, and not for these."),
    "voice": N_("The voice of the answers in {mode} was measured for the adapters in use, and not for these."),
}
