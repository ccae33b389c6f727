"""Rows of a table as evidence: a value counts only under the column that a statement names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.library.cite.alignment import similarity
from bot.library.cite.reading import read_statement
from bot.library.cite.statement import Statement, Term, TermKind, join_statements
from bot.text.morphology import PartOfSpeech
from bot.text.operators import CONDITIONS, FRAMES, MODALITIES, Operator
from bot.text.units import same_unit, unit_of
from bot.text.words import fold, stem, word_set

MIN_CELLS: Final = 2
"""Cells that a statement must speak of: one value alone could be of any row."""
MAX_LINKING_WORDS: Final = 1
"""Words of a statement that are in no cell, and only link what is: costs, swims."""
_HEAD_BONUS: Final = 0.3
_CELL: Final = re.compile(r"\s*((?:[^:;|()\n.!?]|\([^()\n]*\)|[.!?](?! )){1,80}):\s+(.+)", re.DOTALL)
"""A column's name, no part of a sentence, and its value."""
_ROUTE: Final = re.compile(r"\s*[^\W\d][^–—\d-]*\s?[–—-]\s?[^\W\d_a-zа-яё][^–—\d-]*")
"""Two names with a dash between them."""
_UNIT_AT_END: Final = re.compile(r"[,(]\s*([^,()]{1,12})\)?\s*$")
_COUNTERS: Final = frozenset(
    map(stem, ("pack", "piece", "item", "person", "people", "game", "match", "time"))
) | word_set("человек штука раз игра матч единица")
"""What is counted where a table only has the number."""
_QUALITY: Final = 0.9
_NO: Final = word_set("no none нет - – —")
_YES: Final = word_set("yes + да есть имеется")
_AGENT: Final = frozenset(("by",))
_INSIDE_ROLES: Final = frozenset(("of", "in"))
"""Of prepositions between a number and what it is: 5 points of the league, 2 times in a day."""
_YEARS: Final = range(1000, 2101)


@dataclass(frozen=True, slots=True)
class Cell:
    """A value under the name of its column."""

    name: Statement
    value: Statement
    answer: bool | None = None
    """What it says of the row where it only says yes or no."""
    is_route: bool = False
    """Whether its value leads from one name to another: Oslo–Bergen."""

    def has_value(self, term: Term) -> bool:
        """Whether a term is what the cell says; the unit of a number may stand with the column's name."""
        return any(similarity(term, other) for other in self.value.terms) and self.has_unit(term)

    def has_unit(self, term: Term) -> bool:
        """Whether the cell has the unit of a number, or names none."""
        if term.kind is not TermKind.NUMBER or term.unit is None:
            return True
        units = self.units
        return not units or any(same_unit(term.unit, unit) for unit in units)

    @property
    def units(self) -> list[str]:
        """Of its number, from the value or the name."""
        return [other.unit for other in (*self.name.terms, *self.value.terms) if other.unit]

    def is_turned_round(self, claim: Statement) -> bool:
        """Whether a statement leads back on the cell's route: from Bergen to Oslo."""
        if not self.is_route:
            return False
        order = [
            at for term in claim.terms for at, other in enumerate(self.value.terms) if similarity(term, other) == 1
        ]
        return order != sorted(order) and not any("between" in term.roles for term in claim.terms)

    def is_said_whole(self, claim: Statement) -> bool:
        """Whether a statement has all of a value of several terms, as a date: it needs no name."""
        terms = [term for term in self.value.terms if term.kind is not TermKind.UNIT]
        return len(terms) > 1 and all(any(similarity(said, term) for said in claim.terms) for term in terms)

    def names(self, term: Term) -> bool:
        """Whether a term is in the name of the column."""
        return any(similarity(term, other) for other in self.name.terms)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table."""

    cells: tuple[Cell, ...]

    def support(self, claim: Statement, heading: Statement) -> float:
        """How well the row supports a statement; 0 if it does not.

        Each number and name must be a value whose column the statement names, or that needs no name; each column that
        it names must have its value there. What is in no cell, and no heading, may only link the others.
        """
        if any(found.operator in _UNSTATED for found in claim.operators):
            return 0.0
        if any(cell.is_turned_round(claim) for cell in self.cells):
            return 0.0
        holders = [[cell for cell in self.cells if cell.has_value(term)] for term in claim.terms]
        used: list[Cell] = []
        linking = 0
        for at, term in enumerate(claim.terms):
            answered = [cell for cell in self.cells if cell.answer is not None and cell.names(term)]
            if answered:
                if all(cell.answer == term.is_negated for cell in answered):
                    return 0.0
                used += answered
            elif term.is_negated:
                return 0.0
            elif holders[at]:
                if term.kind is TermKind.NUMBER:
                    cell = self._cell_of_number(claim, at, holders[at])
                    if cell is None:
                        return 0.0
                    used.append(cell)
                elif self._is_under_other_name(claim, at, holders[at]) or self._is_of_itself(claim, at, holders[at]):
                    return 0.0
                else:
                    used += holders[at]
            elif self._is_unit_of_number(claim, at) or self._is_name(term, heading):
                continue
            elif _may_link(claim, at):
                linking += 1
            else:
                return 0.0
        if self._is_about_another(claim):
            return 0.0
        if linking > MAX_LINKING_WORDS or len({id(cell) for cell in used}) < MIN_CELLS:
            return 0.0
        is_explained = all(
            holders[at] or not self._naming(term) or any(cell.names(term) for cell in used)
            for at, term in enumerate(claim.terms)
        )
        return _QUALITY if is_explained else 0.0

    def _is_about_another(self, claim: Statement) -> bool:
        """Whether the only name in a statement is of another column than that whose row it is, which is not named.

        "The salary of Haddad", where he is the manager of somebody else.
        """
        key = next((cell for cell in self.cells if _is_name_of_row(cell)), None)
        if key is None or any(key.has_value(term) or key.names(term) for term in claim.terms):
            return False
        return any(
            _is_owner(term)
            and term.kind is TermKind.NAME
            and any(cell.has_value(term) and not any(cell.names(other) for other in claim.terms) for cell in self.cells)
            for term in claim.terms
        )

    def _is_under_other_name(self, claim: Statement, at: int, holders: Sequence[Cell]) -> bool:
        """Whether a word is called what another column is: "the coach is Monday", where the coach is somebody else."""
        term = claim.terms[at]
        if at == 0 or term.roles - _AGENT or _is_owner(term) or self._is_value(claim.terms[at - 1]):
            return False
        named = self._naming(claim.terms[at - 1])
        if at > 1 and any(cell.has_value(claim.terms[at - 2]) for cell in named):
            # "The Veterans group is coached by Orlova": the name before has its own value already.
            return False
        return bool(named) and not any(cell is holder for cell in named for holder in holders)

    def _is_of_itself(self, claim: Statement, at: int, holders: Sequence[Cell]) -> bool:
        """Whether a value is made the owner of its own column: "the capital of Elmstad is Norvia"."""
        if at == 0 or not _is_owner(claim.terms[at]) or self._is_value(claim.terms[at - 1]):
            return False
        if _is_owner(claim.terms[at - 1]):
            # "The coach of the group of the veterans": the veterans are the group.
            return False
        named = self._naming(claim.terms[at - 1])
        if not named or not all(any(cell is holder for cell in named) for holder in holders):
            return False
        others = [term for term in claim.terms if term is not claim.terms[at] and self._is_value(term)]
        return any(
            not term.roles and term.kind is not TermKind.NUMBER and not self._is_under_named(claim, term)
            for term in others
        )

    def _is_under_named(self, claim: Statement, term: Term) -> bool:
        """Whether a value is of a column that the statement names too."""
        holders = [cell for cell in self.cells if cell.has_value(term)]
        return any(cell.names(other) and not self._is_value(other) for cell in holders for other in claim.terms)

    def _is_unit_of_number(self, claim: Statement, at: int) -> bool:
        """Whether a word is the unit of a number that is in the row, where the row may leave it out: the year 1954."""
        term = claim.terms[at]
        if term.kind is not TermKind.UNIT or not term.is_attached or not at:
            return False
        number = claim.terms[at - 1]
        if number.kind is not TermKind.NUMBER or number.unit is None:
            return False
        value = next(iter(number.keys))
        is_year = number.unit == "year" and value.isdigit() and int(value) in _YEARS
        return is_year or any(cell.has_value(number) and cell.units for cell in self.cells)

    def _is_name(self, term: Term, heading: Statement) -> bool:
        """Whether a term is in the name of a column or of the table."""
        return bool(self._naming(term)) or any(similarity(term, other) for other in heading.terms)

    def _naming(self, term: Term) -> list[Cell]:
        return [cell for cell in self.cells if cell.names(term)]

    def _cell_of_number(self, claim: Statement, at: int, holders: Sequence[Cell]) -> Cell | None:
        """The cell that a number is from; None where the words beside it name another column, or none."""
        whole = [cell for cell in holders if cell.is_said_whole(claim)]
        if whole:
            return whole[0]
        beside = [
            near
            for near in (at + 1, at - 1, at + 2, at - 2)
            if 0 <= near < len(claim.terms) and _is_said_of(claim, at, near)
        ]
        for near in beside:
            named = self._best_named(claim, near)
            if not named:
                continue
            found = [cell for cell in named if any(cell is holder for holder in holders)]
            if found:
                return found[0]
            if near in (at + 1, at - 1) and not self._is_value(claim.terms[near]):
                return None
        naming = [
            (clause, cell)
            for near, (term, clause) in enumerate(zip(claim.terms, claim.clauses, strict=True))
            if not self._is_value(term)
            for cell in self._best_named(claim, near)
        ]
        own = [cell for clause, cell in naming if clause == claim.clauses[at]]
        named = own or [cell for _, cell in naming]
        named_anywhere = [cell for cell in holders if any(cell is other for other in named)]
        if len(named_anywhere) == 1:
            return named_anywhere[0]
        unit = claim.terms[at].unit
        # 42 €, and nothing else in the row has euros.
        alike = [cell for cell in self.cells if unit and any(same_unit(unit, other) for other in cell.units)]
        return alike[0] if len(alike) == 1 and not named_anywhere and alike[0] in holders else None

    def _is_value(self, term: Term) -> bool:
        return any(cell.has_value(term) for cell in self.cells)

    def _best_named(self, claim: Statement, near: int) -> list[Cell]:
        """The columns that a word of the statement names: of several those of which it has most of the name."""
        fits = [(self._fit(cell, claim, near), cell) for cell in self._naming(claim.terms[near])]
        best = max((fit for fit, _ in fits), default=0.0)
        return [cell for fit, cell in fits if fit == best]

    @staticmethod
    def _fit(cell: Cell, claim: Statement, near: int) -> float:
        """How much of a column's name the statement has; its first word counts more."""
        names = cell.name.terms
        said = sum(any(similarity(term, name) for term in claim.terms) for name in names)
        # "Maximum" in a name is an operator, no term.
        claimed = {found.operator for found in claim.operators}
        said += sum(found.operator in claimed for found in cell.name.operators)
        is_head = bool(similarity(claim.terms[near], names[0]))
        return said / (len(names) + len(cell.name.operators)) + (_HEAD_BONUS if is_head else 0)


_UNSTATED: Final = (
    MODALITIES
    | FRAMES
    | CONDITIONS
    | {
        Operator.NONE,
        Operator.NEVER,
        Operator.ALL,
        Operator.MOST,
        Operator.ONLY,
    }
)
"""Operators that a row never states."""


def parse_row(text: str) -> Row | None:
    """The row in a text of the form ``column: value; column: value``; None for any other text."""
    cells = []
    for part in text.split("; "):
        match = _CELL.fullmatch(part)
        if match is None:
            return None
        value = match[2]
        cells.append(
            Cell(_read_name(match[1]), read_statement(value), _answer(value), _ROUTE.fullmatch(value) is not None)
        )
    return Row(tuple(cells)) if len(cells) > 1 else None


def _is_name_of_row(cell: Cell) -> bool:
    return any(term.kind in (TermKind.NAME, TermKind.WORD) for term in cell.value.terms) and cell.answer is None


def _answer(value: str) -> bool | None:
    folded = fold(value.strip(" ."))
    return True if folded in _YES else False if folded in _NO else None


def _is_owner(term: Term) -> bool:
    """Whether a word says whose something is: "of Norvia", «Норвии»."""
    return "of" in term.roles or "gent" in term.cases or bool(term.cases and "nomn" not in term.cases)


def _is_said_of(claim: Statement, at: int, near: int) -> bool:
    """Whether a word near a number may say what the number is; what comes after a preposition is said of the next."""
    if claim.terms[near].kind is TermKind.NUMBER:
        return False
    if near < at:
        return True
    between = claim.terms[at + 1 : near + 1]
    return claim.clauses[near] == claim.clauses[at] and all(
        term.is_attached or not term.roles or term.roles & _INSIDE_ROLES for term in between
    )


def _read_name(name: str) -> Statement:
    """The name of a column, with the unit at its end: Weight, g; Масса (кг)."""
    match = _UNIT_AT_END.search(name)
    unit = unit_of(fold(match[1]).replace(" ", ""), after_number=True) if match else None
    if match is None or unit is None:
        return read_statement(name)
    bare = read_statement(name[: match.start()])
    term = Term(kind=TermKind.UNIT, keys=frozenset((unit,)), unit=unit)
    return join_statements([bare, Statement((term,), (), (0,), (0,))])


def _may_link(claim: Statement, at: int) -> bool:
    """Whether a word that the row does not have may be a verb that only links its values."""
    term = claim.terms[at]
    if term.kind is not TermKind.WORD or term.contrasts or term.roles:
        return False
    if term.keys & _COUNTERS and at and claim.terms[at - 1].kind is TermKind.NUMBER:
        return True
    if term.parts_of_speech:
        return PartOfSpeech.VERB in term.parts_of_speech and PartOfSpeech.NOUN not in term.parts_of_speech
    # "Tea costs", "veterans swim": without an article, right after what is in the row.
    return term.is_attached and claim.terms[at - 1].kind is not TermKind.NUMBER
