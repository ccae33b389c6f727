"""Decides whether a newer fact ends an older one: the same thing of the same person, with another value.

"I moved to Berlin" ends "I live in Kazan", a new PIN of the garage its old one. What a person may have several of, such
as friends, pets and languages, ends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from bot.memory.grounding import mentions_change
from bot.memory.statements import Statement, read_units
from bot.text.concepts import ANIMALS, SINGLE_RELATIVES
from bot.text.transliteration import latin_key
from bot.text.words import stem

_SINGLE_VALUED: Final = frozenset(
    ("home", "address", "phone", "mail", "code", "weight", "height", "age", "salary", "birth", "passport")
)
"""What a person has one of at a time: a new value ends the old one without saying so."""
_NUMBERED: Final = frozenset(("phone", "passport", "account", "card", "flat", "code"))
"""Things beside which the word "number" says nothing."""
_ORIGIN: Final = re.compile(r"(?<!\w)(?:from|из)\s+[^\W\d_][\w-]*", re.IGNORECASE)
_SAME_THING: Final = {"move": "home"}


def supersedes(new: str, old: str) -> bool:
    """Whether a newer fact ends an older one. Each states one thing; of several, the first with a value counts."""
    newer, older = _main_statement(new), _main_statement(old)
    if newer is None or older is None:
        return False
    if newer.relatives != older.relatives or newer.relatives - SINGLE_RELATIVES:
        return False
    thing, old_thing = _thing(newer), _thing(older)
    is_single_valued = bool(thing & _SINGLE_VALUED) or thing == {"number"}
    if not _is_same_thing(thing, old_thing) or not (is_single_valued or mentions_change(new)):
        return False
    return not _share_value(newer, older)


def stated_changes(sentences: Sequence[str], facts: Sequence[str]) -> list[tuple[str, list[int]]]:
    """The sentences that end some of the facts, with the indices of these."""
    changes = []
    for sentence in sentences:
        ended = [index for index, fact in enumerate(facts) if supersedes(sentence, fact)]
        if ended:
            changes.append((sentence, ended))
    return changes


def _main_statement(text: str) -> Statement | None:
    # Where somebody comes from is not where they are.
    statements = [unit.statement for unit in read_units(_ORIGIN.sub(" ", text))]
    return next(
        (
            statement
            for statement in statements
            if statement.frame == "own" and not statement.negated and (statement.values or statement.names)
        ),
        None,
    )


def _thing(statement: Statement) -> frozenset[str]:
    """What a statement gives a value of: its content words, by meaning."""
    thing = {
        _SAME_THING.get(word.concept, word.concept) if word.concept else latin_key(stem(word.text))
        for word in statement.words
    }
    if not thing and any(value.unit == "year" for value in statement.values):
        return frozenset(("age",))
    if thing & _NUMBERED:
        thing.discard("number")
    return frozenset(thing - statement.relatives - ANIMALS.keys())


def _is_same_thing(first: frozenset[str], second: frozenset[str]) -> bool:
    """Whether two statements give a value of one thing: in the same words, or with two or more words in common and
    nothing besides on one side."""
    common = first & second
    return bool(common) and (first == second or (len(common) > 1 and (common in (first, second))))


def _share_value(first: Statement, second: Statement) -> bool:
    """Whether two statements have a value or a name in common, or none that could take the other's place."""
    if any(value.matches(other) for value in first.values for other in second.values):
        return True
    if any(second.names_word(name) for name in first.names):
        return True
    kinds = {value.kind for value in first.values} & {value.kind for value in second.values}
    return not (kinds or (first.names and second.names))
