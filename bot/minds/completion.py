"""Modes that what has been typed so far may become."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from bot.minds.errors import ModeError
from bot.minds.grammar import MAX_EXPRESSION_LENGTH, normalise, parse_expression
from bot.minds.names import find_name, name_key, nearest_names
from bot.minds.resolve import resolve_mode

if TYPE_CHECKING:
    from bot.minds.mind import Mind

SUGGESTED_WEIGHTS: Final = ("0.3", "0.5", "0.7", "1", "1.3", "1.5", "2")
"""What is proposed after “*”; any other can be typed."""
_STANDALONE_MODES: Final = ("auto", "base")


def complete_mode(typed: str, mind: Mind, limit: int) -> list[str]:
    """Expressions that go on from `typed` and that the mind allows, the likeliest first, each once.

    What comes before the last “+” stays; after it names are completed by their beginnings, by aliases and by likeness,
    then weights and further adapters are proposed. Whether a mode is open to a person is seen when he takes it.
    """
    if len(typed) > MAX_EXPRESSION_LENGTH:
        return []
    typed = normalise(typed).strip()
    found: dict[str, None] = {}
    for candidate in _candidates(typed, mind):
        if len(found) == limit:
            break
        if candidate not in found and _is_allowed(candidate, mind):
            found[candidate] = None
    return list(found)


def _candidates(typed: str, mind: Mind) -> Iterator[str]:
    head, plus, begun = (part.strip() for part in typed.rpartition("+"))
    before = f"{head}{plus}"
    name, times, weight = (part.strip() for part in begun.partition("*"))
    if typed:
        yield typed
    if times:
        yield from (f"{before}{name}*{offered}" for offered in SUGGESTED_WEIGHTS if offered.startswith(weight))
        return
    yield from (f"{before}{whole}" for whole in _matching_names(begun, mind, include_modes=not head))
    whole = find_name(begun, mind) if begun else None
    if whole in mind.adapters:
        yield from (f"{before}{whole}+{other}" for other in mind.adapters if other != whole)
        yield from (f"{before}{whole}*{offered}" for offered in SUGGESTED_WEIGHTS)


def _matching_names(prefix: str, mind: Mind, *, include_modes: bool) -> Iterator[str]:
    """Names that begin with what is typed, then those with such an alias, then those like it."""
    own = [*mind.adapters, *((*mind.modes, *_STANDALONE_MODES) if include_modes else ())]
    key = name_key(prefix)
    yield from (name for name in own if name_key(name).startswith(key))
    yield from (target for alias, target in mind.names.items() if alias.startswith(key) and target in own)
    if key:
        yield from (name for name in nearest_names(prefix, mind) if name in own)


def _is_allowed(candidate: str, mind: Mind) -> bool:
    try:
        resolve_mode(parse_expression(candidate), mind)
    except ModeError:
        return False
    return True
