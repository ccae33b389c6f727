"""What a button, menu or form means: all of it is in the id that Discord sends back, whichever process made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

ComponentAction = Literal["stop", "retry", "menu", "mix", "named", "write", "language"]
"""`stop` and `retry` an answer; show the `menu` of modes; `mix` adapters; take a `named` mode; open a form to `write` a
mode in; choose a `language`."""
COMPONENT_ACTIONS: Final = cast(tuple[ComponentAction, ...], get_args(ComponentAction))
MAX_CUSTOM_ID_LENGTH: Final = 100
"""Characters of an id."""
_ID_PREFIX: Final = "consilium"


@dataclass(frozen=True, slots=True)
class ComponentId:
    """One thing to press, and whose it is."""

    action: ComponentAction
    person: str
    """Discord's id of who may press it."""

    def __str__(self) -> str:
        return f"{_ID_PREFIX}:{self.action}:{self.person}"


def parse_component_id(custom_id: str) -> ComponentId | None:
    """The press of an id; None for what is not of this service."""
    if len(custom_id) > MAX_CUSTOM_ID_LENGTH:
        return None
    ours, _, told = custom_id.partition(":")
    name, _, person = told.partition(":")
    action = next((action for action in COMPONENT_ACTIONS if action == name), None)
    if ours != _ID_PREFIX or action is None or not (person.isascii() and person.isdigit()):
        return None
    return ComponentId(action, person)
