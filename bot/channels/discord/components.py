"""Buttons, menus and forms in Discord's JSON, and the ids by which they are recognised when used."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

from bot.core.i18n import LANGUAGES, Translator
from bot.core.messages import Choice, Menu
from bot.minds import Mind
from bot.minds.grammar import MAX_EXPRESSION_LENGTH, MAX_TERMS

ComponentAction = Literal["stop", "retry", "library", "menu", "mix", "named", "write", "language", "choice"]
"""`stop` and `retry` an answer; add documents to the `library`; show the `menu` of modes; `mix` adapters; choose a
`named` mode; open a form to `write` a mode; choose a `language`; run the command of a `choice`."""
COMPONENT_ACTIONS: Final = cast(tuple[ComponentAction, ...], get_args(ComponentAction))
MAX_CUSTOM_ID_LENGTH: Final = 100
MAX_OPTIONS: Final = 25
"""Options of one menu."""
MODE_FIELD_ID: Final = "expression"
"""Custom id of the one field of the mode form."""
_ID_PREFIX: Final = "consilium"
_ROW, _BUTTON, _SELECT, _TEXT_INPUT = 1, 2, 3, 4
_GREY, _RED = 2, 4
_MAX_BUTTON_LABEL_LENGTH: Final = 80
_MAX_PLACEHOLDER_LENGTH: Final = 150
_MAX_OPTION_LENGTH: Final = 100
_LANGUAGE_NAMES: Final = {"ru": "Русский", "en": "English"}
ActionRows = tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ComponentId:
    """The custom id of a component: its action, and whose it is."""

    action: ComponentAction
    person: str
    """Discord's id of who may press it."""
    turn: str = ""
    """Id of the turn that it is about; empty for the latest."""

    def __str__(self) -> str:
        return f"{_ID_PREFIX}:{self.action}:{self.person}" + (f":{self.turn}" if self.turn else "")


def parse_component_id(custom_id: str) -> ComponentId | None:
    """The parts of a custom id; None for one that is not ours."""
    if len(custom_id) > MAX_CUSTOM_ID_LENGTH:
        return None
    prefix, _, rest = custom_id.partition(":")
    name, _, rest = rest.partition(":")
    person, _, turn = rest.partition(":")
    action = next((action for action in COMPONENT_ACTIONS if action == name), None)
    if prefix != _ID_PREFIX or action is None or not (person.isascii() and person.isdigit()):
        return None
    return ComponentId(action, person, turn)


@dataclass(frozen=True, slots=True)
class ComponentBuilder:
    """The components of one mind."""

    mind: Mind
    commands: Collection[str]
    """Names of the registered commands: an action without its command gets no button."""

    def draft_buttons(self, person: str, say: Translator) -> ActionRows:
        """The buttons under an answer that is being generated."""
        return _action_row([_button("stop", person, say("Stop"), _RED)])

    def answer_buttons(self, person: str, say: Translator, library_turn: str | None = None) -> ActionRows:
        """The buttons under a complete answer.

        Args:
            library_turn: id of the turn whose documents can be added to the library.
        """
        library = []
        if library_turn is not None and "library" in self.commands:
            library = [_button("library", person, say("Add to the library"), _GREY, library_turn)]
        retry = [_button("retry", person, say("Ask again"), _GREY)] if "retry" in self.commands else []
        return _action_row([*library, *retry, _button("menu", person, say("Mode"), _GREY)])

    def choices(self, choices: Sequence[Choice], person: str, say: Translator) -> ActionRows:
        """A list to choose a command from.

        Discord refuses a message with an option that is too long, empty or there twice. So those get none: everything
        that choices do can be written as well.
        """
        fitting = {
            choice.command: choice.label.strip()
            for choice in choices
            if choice.label.strip() and len(choice.command) <= _MAX_OPTION_LENGTH
        }
        options = [_option(command, label) for command, label in list(fitting.items())[:MAX_OPTIONS]]
        return _action_row([_select("choice", person, say("Choose"), options)]) if options else ()

    def menu(self, menu: Menu, person: str, say: Translator) -> ActionRows:
        """The menu of modes or of languages.

        It offers at most 25 modes of each kind; the others are chosen with `/mode` or the form.
        """
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
            *_action_row([_button("write", person, say("Weights…"), _GREY)]),
        )


def mode_form(person: str, mode: str, say: Translator) -> dict[str, Any]:
    """A form for writing a mode, filled in with the current one."""
    field = {
        "type": _TEXT_INPUT,
        "custom_id": MODE_FIELD_ID,
        "style": 1,
        "label": say("Adapters and their weights"),
        "value": mode[:MAX_EXPRESSION_LENGTH],
        "placeholder": "sport*0.7+core",
        "min_length": 1,
        "max_length": MAX_EXPRESSION_LENGTH,
        "required": True,
    }
    row = {"type": _ROW, "components": [field]}
    return {"custom_id": str(ComponentId("write", person)), "title": say("Mode"), "components": [row]}


def submitted_mode(data: dict[str, Any]) -> str:
    """The mode that was written in the form."""
    fields = [field for row in data.get("components", ()) for field in row.get("components", ())]
    return next((str(field.get("value", "")) for field in fields if field.get("custom_id") == MODE_FIELD_ID), "")


def _action_row(components: Sequence[dict[str, Any]]) -> ActionRows:
    return ({"type": _ROW, "components": list(components)},)


def _button(action: ComponentAction, person: str, label: str, style: int, turn: str = "") -> dict[str, Any]:
    return {
        "type": _BUTTON,
        "style": style,
        "label": label[:_MAX_BUTTON_LABEL_LENGTH],
        "custom_id": str(ComponentId(action, person, turn)),
    }


def _select(
    action: ComponentAction, person: str, placeholder: str, options: Sequence[dict[str, Any]], *, max_values: int = 1
) -> dict[str, Any]:
    return {
        "type": _SELECT,
        "custom_id": str(ComponentId(action, person)),
        "placeholder": placeholder[:_MAX_PLACEHOLDER_LENGTH],
        "min_values": 1,
        "max_values": max_values,
        "options": list(options),
    }


def _option(value: str, label: str, description: str = "") -> dict[str, Any]:
    option = {"value": value, "label": truncate(label, _MAX_OPTION_LENGTH)}
    return {**option, "description": truncate(description, _MAX_OPTION_LENGTH)} if description else option


def truncate(text: str, limit: int) -> str:
    """A label cut to at most `limit` characters; the full text can be read elsewhere."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
