"""What a person's client makes of the options, values and fields he gives, checked as Discord's own checks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fakes.discord.commands import (
    ATTACHMENT,
    BOOLEAN,
    CHANNEL,
    GROUP,
    INTEGER,
    MENTIONABLE,
    NUMBER,
    ROLE,
    STRING,
    SUBCOMMAND,
    USER,
)
from tests.fakes.discord.components import BUTTON, LABEL, ROW, SELECTS, STRING_SELECT, TEXT_INPUT, walk


class CannotDo(ValueError):
    """A person's client would not let him do this."""


SNOWFLAKES = {USER: "users", CHANNEL: "channels", ROLE: "roles", MENTIONABLE: "users", ATTACHMENT: "attachments"}


def find_options(command: Mapping[str, Any], words: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The options of a command or of the subcommand these words lead to, and the chain of subcommands."""
    options, chain = command["options"], []
    for word in words:
        found = next((o for o in options if o["name"] == word and o["type"] in (SUBCOMMAND, GROUP)), None)
        if found is None:
            raise CannotDo(f"/{command['name']} has no subcommand {word!r}")
        chain.append({"name": word, "type": found["type"]})
        options = found.get("options") or []
    if any(o["type"] in (SUBCOMMAND, GROUP) for o in options):
        raise CannotDo(f"/{command['name']} needs a subcommand")
    return options, chain


def check_value(option: Mapping[str, Any], value: Any) -> Any:
    """The value of an option, if the client would take it; a choice may be given by its name."""
    kind, name = option["type"], option["name"]
    if choices := option.get("choices"):
        for choice in choices:
            if value in (choice["value"], choice["name"]):
                return choice["value"]
        raise CannotDo(f"{name}: {value!r} is none of {[c['name'] for c in choices]}")
    if kind in (INTEGER, NUMBER):
        if isinstance(value, bool) or not isinstance(value, int if kind == INTEGER else int | float):
            raise CannotDo(f"{name}: {value!r} is not a number")
        if not option.get("min_value", value) <= value <= option.get("max_value", value):
            raise CannotDo(f"{name}: {value} is out of range")
    elif kind == BOOLEAN and not isinstance(value, bool):
        raise CannotDo(f"{name}: {value!r} is neither true nor false")
    elif kind == STRING and not isinstance(value, str):
        raise CannotDo(f"{name}: {value!r} is no text")
    elif kind == STRING and not option.get("min_length", 0) <= len(value) <= option.get("max_length", 6000):
        raise CannotDo(f"{name}: {value!r} is too long or too short")
    return value if kind not in SNOWFLAKES else str(value)


def fill_options(options: list[dict[str, Any]], given: Mapping[str, Any], focused: str | None) -> list[dict[str, Any]]:
    """The options as an interaction has them. While one is being completed, others need not be there."""
    known = {o["name"]: o for o in options}
    if strange := given.keys() - known.keys():
        raise CannotDo(f"no such option: {', '.join(strange)}; there are {', '.join(known) or 'none'}")
    if missing := [n for n, o in known.items() if o.get("required") and n not in given and focused is None]:
        raise CannotDo(f"required: {', '.join(missing)}")
    filled = []
    for name, option in known.items():
        if name == focused:
            if not option.get("autocomplete"):
                raise CannotDo(f"{name} is not completed")
            filled.append({"name": name, "type": option["type"], "value": str(given.get(name, "")), "focused": True})
        elif name in given:
            filled.append({"name": name, "type": option["type"], "value": check_value(option, given[name])})
    return filled


def nest(chain: list[dict[str, Any]], filled: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The options inside the subcommands that lead to them."""
    for link in reversed(chain):
        filled = [{**link, "options": filled}]
    return filled


def find_button(components: list[dict[str, Any]], which: str) -> dict[str, Any]:
    """The button with this label or id, if it can be pressed."""
    buttons = [c for c in walk(components) if c.get("type") == BUTTON]
    for button in buttons:
        if which in (button.get("label"), button.get("custom_id"), (button.get("emoji") or {}).get("name")):
            if button.get("disabled") or "custom_id" not in button:
                raise CannotDo(f"the button {which!r} cannot be pressed")
            return button
    raise CannotDo(f"no button {which!r}; there are {[b.get('label') for b in buttons]}")


def find_select(
    components: list[dict[str, Any]], values: list[str], which: str | None
) -> tuple[dict[str, Any], list[str]]:
    """The select with this id or placeholder (or the only one), and the values of these labels."""
    selects = [c for c in walk(components) if c.get("type") in SELECTS]
    fitting = [s for s in selects if which in (None, s.get("custom_id"), s.get("placeholder"))]
    if len(fitting) != 1:
        raise CannotDo(f"which select? there are {[s.get('placeholder') or s.get('custom_id') for s in selects]}")
    select = fitting[0]
    if select.get("disabled"):
        raise CannotDo("the select is disabled")
    return select, chosen_values(select, values)


def chosen_values(select: Mapping[str, Any], values: list[str]) -> list[str]:
    """The values of these labels or values, as many as may be chosen."""
    if select["type"] == STRING_SELECT:
        by_label = {o["label"]: o["value"] for o in select["options"]}
        known = set(by_label.values())
        if wrong := [v for v in values if v not in by_label and v not in known]:
            raise CannotDo(f"no such choice: {wrong}; there are {list(by_label)}")
        values = [by_label.get(v, v) for v in values]
    low, high = select.get("min_values", 1), select.get("max_values", 1)
    if not (0 if select.get("required") is False else low) <= len(values) <= high:
        raise CannotDo(f"{len(values)} chosen of {low} to {high}")
    return [str(v) for v in values]


def fill_modal(modal: Mapping[str, Any], given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A modal's components with what was typed, by label or id. What is not given keeps its preset value."""
    left, filled = dict(given), []
    for item in modal["components"]:
        inner = item["components"][0] if item["type"] == ROW else item.get("component")
        if item["type"] not in (ROW, LABEL) or inner is None:
            filled.append({"type": item["type"], "id": 0})
            continue
        label = inner.get("label") or item.get("label")
        value = next((left.pop(k) for k in (inner["custom_id"], label) if k in left), None)
        answer = {"type": inner["type"], "custom_id": inner["custom_id"], "id": 0, **_field(inner, label, value)}
        filled.append(
            {"type": ROW, "components": [answer]} if item["type"] == ROW else {"type": LABEL, "component": answer}
        )
    if left:
        raise CannotDo(f"the modal has no {', '.join(left)}")
    return filled


def _field(field: Mapping[str, Any], label: str, value: Any) -> dict[str, Any]:
    if field["type"] in SELECTS:
        return {"values": chosen_values(field, list(value or []))}
    if field["type"] != TEXT_INPUT:
        return {"values": list(value)} if isinstance(value, list) else {"value": value}
    text = field.get("value") or "" if value is None else str(value)
    if not text and field.get("required", True):
        raise CannotDo(f"{label} is required")
    if text and not field.get("min_length", 0) <= len(text) <= field.get("max_length", 4000):
        raise CannotDo(f"{label} is too long or too short")
    return {"value": text}
