"""Comparisons: what is compared with what, and by which word."""

from __future__ import annotations

from typing import Final

from bot.library.cite.alignment import Alignment, similarity
from bot.library.cite.statement import Statement, Term

_SET_APART: Final = frozenset(("than", "unlike", "instead", "except"))
"""Roles of what a sentence only sets its subject apart from: it says nothing of that, or the opposite."""


def turns_comparison(alignment: Alignment) -> bool:
    """Turned round: "slow in air, but faster in water" made "faster in air than in water"."""
    claim, passage = alignment.claim, alignment.passage
    for index, place in alignment.pairs():
        if "than" not in claim.terms[index].roles or "than" in passage.terms[place].roles:
            continue
        compared = (alignment.places[at] for at in range(index - 1, -1, -1) if claim.terms[at].contrasts)
        word = next(compared, None)
        if word is None or passage.clauses[word] != passage.clauses[place] or "gent" in passage.terms[place].cases:
            continue
        if not any("than" in term.roles for term in passage.terms):
            return True
    return False


def tells_of_compared(alignment: Alignment) -> bool:
    """What a passage only compares with is made what the statement tells of: "larger than the moon", "the moon is".

    The same of what is unlike it, or in whose place it is.
    """
    claim, passage = alignment.claim, alignment.passage
    for index, place in alignment.pairs():
        term, other = claim.terms[index], passage.terms[place]
        apart = other.roles & _SET_APART
        if not apart or term.roles & apart or term.is_negated or _follows_in_phrase(passage, place):
            continue
        # It may be told of elsewhere in the passage.
        if not any(
            similarity(term, elsewhere) == 1 and not elsewhere.roles & _SET_APART
            for at, elsewhere in enumerate(passage.terms)
            if at != place
        ):
            return True
    return False


def _follows_in_phrase(passage: Statement, at: int) -> bool:
    """Whether a term comes after another one of the same role, in English perhaps no longer in its phrase."""
    return bool(at) and passage.terms[at].roles == passage.terms[at - 1].roles


def compares_with_another(alignment: Alignment) -> bool:
    """A word that compares is told of something else than in the passage.

    "Faster than in air, but slower than in steel" made "slower than in air"; "its surface is hotter than that of the
    moon" made "the surface of the moon is hotter than that of Venus".
    """
    claim, passage = alignment.claim, alignment.passage
    for index, place in alignment.pairs():
        if not claim.terms[index].contrasts:
            continue
        compared, was_compared = _compared(claim, index), _compared(passage, place)
        if compared and was_compared and not any(similarity(one, other) for one in compared for other in was_compared):
            return True
    return False


def _compared(statement: Statement, word: int) -> list[Term]:
    """What a word compares with: the terms after "than" before the next word that compares."""
    compared: list[Term] = []
    for at in range(word + 1, len(statement.terms)):
        term = statement.terms[at]
        if statement.sentences[at] != statement.sentences[word]:
            break
        if "than" in term.roles:
            compared.append(term)
        elif term.contrasts or compared:
            break
    return compared
