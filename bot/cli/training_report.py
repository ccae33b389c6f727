"""What `consilium train` says of the dialogues before it trains on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bot.minds import Mind
from inference.adapters.manifest import AdapterKind
from inference.training.dialogues import read_dialogues
from inference.training.report import DialogueReport, DialogueSet, Lengths, Passage, Repetition, examine

_LISTED: Final = 10
"""Repetitions, leaks and the like that are spelled out; of more the number is given."""


def examine_adapter(mind: Mind, name: str) -> DialogueReport:
    """Examine the dialogues of an adapter; of a topic beside the core's, which are rehearsed with them.

    Raises:
        InvalidDialogues: a file cannot be read.
    """
    adapter, core = mind.adapters[name], mind.adapters[mind.core]
    assert adapter.dialogues is not None, "a caller looks first"
    with_core = adapter.kind is AdapterKind.TOPIC
    trained = DialogueSet(adapter.dialogues, read_dialogues(adapter.dialogues))
    measured = [adapter.heldout, core.heldout if with_core else None]
    heldout = [DialogueSet(path, read_dialogues(path)) for path in measured if path]
    beside = [DialogueSet(core.dialogues, read_dialogues(core.dialogues))] if with_core and core.dialogues else []
    return examine(trained, heldout, beside)


def report_lines(report: DialogueReport) -> Iterator[str]:
    """A report as lines of text; what needs a look begins with “!”."""
    only_read = f", {report.read_answers} only read" if report.read_answers else ""
    yield f"{report.dialogues} dialogues, {report.learnt_answers} answers to learn{only_read}"
    if report.without_lesson:
        yield f"! dialogues with no answer to learn, left out: {report.without_lesson}"
    yield f"languages of the answers: {_shares(report)}"
    for what, lengths in (("questions", report.questions), ("answers", report.answers)):
        if lengths:
            yield f"{what}: {_describe(lengths)}"
    if report.own_systems:
        yield f"with a system message of their own: {report.own_systems} ({report.different_systems} different)"
    if report.reasoning_answers:
        yield f"answers with reasoning, which is learnt as well: {report.reasoning_answers}"
    if report.named_messages:
        yield f"messages with a name, which the model does not see: {report.named_messages}"
    yield from _passages("answers without a word", report.wordless_answers)
    yield from _passages(
        "dialogues with an answer in another language than its question", report.other_language_answers
    )
    yield from _repetitions("repeated dialogues", report.repetitions)
    if report.heldout:
        yield from _repetitions("held-out dialogues that are trained on", report.leaks)
    else:
        yield "no held-out dialogues to measure with"


def _shares(report: DialogueReport) -> str:
    total = report.languages.total()
    shares = (f"{language} {count / total:.0%}" for language, count in report.languages.most_common())
    return ", ".join(shares) or "none"


def _describe(lengths: Lengths) -> str:
    return (
        f"median {lengths.median_words} words, longest {lengths.longest_words}"
        f" ({lengths.longest_characters} characters, line {lengths.longest_line})"
    )


def _passages(what: str, passages: Sequence[Passage]) -> Iterator[str]:
    if passages:
        more = f" and {len(passages) - _LISTED} more" if len(passages) > _LISTED else ""
        yield f"! {what}: {len(passages)} ({', '.join(map(str, passages[:_LISTED]))}{more})"


def _repetitions(what: str, repetitions: Sequence[Repetition]) -> Iterator[str]:
    if not repetitions:
        yield f"{what}: none found"
        return
    exact = sum(repetition.is_exact for repetition in repetitions)
    yield f"! {what}: {len(repetitions)}, word for word: {exact}"
    for found in repetitions[:_LISTED]:
        alike = "is that of" if found.is_exact else "is nearly that of"
        subject = "it" if found.part == "dialogue" else f"its {found.part}"
        yield f"!   {found.here}: {subject} {alike} {found.there}"
    if len(repetitions) > _LISTED:
        yield f"!   and {len(repetitions) - _LISTED} more"
