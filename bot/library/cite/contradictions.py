"""What can be wrong with a statement whose every word is in the passage.

Each rule is one way to change a sentence with its own words: to take a value from another clause, to turn a comparison
round, to leave out "it is a myth that" or "if", to make may of must. A rule that cannot tell refuses: a missing mark
costs less than a false one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from bot.library.cite.alignment import Alignment
from bot.library.cite.cause_rules import changes_cause, drops_exception
from bot.library.cite.clause_rules import (
    borrows_rival,
    exchanges_subject,
    joins_strangers,
    mixes_clauses,
    mixes_sentences,
    replaces_modifier,
    takes_place_of_pronoun,
)
from bot.library.cite.comparison_rules import compares_with_another, tells_of_compared, turns_comparison
from bot.library.cite.number_rules import changes_bound, changes_unit
from bot.library.cite.operator_rules import (
    changes_condition,
    changes_modality,
    changes_negation,
    changes_quantifier,
    drops_restriction,
    ignores_frame,
)
from bot.library.cite.order_rules import changes_role, exchanges_terms, reverses_passive
from bot.library.cite.statement import FoundOperator

_RULES: Final[tuple[Callable[[Alignment], bool], ...]] = (
    changes_condition,
    changes_negation,
    changes_modality,
    changes_quantifier,
    drops_restriction,
    changes_cause,
    drops_exception,
    changes_bound,
    changes_unit,
    changes_role,
    turns_comparison,
    tells_of_compared,
    compares_with_another,
    exchanges_terms,
    reverses_passive,
    mixes_clauses,
    joins_strangers,
    mixes_sentences,
    exchanges_subject,
    takes_place_of_pronoun,
    borrows_rival,
    replaces_modifier,
)


def contradicts(alignment: Alignment, heading_operators: Sequence[FoundOperator] = ()) -> bool:
    """Whether a statement says something else than the passage that has its words.

    Args:
        heading_operators: of the passage's headings: what stands under "Myths" is one.
    """
    return ignores_frame(alignment, heading_operators) or any(rule(alignment) for rule in _RULES)


_REVERSALS: Final[tuple[Callable[[Alignment], bool], ...]] = (
    changes_negation,
    changes_quantifier,
    changes_bound,
    changes_role,
    turns_comparison,
    exchanges_terms,
    reverses_passive,
)
"""The rules that do not refuse for want of knowing: where one of them fires, the opposite or another thing is said."""


def says_otherwise(alignment: Alignment) -> bool:
    """Whether a statement plainly says the opposite of the passage that has its words, or turns it round."""
    return any(rule(alignment) for rule in _REVERSALS)
