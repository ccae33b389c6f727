"""What a button, menu or form means: all of it is in the id that Discord sends back, whichever process made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

Action = Literal["stop", "retry", "menu", "mix", "named", "write", "language"]
"""`stop` and `retry` an answer; show the `menu` of modes; `mix` adapters; take a `named` mode; open a form to `write` a
mode in; choose a `language`."""
ACTIONS: Final = cast(tuple[Action, ...], get_args(Action))
LONGEST: Final = 100
"""Characters of an id."""
_OURS: Final = "consilium"


@dataclass(frozen=True, slots=True)
class Press:
    """One thing to press, and whose it is."""

    action: Action
    person: str
    """Discord's id of who may press it."""

    def __str__(self) -> str:
        return f"{_OURS}:{self.action}:{self.person}"


def read_press(custom_id: str) -> Press | None:
    """The press of an id; None for what is not of this service."""
    if len(custom_id) > LONGEST:
        return None
    ours, _, told = custom_id.partition(":")
    name, _, person = told.partition(":")
    action = next((action for action in ACTIONS if action == name), None)
    if ours != _OURS or action is None or not (person.isascii() and person.isdigit()):
        return None
    return Press(action, person)
