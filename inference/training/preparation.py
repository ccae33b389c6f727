"""What of a set of dialogues can be learnt: encoded and proved, measured, and what is left out and why."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from consilium.errors import N_
from inference.engines.errors import AnswerNotWritable, PromptRefused
from inference.engines.tokenizer import ChatTokenizer
from inference.errors import InferenceError
from inference.training.dialogues import Dialogue
from inference.training.encoding import Example, encode_dialogue
from inference.training.errors import TrainingError

_NAMED: Final = 5
"""How many dialogues an error names."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A dialogue that cannot be learnt as it is."""

    number: int
    """Its line in its file, or its place among the dialogues, from 1."""
    question: str
    """What the person asked first; the beginning of it."""
    reason: InferenceError


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of the dialogues: of each, the longest example that is made of it."""

    shortest: int
    median: int
    percentile_95: int
    longest: int
    limit: int
    """Longer ones are left out."""


@dataclass(frozen=True, slots=True)
class PreparedDialogues:
    """Dialogues ready to be learnt. Nothing in them is cut."""

    examples: Mapping[Dialogue, Sequence[Example]]
    """Of each dialogue that can be learnt."""
    left_out: Sequence[LeftOut]
    lengths: Lengths

    @property
    def example_count(self) -> int:
        return sum(map(len, self.examples.values()))

    def examples_of(self, dialogues: Sequence[Dialogue]) -> list[Example]:
        """All examples of some of the dialogues, in their order."""
        return [example for dialogue in dialogues for example in self.examples[dialogue]]


def prepare_dialogues(
    dialogues: Sequence[Dialogue], tokenizer: ChatTokenizer, *, max_tokens: int, max_left_out: float
) -> PreparedDialogues:
    """Encode and prove every dialogue.

    Args:
        max_tokens: a dialogue with more is left out whole; none is cut.
        max_left_out: the share of dialogues that may be left out.

    Raises:
        TooManyLeftOut: more than that cannot be learnt, or all.
    """
    examples: dict[Dialogue, Sequence[Example]] = {}
    left_out: list[LeftOut] = []
    sizes: list[int] = []
    for number, dialogue in enumerate(dialogues, 1):
        question = _shorten(next(iter(dialogue.questions), ""))
        try:
            encoded = encode_dialogue(dialogue, tokenizer)
        except (PromptRefused, AnswerNotWritable) as error:
            left_out.append(LeftOut(dialogue.line or number, question, error))
            continue
        if not encoded:
            left_out.append(LeftOut(dialogue.line or number, question, NothingToLearn()))
            continue
        sizes.append(max(len(example.ids) for example in encoded))
        if sizes[-1] > max_tokens:
            left_out.append(LeftOut(dialogue.line or number, question, DialogueTooLong(sizes[-1], max_tokens)))
        else:
            examples[dialogue] = encoded
    if not examples or len(left_out) > max_left_out * len(dialogues):
        raise TooManyLeftOut(left_out, len(dialogues), max_left_out)
    return PreparedDialogues(examples, left_out, _measure_lengths(sizes, max_tokens))


def _measure_lengths(sizes: Sequence[int], limit: int) -> Lengths:
    ordered = sorted(sizes)
    near_end = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return Lengths(ordered[0], round(statistics.median(ordered)), near_end, ordered[-1], limit)


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 50 else f"{line[:49]}…"


class DialogueTooLong(TrainingError):
    """A dialogue has more tokens than are trained on at once."""

    sentence = N_("It has {tokens} tokens, and {limit} are the limit.")
    remedy = N_("Part it into shorter ones, or raise the limit with --max-tokens.")

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(tokens=tokens, limit=limit)


class TooManyLeftOut(TrainingError):
    """So many dialogues cannot be learnt that an adapter would not be what its author wrote."""

    sentence = N_("{left_out} of {total} dialogues cannot be learnt, and {allowed:.0%} may be left out. {which}")
    remedy = N_("Mend them, raise the length with --max-tokens, or leave more out with --max-left-out.")

    def __init__(self, left_out: Sequence[LeftOut], total: int, allowed: float) -> None:
        super().__init__(left_out=len(left_out), total=total, allowed=allowed, which=_Named(left_out))


class _Named:
    """The first of the dialogues that are left out, each with its reason in the reader's language."""

    def __init__(self, left_out: Sequence[LeftOut]) -> None:
        self._left_out = left_out

    def localize(self, _language: str, translate: Callable[[str], str]) -> str:
        """See `bot.core.errors.Localizable`."""
        named = [
            f"{item.number} (“{item.question}”): {translate(item.reason.sentence).format(**item.reason.details)}"
            for item in self._left_out[:_NAMED]
        ]
        return " ".join([*named, "…"] if len(self._left_out) > _NAMED else named)

    def __str__(self) -> str:
        return self.localize("en", lambda template: template)


class NothingToLearn(TrainingError):
    """A set of dialogues holds not one token of an answer."""

    sentence = N_("There is no answer in these dialogues to learn or to measure.")
    remedy = N_("Write dialogues that end with the assistant's answer.")

    def __init__(self) -> None:
        super().__init__()
