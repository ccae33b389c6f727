"""Finds in a text what says a fact, statement by statement (`statement_rules`), and cuts it out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from bot.memory.enumerations import find_items
from bot.memory.statement_rules import Verdict, compare_statements, split_words
from bot.memory.statements import Speaker, Statement, Unit, merge_units, read_units
from bot.text.concepts import words_of
from bot.text.transliteration import latin_key
from bot.text.values import PHONE_DIGITS, find_values
from bot.text.words import fold

_HINT_LENGTH: Final = 4
"""Letters in which all forms of a word agree, in both scripts."""
_NOT_A_DIGIT: Final = re.compile(r"\D+")
_NUMBER_WORD: Final = re.compile(
    r"(?<!\w)(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|\w+ty|hundred|thousand|"
    r"нол|нул|один|одн|дв|тр[ие]|четыр|пят|шест|сем|восем|восьм|девят|десят|сорок|сто|\w+надцат|\w+десят|тысяч)"
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a text compares with a fact."""

    verdict: Verdict
    """The strongest of its units."""
    same: tuple[Unit, ...]
    """The units that say it."""
    unsure: tuple[Unit, ...]


class Fact:
    """A fact to compare texts with."""

    def __init__(self, text: str) -> None:
        units = read_units(text)
        self.text = text
        self.statements: Final = [unit.statement for unit in units if _is_comparable(unit.statement)]
        self._hints = {hint for statement in self.statements for hint in _hints(statement)}
        values = [value for statement in self.statements for value in statement.values]
        self._digits = {digits[-PHONE_DIGITS:] for value in values if (digits := _NOT_A_DIGIT.sub("", value.text))}

    def compare(self, text: str, speaker: Speaker = "person") -> Comparison:
        """Compare a text with it."""
        same, unsure = list[Unit](), list[Unit]()
        for _, group in groupby(read_units(text, speaker), key=lambda unit: unit.sentence):
            units = list(group)
            verdicts = [self._judge(unit.statement) for unit in units]
            if len(units) > 1 and Verdict.SAME not in verdicts:
                # "Write to anna@example.org, it is my mail": neither part says it alone.
                whole = self._judge(merge_units(text, units, speaker))
                verdicts = [max(verdict, whole) for verdict in verdicts]
            for unit, verdict in zip(units, verdicts, strict=True):
                listed = self._find_listed(text, unit, speaker) if verdict is not Verdict.SAME else []
                same += [unit] if verdict is Verdict.SAME else listed
                unsure += [unit] if verdict is Verdict.UNSURE and not listed else []
        verdict = Verdict.SAME if same else Verdict.UNSURE if unsure else Verdict.OTHER
        return Comparison(verdict, tuple(same), tuple(unsure))

    def _find_listed(self, text: str, unit: Unit, speaker: Speaker) -> list[Unit]:
        """The things of a list in a unit that say it."""
        return [
            Unit(item.start, item.end, unit.sentence, unit.statement)
            for item in find_items(text, unit.start, unit.end)
            if all(self._judge(one.statement) is Verdict.SAME for one in read_units(item.statement, speaker))
        ]

    def has_distinctive_value_of(self, text: str) -> bool:
        """Whether a value of the fact that is seldom the same by chance is in a text."""
        found = find_values(text)
        return any(
            value.is_distinctive and any(value.matches(other) for other in found)
            for statement in self.statements
            for value in statement.values
        )

    def may_be_in(self, text: str) -> bool:
        """A quick look that misses no text which says it: whether any of its words or values may be there."""
        key = latin_key(fold(text))
        if any(hint in key for hint in self._hints):
            return True
        if not self._digits:
            return False
        digits = _NOT_A_DIGIT.sub("", text)
        return any(each in digits for each in self._digits) or _NUMBER_WORD.search(fold(text)) is not None

    def share_of_words_in(self, text: str) -> float:
        """The largest share of a statement's words that a text has, 0 to 1."""
        return max(
            (
                len(split_words(statement.words, unit.statement)[0]) / len(statement.words)
                for unit in read_units(text)
                for statement in self.statements
                if statement.words
            ),
            default=0.0,
        )

    def _judge(self, said: Statement) -> Verdict:
        return max((compare_statements(fact, said) for fact in self.statements), default=Verdict.OTHER)


def _hints(statement: Statement) -> Iterator[str]:
    """Beginnings of words, in Latin letters, one of which a text has that says a statement."""
    for word in statement.words:
        for form in (word.text, *(words_of(word.concept) if word.concept is not None else ())):
            yield _hint(form)
    for name in statement.names:
        yield _hint(name)
    for value in statement.values:
        if value.kind in ("mail", "link", "identifier"):
            yield _hint(value.text)


def _hint(word: str) -> str:
    # The last letter of a short word changes with its form.
    return latin_key(word[: min(_HINT_LENGTH, max(len(word) - 1, 3))])


def cut_units(text: str, units: Sequence[Unit], speaker: Speaker = "person") -> str:
    """A text without some of its units; empty if the rest states nothing of its own."""
    gone = {(unit.start, unit.end) for unit in units}
    every = read_units(text, speaker)
    listed = sorted(gone - {(unit.start, unit.end) for unit in every}, reverse=True)
    if listed:
        # Things of lists go first; what is left is read anew.
        rest = text
        for start, end in listed:
            rest = rest[:start] + rest[end:]
        whole = {text[start:end] for start, end in gone - set(listed)}
        return cut_units(rest, [unit for unit in read_units(rest, speaker) if rest[unit.start : unit.end] in whole])
    kept = [unit for unit in every if (unit.start, unit.end) not in gone]
    if not any(_states_something(unit.statement) for unit in kept):
        return ""
    parts: list[str] = []
    previous = None
    for unit in kept:
        part = text[unit.start : unit.end].strip()
        if previous is None or unit.sentence != previous.sentence:
            part = part[:1].upper() + part[1:]
            if parts and parts[-1][-1] not in ".!?…":
                parts[-1] += "."
            parts.append(part)
        else:
            joins = not _is_gone_between(previous, unit, gone)
            parts[-1] += text[previous.end : unit.start] + part if joins else f". {part[:1].upper()}{part[1:]}"
        previous = unit
    return " ".join(parts)


def _is_gone_between(first: Unit, second: Unit, gone: Iterable[tuple[int, int]]) -> bool:
    return any(first.end <= start < second.start for start, _ in gone)


def _states_something(statement: Statement) -> bool:
    """Whether what is left of a message is worth keeping: a statement with content, and not only a question."""
    knows_one = statement.is_self and any(word.concept is not None for word in statement.words)
    has_content = bool(statement.values or statement.names or len(statement.words) >= 2 or knows_one)
    return statement.frame != "question" and has_content


def _is_comparable(statement: Statement) -> bool:
    return statement.frame != "question" and bool(statement.values or statement.names or statement.words)
