"""What is worth knowing of dialogues before they are trained on: repetitions, leaks, languages and lengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final, Literal

from inference.training.dialogues import Dialogue
from inference.training.languages import TextLanguage, tell_language
from inference.training.message import THOUGHT_END, DialogueMessage
from inference.training.similarity import NearTexts, normalise

MIN_LEAK_WORDS: Final = 4
"""Of an answer, or of a question that is not a dialogue's first: shorter ones, such as “Why?”, are common to many."""

Part = Literal["dialogue", "question", "answer"]


@dataclass(frozen=True, slots=True)
class DialogueSet:
    """The dialogues of one file."""

    path: Path
    dialogues: Sequence[Dialogue]


@dataclass(frozen=True, slots=True)
class Passage:
    """Where something stands."""

    path: Path
    line: int

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"


@dataclass(frozen=True, slots=True)
class Repetition:
    """A text that stands in two dialogues, equal or nearly so."""

    part: Part
    is_exact: bool
    here: Passage
    """The later one; of a leak the held-out one."""
    there: Passage


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long texts are; the longest is the one with most words."""

    median_words: int
    longest_words: int
    longest_characters: int
    longest_line: int


@dataclass(frozen=True, slots=True)
class DialogueReport:
    """The figures of the dialogues that one adapter is trained on."""

    dialogues: int
    learnt_answers: int
    read_answers: int
    """Answers that are only read, because their weight is 0."""
    without_lesson: int
    """Dialogues with no answer to learn; they are left out of training."""
    wordless_answers: list[Passage]
    """Answers to learn without a letter or digit, beside reasoning."""
    reasoning_answers: int
    named_messages: int
    own_systems: int
    """Dialogues with a system message of their own."""
    different_systems: int
    languages: Counter[TextLanguage]
    """Of the answers to learn."""
    other_language_answers: list[Passage]
    """Answers in Russian to an English question, or the other way round."""
    questions: Lengths | None
    answers: Lengths | None
    repetitions: list[Repetition]
    heldout: int
    """Dialogues that the leaks were sought in."""
    leaks: list[Repetition]


def examine(
    trained: DialogueSet, heldout: Sequence[DialogueSet] = (), rehearsed: Sequence[DialogueSet] = ()
) -> DialogueReport:
    """Look at the dialogues to train on.

    Args:
        heldout: dialogues to measure with, which must not be among those trained on.
        rehearsed: other dialogues that are trained on beside these: the core's.
    """
    dialogues = trained.dialogues
    answers = [(d, m) for d in dialogues for m in d.messages if m.role == "assistant"]
    learnt = [(d, m) for d, m in answers if m.learn]
    systems = [d.messages[0].content.strip() for d in dialogues if d.messages[0].role == "system"]
    return DialogueReport(
        dialogues=len(dialogues),
        learnt_answers=len(learnt),
        read_answers=len(answers) - len(learnt),
        without_lesson=sum(not d.teaches for d in dialogues),
        wordless_answers=[Passage(trained.path, d.line) for d, m in learnt if not _has_word(m)],
        reasoning_answers=sum(THOUGHT_END in m.content for _, m in answers),
        named_messages=sum(m.name is not None for d in dialogues for m in d.messages),
        own_systems=len(systems),
        different_systems=len(set(systems)),
        languages=Counter(tell_language(m.said) for _, m in learnt),
        other_language_answers=[Passage(trained.path, d.line) for d in dialogues if _changes_language(d)],
        questions=_lengths((d, m) for d in dialogues for m in d.messages if m.role == "user"),
        answers=_lengths(learnt),
        repetitions=find_repetitions(trained),
        heldout=sum(len(some.dialogues) for some in heldout),
        leaks=find_leaks([trained, *rehearsed], heldout),
    )


def find_repetitions(trained: DialogueSet) -> list[Repetition]:
    """Dialogues that say what an earlier one says."""
    seen, found = NearTexts(), []
    for index, dialogue in enumerate(trained.dialogues):
        text = normalise("\n".join(m.content for m in dialogue.messages if m.role != "system"))
        equal = seen.find_equal(text)
        other = equal if equal is not None else seen.find_near(text)
        if other is not None:
            there = Passage(trained.path, trained.dialogues[other].line)
            here = Passage(trained.path, dialogue.line)
            found.append(Repetition("dialogue", equal is not None, here, there))
        seen.add(text, index)
    return found


def find_leaks(trained: Sequence[DialogueSet], heldout: Sequence[DialogueSet]) -> list[Repetition]:
    """Held-out dialogues of which a question or an answer is trained on; of each the closest find."""
    places: list[Passage] = []
    known: dict[Part, NearTexts] = {"question": NearTexts(), "answer": NearTexts()}
    for some in trained:
        for dialogue in some.dialogues:
            for part, text in _comparable(dialogue):
                known[part].add(text, len(places))
            places.append(Passage(some.path, dialogue.line))
    leaks = []
    for some in heldout:
        for dialogue in some.dialogues:
            if find := _closest(list(_comparable(dialogue)), known):
                part, is_exact, key = find
                leaks.append(Repetition(part, is_exact, Passage(some.path, dialogue.line), places[key]))
    return leaks


def _closest(texts: Sequence[tuple[Part, str]], known: dict[Part, NearTexts]) -> tuple[Part, bool, int] | None:
    searches: tuple[tuple[bool, Callable[[NearTexts, str], int | None]], ...] = (
        (True, NearTexts.find_equal),
        (False, NearTexts.find_near),
    )
    for is_exact, search in searches:
        for part, text in texts:
            if (key := search(known[part], text)) is not None:
                return part, is_exact, key
    return None


def _comparable(dialogue: Dialogue) -> Iterator[tuple[Part, str]]:
    """The questions and answers of a dialogue that would hardly stand in another one by chance."""
    is_first = True
    for message in dialogue.messages:
        if message.role == "system":
            continue
        text = normalise(message.said)
        if is_first or len(text.split()) >= MIN_LEAK_WORDS:
            yield "question" if message.role == "user" else "answer", text
        is_first = False


def _has_word(message: DialogueMessage) -> bool:
    return any(character.isalnum() for character in message.said)


def _changes_language(dialogue: Dialogue) -> bool:
    """Whether a question in Russian has an answer to learn in English, or the other way round."""
    clear = {TextLanguage.RUSSIAN, TextLanguage.ENGLISH}
    for question, answer in zip(dialogue.messages, dialogue.messages[1:], strict=False):
        if answer.role == "assistant" and answer.learn:
            languages = {tell_language(question.content), tell_language(answer.said)}
            if languages == clear:
                return True
    return False


def _lengths(texts: Iterable[tuple[Dialogue, DialogueMessage]]) -> Lengths | None:
    measured = [(len(m.content.split()), len(m.content), d.line) for d, m in texts]
    if not measured:
        return None
    longest = max(measured)
    return Lengths(round(median(words for words, _, _ in measured)), *longest)
