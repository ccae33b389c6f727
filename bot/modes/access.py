"""Who may use which mode of a mind."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from bot.modes.errors import ModeNotAllowed
from bot.modes.expression import parse_expression
from bot.modes.resolve import MAX_SUGGESTIONS, ResolvedMode, resolve_mode

if TYPE_CHECKING:
    from bot.mind.mind import Mind


def check_access(mode: ResolvedMode, mind: Mind, roles: Collection[str]) -> None:
    """Refuse a mode the mind keeps for roles this person does not have.

    A rule for an adapter holds for every mode it takes part in. `auto` passes as such: what it is routed to
    is checked once it is known.

    Raises:
        ModeNotAllowed: naming modes that are open to these roles.
    """
    closed = _restricted_name(mode, mind, roles)
    if closed is not None:
        choices = ("auto", *mind.adapters, *mind.modes, "base")
        working = [
            name
            for name in choices
            if _restricted_name(resolve_mode(parse_expression(name), mind), mind, roles) is None
        ]
        raise ModeNotAllowed(closed, working[:MAX_SUGGESTIONS] or ["auto"])


def _restricted_name(mode: ResolvedMode, mind: Mind, roles: Collection[str]) -> str | None:
    for name in (mode.named, mode.text, *(term.name for term in mode.terms)):
        if name is not None and name in mind.access and set(mind.access[name]).isdisjoint(roles):
            return name
    return None
