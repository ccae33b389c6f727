"""Prepositions: which part a word has in its sentence, so that "from A to B" is not "from B to A"."""

from __future__ import annotations

from typing import Final

_WORDS: Final = {
    "from": "from out out-of из из-за от со с",
    "to": "to into onto toward towards в во на к ко до",
    "in": "in on at inside within в во на",
    "with": "with с со вместе",
    "without": "without без",
    "by": "by via through через сквозь",
    "than": "than чем нежели",
    "before": "before until till prior до перед прежде раньше ранее",
    "after": "after since following then после позже спустя затем потом",
    "for": "for ради за для",
    "against": "against против",
    "over": "over above над поверх",
    "under": "under below beneath под",
    "of": "of",
    "between": "between among между среди",
    "about": "about around о об обо около вокруг",
    "during": "during throughout",
    "instead": "instead вместо",
    "unlike": "unlike",
    "except": "except besides кроме",
    "despite": "despite вопреки несмотря",
    "near": "near beside у возле при рядом",
    "along": "along across вдоль по",
}


def _roles() -> dict[str, frozenset[str]]:
    roles: dict[str, set[str]] = {}
    for role, words in _WORDS.items():
        for word in words.split():
            roles.setdefault(word, set()).add(role)
    return {word: frozenset(found) for word, found in roles.items()}


PREPOSITIONS: Final = _roles()
"""The roles that each preposition can give to the words after it."""
OPPOSITE_ROLES: Final = frozenset(
    map(
        frozenset,
        (
            ("from", "to"),
            ("with", "without"),
            ("before", "after"),
            ("over", "under"),
            ("for", "against"),
            ("with", "against"),
            ("with", "instead"),
            ("with", "except"),
            ("with", "unlike"),
        ),
    )
)
"""Pairs of roles of which one never stands for the other."""


def are_opposite_roles(first: frozenset[str], second: frozenset[str]) -> bool:
    """Whether two prepositions, by their roles, say opposite things of a word."""
    if first & second:
        return False
    return any(frozenset((one, other)) in OPPOSITE_ROLES for one in first for other in second)
