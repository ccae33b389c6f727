"""What an evaluation reads of a mind's dialogues: to measure with, and as texts of the author and of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.minds import Mind, render_system_prompt
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from inference.training.dialogues import Dialogue, read_dialogues


@dataclass(frozen=True, slots=True)
class Written:
    """A text that somebody has written, and the conversation that it is of."""

    text: str
    conversation: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and what the author answered."""

    question: str
    answer: str


def mind_dialogues(mind: Mind, name: str, *, heldout: bool = False) -> list[Dialogue]:
    """The dialogues of an adapter that teach something, with the system prompt of its mode; blocking.

    Args:
        heldout: those to measure with, instead of those to train on.

    Returns:
        None at all if the mind names no such file for the adapter.
    """
    adapter = mind.adapters[name]
    path = adapter.heldout if heldout else adapter.dialogues
    if path is None:
        return []
    system = render_system_prompt(mind, resolve_mode(parse_expression(name), mind), (), "en")
    return [dialogue.with_system_message(system) for dialogue in read_dialogues(path) if dialogue.teaches]


def author_texts(dialogues: Sequence[Dialogue], name: str) -> Iterator[Written]:
    """What is learnt from dialogues: the author's own answers.

    Args:
        name: of the set, so that its conversations differ from those of others.
    """
    for number, dialogue in enumerate(dialogues):
        for message in dialogue.messages:
            if message.role == "assistant" and message.learn and message.said.strip():
                yield Written(message.said.strip(), f"{name}/{number}")


def texts_of_others(dialogues: Sequence[Dialogue], name: str) -> Iterator[Written]:
    """What others say in dialogues and is no question, which alone would give it away."""
    for number, dialogue in enumerate(dialogues):
        for message in dialogue.messages:
            if message.role == "user" and "?" not in message.content and len(message.content.split()) >= _MIN_WORDS:
                yield Written(message.content.strip(), f"{name}/{number}")


def first_pairs(dialogues: Sequence[Dialogue]) -> list[Pair]:
    """The first question of each dialogue with its answer, where the answer is the author's."""
    pairs = []
    for dialogue in dialogues:
        spoken = [message for message in dialogue.messages if message.role != "system"]
        if len(spoken) > 1 and spoken[1].learn and spoken[1].said.strip():
            pairs.append(Pair(spoken[0].content, spoken[1].said.strip()))
    return pairs


_MIN_WORDS = 5
"""Of a remark that tells anything of its writer."""
