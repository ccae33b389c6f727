"""`<|use_lora_NAME|>` at the head of a message: a mode for that message alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.modes.expression import ModeExpression, parse_expression

if TYPE_CHECKING:
    from bot.mind.mind import Mind

_TRIGGER_PREFIX = re.compile(r"\s*<\|use_lora_(?P<name>[^<>|\n]*)\|>\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A message split into the mode its head asks for and the rest."""

    expression: ModeExpression
    message: str


def parse_trigger(message: str, mind: Mind) -> Trigger | None:
    """Split off the triggers at the head of `message`; several compose.

    Only the head counts: the same words anywhere else are data. None when there is none, or when the mind
    has triggers off.

    Raises:
        ModeError: a trigger at the head does not name a mode.
    """
    if not mind.triggers.enabled:
        return None
    names = []
    end = 0
    while found := _TRIGGER_PREFIX.match(message, end):
        names.append(found["name"].strip())
        end = found.end()
    return Trigger(parse_expression("+".join(names)), message[end:]) if names else None
