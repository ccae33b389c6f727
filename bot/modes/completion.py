"""Modes that what has been typed so far may become."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from bot.modes.errors import ModeError
from bot.modes.expression import MAX_LENGTH, normalise, parse
from bot.modes.names import find, name_key, nearest
from bot.modes.resolve import resolve

if TYPE_CHECKING:
    from bot.mind.mind import Mind

WEIGHTS: Final = ("0.3", "0.5", "0.7", "1", "1.3", "1.5", "2")
"""What is proposed after “*”; any other can be typed."""
_ALONE: Final = ("auto", "base")


def complete(typed: str, mind: Mind, limit: int) -> list[str]:
    """Expressions that go on from `typed` and that the mind allows, the likeliest first, each once.

    What comes before the last “+” stays; after it names are completed by their beginnings, by aliases and by likeness,
    then weights and further adapters are proposed. Whether a mode is open to a person is seen when he takes it.
    """
    if len(typed) > MAX_LENGTH:
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
        yield from (f"{before}{name}*{offered}" for offered in WEIGHTS if offered.startswith(weight))
        return
    yield from (f"{before}{whole}" for whole in _names(begun, mind, alone=not head))
    whole = find(begun, mind) if begun else None
    if whole in mind.adapters:
        yield from (f"{before}{whole}+{other}" for other in mind.adapters if other != whole)
        yield from (f"{before}{whole}*{offered}" for offered in WEIGHTS)


def _names(begun: str, mind: Mind, *, alone: bool) -> Iterator[str]:
    """Names that begin with what is typed, then those with such an alias, then those like it."""
    own = [*mind.adapters, *((*mind.modes, *_ALONE) if alone else ())]
    key = name_key(begun)
    yield from (name for name in own if name_key(name).startswith(key))
    yield from (target for alias, target in mind.names.items() if alias.startswith(key) and target in own)
    if key:
        yield from (name for name in nearest(begun, mind) if name in own)


def _is_allowed(candidate: str, mind: Mind) -> bool:
    try:
        resolve(parse(candidate), mind)
    except ModeError:
        return False
    return True
