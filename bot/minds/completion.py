"""Completes a mode while it is being typed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from bot.minds.errors import ModeError
from bot.minds.grammar import MAX_EXPRESSION_LENGTH, normalise, parse_expression
from bot.minds.names import find_name, name_key, nearest_names
from bot.minds.resolve import resolve_mode

if TYPE_CHECKING:
    from bot.minds.mind import Mind

SUGGESTED_WEIGHTS: Final = ("0.3", "0.5", "0.7", "1", "1.3", "1.5", "2", "3", "-0.5", "-1")
"""Weights suggested after “*”. Others can be typed."""
_STANDALONE_MODES: Final = ("auto", "base")


def complete_mode(typed: str, mind: Mind, limit: int) -> list[str]:
    """At most `limit` different expressions that continue `typed` and that the mind allows, the likeliest first.

    The text before the last “+” stays as it is. After it, names are completed by prefix, alias and similarity; then
    further adapters and weights are suggested. A person's roles are not checked here but when they choose a mode.
    """
    if len(typed) > MAX_EXPRESSION_LENGTH:
        return []
    typed = normalise(typed).strip()
    completions: dict[str, None] = {}
    for candidate in _candidates(typed, mind):
        if len(completions) == limit:
            break
        if candidate not in completions and _is_allowed(candidate, mind):
            completions[candidate] = None
    return list(completions)


def _candidates(typed: str, mind: Mind) -> Iterator[str]:
    earlier_terms, plus, term = (part.strip() for part in typed.rpartition("+"))
    before = f"{earlier_terms}{plus}"
    name, times, weight_prefix = (part.strip() for part in term.partition("*"))
    if typed:
        yield typed
    if times:
        yield from (f"{before}{name}*{weight}" for weight in SUGGESTED_WEIGHTS if weight.startswith(weight_prefix))
        return
    yield from (f"{before}{match}" for match in _matching_names(term, mind, include_modes=not earlier_terms))
    adapter = find_name(term, mind) if term else None
    if adapter in mind.adapters:
        yield from (f"{before}{adapter}+{other}" for other in mind.adapters if other != adapter)
        yield from (f"{before}{adapter}*{weight}" for weight in SUGGESTED_WEIGHTS)


def _matching_names(prefix: str, mind: Mind, *, include_modes: bool) -> Iterator[str]:
    """Names that begin with the prefix, then names with such an alias, then similar names."""
    names = [*mind.adapters, *((*mind.modes, *_STANDALONE_MODES) if include_modes else ())]
    key = name_key(prefix)
    yield from (name for name in names if name_key(name).startswith(key))
    yield from (target for alias, target in mind.names.items() if alias.startswith(key) and target in names)
    if key:
        yield from (name for name in nearest_names(prefix, mind) if name in names)


def _is_allowed(candidate: str, mind: Mind) -> bool:
    try:
        resolve_mode(parse_expression(candidate), mind)
    except ModeError:
        return False
    return True
