"""The texts of a mind that messages are compared with: the questions of dialogues, descriptions and names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from bot.minds.grammar import parse_expression
from bot.minds.names import name_key
from bot.minds.resolve import resolve_mode
from bot.text.questions import leans_on_context
from bot.text.stop_words import STOP_WORDS
from bot.text.words import stem
from inference.adapters.manifest import AdapterKind
from inference.training.dialogues import Dialogue, read_readable_dialogues

if TYPE_CHECKING:
    from pathlib import Path

    from bot.minds.mind import Mind

log = structlog.get_logger(__name__)

MAX_CHARACTERS: Final = 2000
"""Of a text; what comes later hardly changes its subject, and embedders cut it off anyway."""
MAX_QUESTIONS: Final = 400
"""Of an adapter; of more, some conversations are passed over."""


@dataclass(frozen=True, slots=True)
class AdapterTexts:
    """What an adapter is known by."""

    conversations: tuple[tuple[str, ...], ...]
    """The questions of its dialogues, by dialogue."""
    about: tuple[str, ...]
    """Its description in every language, its names, and those of the modes that add only it to the core."""
    phrases: frozenset[frozenset[str]]
    """The stems of each of its names: a message that has them all names it."""

    @property
    def questions(self) -> tuple[str, ...]:
        return tuple(question for conversation in self.conversations for question in conversation)

    def is_named(self, message_stems: frozenset[str]) -> bool:
        """Whether one of the names is in a message."""
        return any(phrase <= message_stems for phrase in self.phrases)


def load_adapter_texts(mind: Mind, out_of_service: AbstractSet[str] = frozenset()) -> dict[str, AdapterTexts]:
    """The texts of each adapter that `auto` may choose; blocking.

    Args:
        out_of_service: names of adapters to leave out.

    Raises:
        InvalidDialogues: an adapter's file of dialogues cannot be read at all.
    """
    names = _names(mind)
    include_isolated = mind.policies.auto_isolated
    texts = {}
    for name in sorted(mind.adapters):
        adapter = mind.adapters[name]
        if name in out_of_service or (adapter.kind is AdapterKind.ISOLATED and not include_isolated):
            continue
        dialogues = [] if adapter.dialogues is None else _load_dialogues(name, adapter.dialogues)
        conversations = [
            tuple(question[:MAX_CHARACTERS] for question in _on_subject(dialogue.questions))
            for dialogue in dialogues
            if dialogue.questions
        ]
        step = max(1, -(-sum(map(len, conversations)) // MAX_QUESTIONS))
        about = dict.fromkeys([*adapter.description.root.values(), *names[name]])
        phrases = frozenset(stems for each in names[name] if (stems := text_stems(each)))
        texts[name] = AdapterTexts(tuple(conversations[::step]), tuple(about), phrases)
    return texts


def _on_subject(questions: Sequence[str]) -> list[str]:
    """The first question of a dialogue and those that can stand alone: “And in the evening?” is about anything."""
    return [each for number, each in enumerate(questions) if not number or not leans_on_context(each)]


def _load_dialogues(adapter: str, path: Path) -> list[Dialogue]:
    """Those that can be read: a bad record of one adapter must not keep `auto` from all of them."""
    found = read_readable_dialogues(path)
    if found.problems:
        first = str(found.problems[0])
        log.warning("router.dialogues_skipped", adapter=adapter, number=len(found.problems), first=first)
    return found.dialogues


def text_stems(text: str) -> frozenset[str]:
    """The stems of the words in a text."""
    words = "".join(letter if letter.isalnum() else " " for letter in name_key(text[:MAX_CHARACTERS])).split()
    return frozenset(stem(word) for word in words if word not in STOP_WORDS)


def _names(mind: Mind) -> Mapping[str, list[str]]:
    """The names of each adapter, with those of modes that add it alone to the core."""
    names = {name: [name, *adapter.aliases] for name, adapter in mind.adapters.items()}
    for name, mode in mind.modes.items():
        adapters = {term.name for term in resolve_mode(parse_expression(mode.mode), mind).terms} - {mind.core}
        if len(adapters) == 1:
            names[adapters.pop()] += [name, *mode.aliases, *mode.title.root.values()]
    return names
