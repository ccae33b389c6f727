"""Reads a sentence as a statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from bot.library.cite.light_words import (
    DECIDING,
    DETERMINERS,
    EMPTY_LEMMAS,
    LIGHT_LEMMAS,
    LIGHT_VERBS,
    OPTIONAL,
    PRONOUNS,
)
from bot.library.cite.statement import ROOT_LETTERS, FoundOperator, Statement, Term, TermKind
from bot.library.cite.tokens import date_key, is_imperative, tokenize
from bot.text.contrasts import contrasts_of
from bot.text.language import has_russian_letters
from bot.text.morphology import PartOfSpeech, WordForm, read_word
from bot.text.operators import (
    BOUNDS,
    CAUSES,
    CONDITIONS,
    FRAMES,
    Operator,
    OperatorMatch,
    find_operators,
    is_own_word,
)
from bot.text.prepositions import PREPOSITIONS
from bot.text.pronouns import FIRST_PERSON
from bot.text.quantities import Quantity, find_quantities
from bot.text.stop_words import STOP_WORDS
from bot.text.synonyms import synonym_groups
from bot.text.units import UNIT_SIGNS, unit_of
from bot.text.words import fold, stem, word_set

MAX_CHARACTERS: Final = 4_000
"""Characters of a sentence that are read."""
_CLAUSE_MARKS: Final = frozenset(",;:()")
_CLAUSE_WORDS: Final = word_set("and or but while whereas и или либо а но однако зато тогда")
_LASTING_ROLES: Final = frozenset(("than", "except", "unlike", "instead"))
"""Roles of a preposition that the one after it does not take away: except in an emergency."""
_SWITCHES: Final = frozenset((stem("switch"), stem("turn"), stem("power"), stem("put")))
"""Verbs of which "on" and "off" say the opposite."""
_WORDS_OF_A_REFERENCE: Final = 4
_CLAUSE_ROLES: Final = frozenset(("before", "after"))
"""Roles that a conjunction gives too: before he left."""
_THAN: Final = frozenset(("than",))
_STRANDED: Final = word_set("above below inside outside before after over under up down")
"""Prepositions that say something by themselves at the end of a clause."""
_OBLIQUE_PRONOUNS: Final = word_set("него нему ним нем нее ней нею них ними")
"""What only stands after a preposition, so that the preposition is not of the word after them: «из них Титан»."""
_COMPARED_TIMES: Final = word_set("раньше ранее позже позднее")
"""Prepositions that say something by themselves before a clause: «на день позже, чем думали»."""
_DASHES: Final = frozenset("—–")
_AT: Final = "при"
_STATES: Final = ("нии", "тии", "ньи")
"""Endings of what «при» makes a condition of: «при появлении», «при отсутствии»."""
_LETTERS_THAT_ARE_WORDS: Final = word_set("a а в и к о с у")
_QUOTES: Final = frozenset('«"“„')
_BEFORE_A_SENTENCE: Final = frozenset('«"“„:—–-(')


def read_statement(text: str) -> Statement:
    """What one sentence states, Russian or English or both."""
    return _read(text[:MAX_CHARACTERS])


@dataclass(slots=True)
class _Reader:
    """Reads the tokens of one sentence."""

    tokens: list[str]
    words: list[str]
    """Folded; parallel to `tokens`."""
    quantities: dict[int, list[Quantity]]
    """By the index of their first word; a date in digits is several."""
    units_at: frozenset[int]
    """Indices of the words right after numbers."""
    operators: dict[int, OperatorMatch]
    terms: list[Term] = field(default_factory=list)
    found: list[FoundOperator] = field(default_factory=list)
    clauses: list[int] = field(default_factory=list)
    clause: int = 0
    after_term: int = -1
    """Index of the token right after the last term."""
    roles: frozenset[str] = frozenset()
    negates: bool = False
    bound: Operator | None = None
    condition: str = ""
    """``open`` until the next comma, ``rest`` until the end of the sentence, ``noun`` for a noun with its
    genitives; empty outside of conditions."""

    def read(self) -> None:
        at = 0
        while at < len(self.tokens):
            if at in self.quantities:
                for quantity in self.quantities[at]:
                    self._read_quantity(quantity)
                at = self.quantities[at][-1].end
            elif at in self.operators:
                at = self._read_operator(self.operators[at])
            else:
                self._read_token(at)
                at += 1
        self._end_clause(len(self.tokens))

    def _end_clause(self, at: int) -> None:
        """What stands open at the end of a clause belongs to its last word: «спорить не с кем», "six above"."""
        if self.negates and self.terms:
            self.terms[-1] = replace(self.terms[-1], is_negated=True)
        elif self.negates:
            self.found.append(FoundOperator(Operator.NOT, False, 0, 0, self.clause))
        if at and self.words[at - 1] in _STRANDED:
            self._add(Term(kind=TermKind.WORD, keys=frozenset((self.words[at - 1],))), at - 1)
        self.negates = False
        self.roles = frozenset()

    def _read_quantity(self, quantity: Quantity) -> None:
        kind = TermKind.NUMBER if quantity.month is None else TermKind.DATE
        self._add(
            Term(
                kind=kind,
                keys=frozenset((quantity.value,)),
                unit=quantity.unit,
                bound=self.bound,
                is_ordinal=quantity.is_ordinal,
                is_range=quantity.is_range,
                is_optional=quantity.value == "1" and quantity.is_ordinal is False,
            ),
            quantity.start,
            quantity.end,
            keeps_roles=True,
        )
        self.bound = None

    def _read_operator(self, match: OperatorMatch) -> int:
        operator = match.operator
        words = self.words[match.start : match.end]
        following = self.words[match.end] if match.end < len(self.words) else ""
        if operator is Operator.NOT:
            if following in ("only", "just", "merely", "только", "лишь"):
                return match.end + 1
            self.negates = True
            self.roles = PREPOSITIONS.get(words[0], self.roles)
            return match.end
        if operator in BOUNDS:
            if words[0] in ("or", "и", "или"):
                self._bind_last_number(operator)
            else:
                self.bound = operator
            if operator is not Operator.ABOUT or not self.roles:
                # After about 50 days: it is still after.
                self.roles = PREPOSITIONS.get(words[0], self.roles)
            return match.end
        if operator in CONDITIONS:
            self.condition = "rest" if self.terms else "open"
        if operator in CAUSES:
            if following == "that" and words[-1] == "so":
                return match.end
            self._begin_clause(match.start)
        if operator is Operator.SAID and self._is_own(match):
            return match.end
        if operator is Operator.SAID and match.start and self.words[match.start - 1] in ("than", "чем"):
            self._add_word(match.start)
            return match.end
        self.found.append(FoundOperator(operator, self.negates, len(self.terms), 0, self.clause))
        self.negates = operator is Operator.NEVER
        if operator in FRAMES - {Operator.FALSE}:
            self._add_word(match.start)
        return match.end

    def _is_own(self, match: OperatorMatch) -> bool:
        """Whether the author says it: I think, my opinion, the article says."""
        before, after = self.words[max(0, match.start - 2) : match.start], self.words[match.end : match.end + 2]
        # "Many believe I am": after the verb "I" is of whom they believe it.
        return any(map(is_own_word, (*before, *(word for word in after if word not in FIRST_PERSON))))

    def _bind_last_number(self, operator: Operator) -> None:
        for at in range(len(self.terms) - 1, -1, -1):
            if self.terms[at].kind is TermKind.NUMBER:
                self.terms[at] = replace(self.terms[at], bound=operator)
                return

    def _read_token(self, at: int) -> None:
        token, word = self.tokens[at], self.words[at]
        if token in _CLAUSE_MARKS or word in _CLAUSE_WORDS:
            self._begin_clause(at)
            if word == ";" or (word == "," and self.condition == "open"):
                self.condition = ""
            return
        if token in _DASHES:
            self.roles = frozenset()
            return
        if word == _AT and self._begins_condition(at):
            self.found.append(FoundOperator(Operator.WHEN, False, len(self.terms), 0, self.clause))
            self.condition = "noun"
        if word in ("then", "то") and self.condition == "open":
            self.condition = ""
            return
        if not (token[0].isalpha() or token[0] in UNIT_SIGNS):
            return
        if word in ("on", "off") and self._switches(at):
            self._add(Term(kind=TermKind.WORD, keys=frozenset((word,)), contrasts=contrasts_of(frozenset((word,)))), at)
            return
        if word in PREPOSITIONS and not self._is_compared_time(at):
            before = self._roles_before(at)
            self.roles = PREPOSITIONS[word] | (before & _LASTING_ROLES)
            if word in ("then", "затем", "потом"):
                self.clause += 1
            if self._governs_pronoun(at):
                self._add(
                    Term(
                        kind=TermKind.WORD,
                        keys=frozenset((word,)),
                        contrasts=contrasts_of(frozenset((word,))),
                        is_optional=True,
                    ),
                    at,
                )
            return
        self._add_word(at)

    def _governs_pronoun(self, at: int) -> bool:
        """Whether a preposition that has an opposite says its part by itself: "below him", but not "below the roof"."""
        if not contrasts_of(frozenset((self.words[at],))) or at + 1 >= len(self.words):
            return False
        following = self.words[at + 2] if at + 2 < len(self.words) else "."
        is_over = not following[0].isalnum()
        return self.words[at + 1] in PRONOUNS and (is_over or self.words[at + 1] not in DETERMINERS)

    def _roles_before(self, at: int) -> frozenset[str]:
        """Roles of the preposition before another one: than in May, "than that of the moon"."""
        while at and self.words[at - 1] in DETERMINERS:
            at -= 1
        return PREPOSITIONS.get(self.words[at - 1], frozenset()) if at else frozenset()

    def _begin_clause(self, at: int) -> None:
        self._end_clause(at)
        self.clause += 1

    def _begins_condition(self, at: int) -> bool:
        """Whether «при» at the beginning of a clause says under what circumstances the rest holds."""
        is_first = at == 0 or self.tokens[at - 1] in _CLAUSE_MARKS or self.clause not in self.clauses
        return is_first and not self.condition and at + 1 < len(self.words) and self.words[at + 1].endswith(_STATES)

    def _is_compared_time(self, at: int) -> bool:
        if self.words[at] not in _COMPARED_TIMES:
            return False
        following = self.words[at + 1] if at + 1 < len(self.words) else ","
        return following in ("чем", ".") or following in _CLAUSE_MARKS

    def _switches(self, at: int) -> bool:
        """Whether "on" or "off" belongs to a verb: switch it off, turned on."""
        own = [term for term, clause in zip(self.terms, self.clauses, strict=True) if clause == self.clause]
        if not own or not any(term.keys & _SWITCHES for term in own):
            return False
        following = self.words[at + 1] if at + 1 < len(self.words) else "."
        return bool(self.terms[-1].keys & _SWITCHES) or not following[0].isalpha() or following in _CLAUSE_WORDS

    def _is_light(self, form: WordForm) -> bool:
        """Whether a Russian word says nothing by itself: «стали», but not «чем в стали»."""
        is_governed_noun = bool(self.roles) and PartOfSpeech.NOUN in form.parts_of_speech
        return bool(form.lemmas & LIGHT_LEMMAS) and not is_governed_noun

    def _is_letter(self, at: int) -> bool:
        """Whether a letter is a name: vitamin D, class B."""
        token, before = self.tokens[at], self.tokens[at - 1] if at else ""
        if len(token) != 1 or not token.isupper() or self.words[at] in FIRST_PERSON:
            return False
        return bool(before and before not in _BEFORE_A_SENTENCE) or self.words[at] not in _LETTERS_THAT_ARE_WORDS

    def _add_word(self, at: int) -> None:
        token, word = self.tokens[at], self.words[at]
        if self._is_letter(at) and at not in self.units_at:
            self._add(Term(kind=TermKind.NAME, keys=frozenset((word,))), at, keeps_roles=True)
            return
        if unit := unit_of(word, after_number=at in self.units_at):
            form = read_word(word)
            term = Term(
                kind=TermKind.UNIT,
                keys=frozenset((unit,)),
                unit=unit,
                parts_of_speech=form.parts_of_speech,
                cases=form.cases,
            )
            self._add(term, at)
            return
        if (date := date_key(token, word, at)) is not None:
            self._add(Term(kind=TermKind.DATE, keys=frozenset((date,))), at)
            return
        form = read_word(word)
        if word not in DECIDING and (word in STOP_WORDS or word in LIGHT_VERBS or self._is_light(form)):
            is_phrase_over = word in _OBLIQUE_PRONOUNS if has_russian_letters(word) else word not in DETERMINERS
            if is_phrase_over and not self.roles & _CLAUSE_ROLES:
                self.roles = frozenset()
            return
        if form.parts_of_speech == {PartOfSpeech.FUNCTION}:
            return
        is_name = form.is_proper or (token[0].isupper() and at > 0 and self.tokens[at - 1] not in '«"“„:')
        self._add(
            Term(
                kind=TermKind.NAME if is_name else TermKind.WORD,
                keys=form.lemmas,
                groups=frozenset() if is_name else synonym_groups(form.lemmas),
                roots=frozenset(key[:ROOT_LETTERS] for key in form.lemmas),
                contrasts=contrasts_of(form.lemmas),
                parts_of_speech=form.parts_of_speech,
                # A title in quotation marks need not be declined: «команда „Волна“».
                cases=frozenset() if at > 1 and self.tokens[at - 1] in _QUOTES else form.cases,
                is_optional=word in OPTIONAL or not form.lemmas.isdisjoint(EMPTY_LEMMAS),
            ),
            at,
            keeps_roles=self._continues_phrase(form.parts_of_speech) and not (is_name and self._ends_name(at)),
        )

    def _continues_phrase(self, parts_of_speech: frozenset[PartOfSpeech]) -> bool:
        """Whether the next word still belongs to the preposition: "in the northern forest", «в северном лесу»."""
        if parts_of_speech:
            return PartOfSpeech.NOUN not in parts_of_speech
        return not (self.terms and self.terms[-1].roles is self.roles)

    def _ends_name(self, at: int) -> bool:
        """Whether no further name follows: "on Tolar lasts", but "in New York"."""
        following = self.tokens[at + 1] if at + 1 < len(self.tokens) else ""
        return not following[:1].isupper()

    def _agree(self, term: Term) -> Term:
        """A noun in a case that its adjective can have, a surname in one of its first name; they change likewise."""
        before = self.terms[-1]
        cases = before.cases & term.cases
        is_adjective = before.parts_of_speech == {PartOfSpeech.ADJECTIVE}
        if not cases or not (is_adjective or before.kind is term.kind is TermKind.NAME):
            return term
        self.terms[-1] = replace(before, cases=cases)
        return replace(term, cases=cases)

    def _is_compared_with(self, term: Term, start: int) -> bool:
        """Whether a Russian genitive stands right after a comparative: «легче воды»."""
        if not self.terms or start != self.after_term or self.roles or "gent" not in term.cases:
            return False
        word = self.words[start - 1]
        return word not in DECIDING and read_word(word).is_comparative

    def _as_owner(self, term: Term) -> Term:
        """A noun right after a noun, that can be in the genitive, is: «плотность воды», not "the waters"."""
        is_noun = self.terms[-1].parts_of_speech == term.parts_of_speech == {PartOfSpeech.NOUN}
        if is_noun and "gent" in term.cases and "nomn" in term.cases and not self.roles:
            return replace(term, cases=frozenset(("gent",)))
        return term

    def _opens_condition(self) -> bool:
        """Whether the next term is the first one of the condition."""
        return self.found[-1].operator is Operator.WHEN and self.found[-1].before == len(self.terms)

    def _add(self, term: Term, start: int, end: int | None = None, *, keeps_roles: bool = False) -> None:
        if self._is_compared_with(term, start):
            self.roles = _THAN
        if self.terms and start == self.after_term:
            term = self._as_owner(self._agree(term))
        if self.condition == "noun" and self.terms and "gent" not in term.cases and not self._opens_condition():
            self.condition = ""
        self.terms.append(
            replace(
                term,
                roles=self.roles,
                is_negated=self.negates,
                is_conditional=bool(self.condition),
                is_attached=start == self.after_term,
            )
        )
        self.clauses.append(self.clause)
        self.after_term = start + 1 if end is None else end
        self.negates = False
        if not keeps_roles:
            self.roles = frozenset()


@lru_cache(4096)
def _read(text: str) -> Statement:
    tokens = tokenize(text)
    words = [fold(token) for token in tokens]
    quantities: dict[int, list[Quantity]] = {}
    for quantity in find_quantities(tokens, words):
        quantities.setdefault(quantity.start, []).append(quantity)
    numeric = {at for start, found in quantities.items() for at in range(start, found[-1].end)}
    operators = {match.start: match for match in find_operators(words, numeric) if not _is_month_of_may(match, tokens)}
    ends = frozenset(found[-1].end for found in quantities.values())
    reader = _Reader(tokens, words, quantities, ends, operators)
    reader.read()
    letters = [word for word in words if word[0].isalpha()]
    return Statement(
        tuple(reader.terms),
        tuple(reader.found),
        (0,) * len(reader.terms),
        tuple(reader.clauses),
        text.rstrip(" \"'»”)*_").endswith("?"),
        frozenset() if PRONOUNS.isdisjoint(letters[:_WORDS_OF_A_REFERENCE]) else frozenset((0,)),
        is_imperative(letters),
    )


def _is_month_of_may(match: OperatorMatch, tokens: Sequence[str]) -> bool:
    return tokens[match.start] == "May" and match.start > 0
