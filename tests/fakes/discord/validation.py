"""What Discord demands of messages, components, modals and application commands.

The fake knows what our bot uses. Anything else in a body is an error of the fake, not silently accepted: whoever makes
the bot send more has to teach it what Discord demands of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from discord.app_commands.commands import validate_name

from tests.fakes.discord.errors import Form, Path

EPHEMERAL, LOADING = 1 << 6, 1 << 7
CONTENT_LIMIT = 2000
FILE_LIMIT = 10 * 1024 * 1024
"""Bytes of one file."""
REQUEST_LIMIT = 25 * 1024 * 1024

ROW, BUTTON, SELECT, TEXT_INPUT = 1, 2, 3, 4
COMMAND, STRING_OPTION, ATTACHMENT_OPTION = 1, 3, 11
LOCALES = frozenset({
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl", "pt-BR",
    "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja", "zh-TW", "ko",
})  # fmt: skip
MESSAGE_KEYS = {
    "content", "components", "allowed_mentions", "nonce", "enforce_nonce", "message_reference", "attachments", "flags",
}  # fmt: skip


class NotCovered(Exception):
    """A request uses a part of Discord that this fake does not know."""


def _cover(item: dict[str, Any], keys: set[str]) -> None:
    if unknown := item.keys() - keys:
        raise NotCovered(f"the fake knows no {', '.join(sorted(unknown))} in {item}")


# Messages and their components.


def check_message(body: dict[str, Any], path: Path = ()) -> None:
    """Refuse a message's body with anything wrong in it."""
    _cover(body, MESSAGE_KEYS)
    form = Form()
    form.text(body.get("content"), (*path, "content"), 0, CONTENT_LIMIT)
    form.text(body.get("nonce"), (*path, "nonce"), 1, 25)
    _check_rows(form, body.get("components") or [], (*path, "components"))
    mentions = body.get("allowed_mentions") or {}
    _cover(mentions, {"parse", "replied_user"})
    for n, kind in enumerate(mentions.get("parse") or []):
        form.one_of(kind, (*path, "allowed_mentions", "parse", n), ("roles", "users", "everyone"))
    form.check()


def is_empty(body: dict[str, Any], files: int) -> bool:
    """Whether a message would show nothing."""
    return not ((body.get("content") or "").strip() or body.get("components") or body.get("attachments") or files)


def components_in(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The components of action rows."""
    for row in rows:
        yield from row["components"]


def _check_rows(form: Form, rows: Any, path: Path) -> None:
    custom_ids: set[str] = set()
    for n, row in enumerate(form.objects(rows, path, 0, 5)):
        _cover(row, {"type", "components"})
        if not form.one_of(row.get("type"), (*path, n, "type"), (ROW,)):
            continue
        children = form.objects(row.get("components"), (*path, n, "components"), 1, 5)
        if len(children) > 1 and any(child.get("type") == SELECT for child in children):
            message = "The specified component exceeds the maximum width"
            form.add((*path, n, "components", 1), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message)
        for m, child in enumerate(children):
            place = (*path, n, "components", m)
            if not form.one_of(child.get("type"), (*place, "type"), (BUTTON, SELECT)):
                continue
            _check_custom_id(form, child, place, custom_ids)
            if child["type"] == BUTTON:
                _check_button(form, child, place)
            else:
                _check_select(form, child, place)


def _check_custom_id(form: Form, item: dict[str, Any], path: Path, known: set[str]) -> None:
    custom_id = item.get("custom_id")
    if form.text(custom_id, (*path, "custom_id"), 1, 100, required=True):
        if custom_id in known:
            message = "Component custom id cannot be duplicated"
            form.add((*path, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", message)
        known.add(str(custom_id))


def _check_button(form: Form, button: dict[str, Any], path: Path) -> None:
    _cover(button, {"type", "style", "label", "custom_id"})
    form.one_of(button.get("style"), (*path, "style"), (1, 2, 3, 4))
    form.text(button.get("label"), (*path, "label"), 1, 80, required=True)


def _check_select(form: Form, select: dict[str, Any], path: Path) -> None:
    _cover(select, {"type", "custom_id", "placeholder", "min_values", "max_values", "options"})
    form.text(select.get("placeholder"), (*path, "placeholder"), 0, 150)
    form.number(select.get("min_values"), (*path, "min_values"), 0, 25)
    form.number(select.get("max_values"), (*path, "max_values"), 1, 25)
    options = form.objects(select.get("options"), (*path, "options"), 1, 25)
    values: set[str] = set()
    for n, option in enumerate(options):
        place = (*path, "options", n)
        _cover(option, {"label", "value", "description"})
        form.text(option.get("label"), (*place, "label"), 1, 100, required=True)
        form.text(option.get("description"), (*place, "description"), 0, 100)
        form.text(option.get("value"), (*place, "value"), 1, 100, required=True)
        if option.get("value") in values:
            message = "The specified option value is already used"
            form.add(place, "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message)
        values.add(str(option.get("value")))
    if (select.get("max_values") or 1) > len(options):
        form.add((*path, "max_values"), "SELECT_COMPONENT_MAX_VALUES_TOO_LARGE", "max_values exceeds the options")


def check_modal(form: Form, modal: dict[str, Any], path: Path) -> None:
    """Note what is wrong with a modal."""
    _cover(modal, {"title", "custom_id", "components"})
    form.text(modal.get("title"), (*path, "title"), 1, 45, required=True)
    form.text(modal.get("custom_id"), (*path, "custom_id"), 1, 100, required=True)
    custom_ids: set[str] = set()
    for n, row in enumerate(form.objects(modal.get("components"), (*path, "components"), 1, 5)):
        for m, field in enumerate(form.objects(row.get("components"), (*path, "components", n, "components"), 1, 1)):
            place = (*path, "components", n, "components", m)
            keys = {"type", "custom_id", "style", "label", "value", "placeholder", "min_length", "max_length"}
            _cover(field, {*keys, "required"})
            form.one_of(field.get("type"), (*place, "type"), (TEXT_INPUT,))
            _check_custom_id(form, field, place, custom_ids)
            form.one_of(field.get("style"), (*place, "style"), (1, 2))
            form.text(field.get("label"), (*place, "label"), 1, 45, required=True)
            form.number(field.get("min_length"), (*place, "min_length"), 0, 4000)
            form.number(field.get("max_length"), (*place, "max_length"), 1, 4000)
            form.text(field.get("value"), (*place, "value"), 0, 4000)
            form.text(field.get("placeholder"), (*place, "placeholder"), 0, 100)


# Application commands.


def check_commands(commands: Any) -> None:
    """Refuse commands with anything wrong in one of them."""
    form = Form()
    names: set[str] = set()
    for n, command in enumerate(form.objects(commands, (), 0, 100)):
        keys = {"type", "options", "contexts", "integration_types"}
        _check_described(form, command, (n,), keys)
        form.one_of(command.get("type", COMMAND), (n, "type"), (COMMAND,))
        _check_options(form, command.get("options") or [], (n, "options"))
        if _command_size(command) > 8000:
            form.add((n,), "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")
        if command.get("name") in names:
            form.add((n,), "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
        names.add(str(command.get("name")))
    form.check()


def check_choices(form: Form, choices: Any, path: Path) -> None:
    """Note what is wrong with choices, registered or offered while somebody types."""
    names: set[str] = set()
    for n, choice in enumerate(form.objects(choices, path, 0, 25)):
        _cover(choice, {"name", "value"})
        form.text(choice.get("name"), (*path, n, "name"), 1, 100, required=True)
        form.text(choice.get("value"), (*path, n, "value"), 1, 100, required=True)
        if choice.get("name") in names:
            message = "Choice names must be unique"
            form.add((*path, n, "name"), "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_DUPLICATED", message)
        names.add(str(choice.get("name")))


def _check_described(form: Form, item: dict[str, Any], path: Path, keys: set[str]) -> None:
    """Name and description, with their translations, of a command or an option."""
    _cover(item, {*keys, "name", "name_localizations", "description", "description_localizations"})
    names = item.get("name_localizations") or {}
    descriptions = item.get("description_localizations") or {}
    for locale in (names.keys() | descriptions.keys()) - LOCALES:
        form.add((*path, locale), "ENUM_TYPE_COERCE", f'Value "{locale}" is not a valid locale.')
    for name in (item.get("name"), *names.values()):
        try:
            validate_name(str(name))
        except ValueError as error:
            form.add((*path, "name"), "APPLICATION_COMMAND_INVALID_NAME", str(error))
    for description in (item.get("description"), *descriptions.values()):
        form.text(description, (*path, "description"), 1, 100, required=True)


def _check_options(form: Form, options: Any, path: Path) -> None:
    names: set[str] = set()
    optional_seen = False
    for n, option in enumerate(form.objects(options, path, 0, 25)):
        place = (*path, n)
        _check_described(form, option, place, {"type", "required", "choices", "autocomplete", "max_length"})
        form.one_of(option.get("type"), (*place, "type"), (STRING_OPTION, ATTACHMENT_OPTION))
        form.number(option.get("max_length"), (*place, "max_length"), 1, 6000)
        check_choices(form, option.get("choices") or [], (*place, "choices"))
        if option.get("choices") and option.get("autocomplete"):
            message = "Autocomplete cannot be used with choices"
            form.add((*place, "autocomplete"), "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID", message)
        if option.get("required") and optional_seen:
            message = "Required options must be placed before non-required options"
            form.add(place, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        if option.get("name") in names:
            form.add(place, "APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATED", "Option names must be unique")
        optional_seen = optional_seen or not option.get("required")
        names.add(str(option.get("name")))


def _command_size(item: dict[str, Any]) -> int:
    """Characters of names, descriptions and values; of translations, the longest."""
    longest = (
        max([str(item.get(key) or ""), *(item.get(f"{key}_localizations") or {}).values()], key=len)
        for key in ("name", "description")
    )
    inner = [*(item.get("options") or []), *(item.get("choices") or [])]
    return sum(map(len, longest)) + len(str(item.get("value") or "")) + sum(map(_command_size, inner))
