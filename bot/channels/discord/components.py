"""Buttons, menus and forms as Discord takes them, and the ids that say what was pressed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from bot.core.i18n import LANGUAGES, Translator
from bot.core.messages import Menu
from bot.minds import Mind
from bot.minds.grammar import MAX_EXPRESSION_LENGTH, MAX_TERMS

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


ROW, BUTTON, SELECT, TEXT_INPUT = 1, 2, 3, 4
GREY, RED = 2, 4
MAX_OPTIONS: Final = 25
"""Of one menu."""
MODE_FIELD_ID: Final = "expression"
"""Id of the form's one field."""
_MAX_LABEL_LENGTH: Final = 100
_LANGUAGE_NAMES: Final = {"ru": "Русский", "en": "English"}
ActionRows = tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ComponentBuilder:
    """What can be pressed, made for one mind."""

    mind: Mind
    commands: Collection[str]
    """Names of the commands there are: what has no command gets no button."""

    def draft_buttons(self, person: str, say: Translator) -> ActionRows:
        """Under an answer that is being written."""
        return _action_row([_button("stop", person, say("Stop"), RED)])

    def answer_buttons(self, person: str, say: Translator) -> ActionRows:
        """Under one that has ended."""
        retry = [_button("retry", person, say("Ask again"), GREY)] if "retry" in self.commands else []
        return _action_row([*retry, _button("menu", person, say("Mode"), GREY)])

    def menu(self, menu: Menu, person: str, say: Translator) -> ActionRows:
        """Something to choose from; in at most 25 of each kind, the rest is for `/mode` and the form."""
        if menu == "languages":
            options = [_option(code, _LANGUAGE_NAMES[code]) for code in LANGUAGES]
            options.append(_option("auto", say("the one you write in")))
            return _action_row([_select("language", person, say("the language I speak with you"), options)])
        mix = [
            _option(name, name, adapter.description.text(say.language))
            for name, adapter in list(self.mind.adapters.items())[:MAX_OPTIONS]
        ]
        named = [
            _option("auto", "auto", say("the nearest adapter, chosen for each message by its meaning")),
            _option("base", "base", say("the base model, with nobody's thoughts added")),
            *(
                _option(name, mode.title.text(say.language) or name, mode.mode)
                for name, mode in self.mind.modes.items()
            ),
        ][:MAX_OPTIONS]
        return (
            *_action_row([_select("mix", person, say("adapters to mix"), mix, max_values=min(len(mix), MAX_TERMS))]),
            *_action_row([_select("named", person, say("a ready mode"), named)]),
            *_action_row([_button("write", person, say("Weights…"), GREY)]),
        )


def mode_form(person: str, mode: str, say: Translator) -> dict[str, Any]:
    """A form to write a mode in, filled in with the present one."""
    field = {
        "type": TEXT_INPUT,
        "custom_id": MODE_FIELD_ID,
        "style": 1,
        "label": say("Adapters and their weights"),
        "value": mode[:MAX_EXPRESSION_LENGTH],
        "placeholder": "sport*0.7+core",
        "min_length": 1,
        "max_length": MAX_EXPRESSION_LENGTH,
        "required": True,
    }
    row = {"type": ROW, "components": [field]}
    return {"custom_id": str(ComponentId("write", person)), "title": say("Mode"), "components": [row]}


def submitted_mode(data: dict[str, Any]) -> str:
    """What was written in the form."""
    fields = [field for row in data.get("components", ()) for field in row.get("components", ())]
    return next((str(field.get("value", "")) for field in fields if field.get("custom_id") == MODE_FIELD_ID), "")


def _action_row(components: Sequence[dict[str, Any]]) -> ActionRows:
    return ({"type": ROW, "components": list(components)},)


def _button(action: ComponentAction, person: str, label: str, style: int) -> dict[str, Any]:
    return {"type": BUTTON, "style": style, "label": label[:80], "custom_id": str(ComponentId(action, person))}


def _select(
    action: ComponentAction, person: str, placeholder: str, options: Sequence[dict[str, Any]], max_values: int = 1
) -> dict[str, Any]:
    return {
        "type": SELECT,
        "custom_id": str(ComponentId(action, person)),
        "placeholder": placeholder[:150],
        "min_values": 1,
        "max_values": max_values,
        "options": list(options),
    }


def _option(value: str, label: str, description: str = "") -> dict[str, Any]:
    option = {"value": value, "label": truncate(label, _MAX_LABEL_LENGTH)}
    return {**option, "description": truncate(description, _MAX_LABEL_LENGTH)} if description else option


def truncate(text: str, limit: int) -> str:
    """At most `limit` characters of a label; what it stands for can be read elsewhere."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
