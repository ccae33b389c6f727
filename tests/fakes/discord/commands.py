"""Application commands: what Discord demands of them, and of options people give."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from tests.fakes.discord.errors import Form, refusal

if TYPE_CHECKING:
    from tests.fakes.discord.server import DiscordFake

LOCALES = frozenset({
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl", "pt-BR",
    "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja", "zh-TW", "ko",
})  # fmt: skip
SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(1, 12)
WITH_CHOICES = (STRING, INTEGER, NUMBER)
DEEPEST = 2
Path = tuple[str | int, ...]


def is_name(name: str) -> bool:
    """Whether a slash command or option may be called this: letters, digits, `-`, `_`; no capitals."""
    return 1 <= len(name) <= 32 and name == name.lower() and all(_in_name(c) for c in name)


def _in_name(char: str) -> bool:
    kind = unicodedata.category(char)[0]
    thai_or_devanagari = "\u0900" <= char <= "\u097f" or "\u0e00" <= char <= "\u0e7f"
    return char in "-_" or kind in "LN" or (kind == "M" and thai_or_devanagari)


def _check_name(form: Form, item: dict[str, Any], path: Path) -> None:
    name = item.get("name")
    if form.text(name, (*path, "name"), 1, 32, needed=True):
        if name != str(name).lower() and is_name(str(name).lower()):
            form.add((*path, "name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
        elif not is_name(str(name)):
            form.add((*path, "name"), "STRING_TYPE_REGEX", "String value did not match validation regex.")
    localized = item.get("name_localizations") or {}
    _check_locales(form, localized, (*path, "name_localizations"))
    if not all(isinstance(n, str) and is_name(n) for n in localized.values()):
        form.add((*path, "name_localizations"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_locales(form: Form, localized: dict[str, str], path: Path) -> None:
    for locale in localized.keys() - LOCALES:
        form.add((*path, locale), "ENUM_TYPE_COERCE", f'Value "{locale}" is not a valid locale.')


def _check_description(form: Form, item: dict[str, Any], path: Path) -> None:
    form.text(item.get("description"), (*path, "description"), 1, 100, needed=True)
    localized = item.get("description_localizations") or {}
    _check_locales(form, localized, (*path, "description_localizations"))
    for locale, text in localized.items():
        form.text(text, (*path, "description_localizations", locale), 1, 100, needed=True)


def _check_options(form: Form, options: Any, path: Path, depth: int = 0) -> None:
    names: set[str] = set()
    optional_seen = False
    for index, option in enumerate(form.objects(options, path, 0, 25)):
        place, kind = (*path, index), option.get("type")
        if not form.one_of(kind, (*place, "type"), tuple(range(1, 12))):
            continue
        _check_name(form, option, place)
        _check_description(form, option, place)
        if option.get("name") in names:
            form.add(place, "APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATED", "Option names must be unique")
        names.add(str(option.get("name")))
        if kind in (SUBCOMMAND, GROUP):
            if depth >= DEEPEST or (depth == 1 and kind == GROUP):
                text = "Sub-command option is nested too deep"
                form.add((*place, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", text)
            else:
                _check_options(
                    form, option.get("options") or [], (*place, "options"), depth + 1 if kind == GROUP else 2
                )
            continue
        if any(o.get("type") in (SUBCOMMAND, GROUP) for o in options):
            text = "Sub-command and sub-command group option types are mutually exclusive to all other types"
            form.add((*place, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", text)
        if option.get("required") and optional_seen:
            text = "Required options must be placed before non-required options"
            form.add(place, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", text)
        optional_seen = optional_seen or not option.get("required")
        _check_choices(form, option, place)


def _check_choices(form: Form, option: dict[str, Any], path: Path) -> None:
    choices = form.objects(option.get("choices") or [], (*path, "choices"), 0, 25)
    if (choices or option.get("autocomplete")) and option["type"] not in WITH_CHOICES:
        form.add((*path, "choices"), "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", "Choices are not supported here")
    if choices and option.get("autocomplete"):
        text = "Autocomplete cannot be used with choices"
        form.add((*path, "autocomplete"), "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID", text)
    form.number(option.get("min_length"), (*path, "min_length"), 0, 6000)
    form.number(option.get("max_length"), (*path, "max_length"), 1, 6000)
    check_choices(form, choices, (*path, "choices"), option["type"])


def check_choices(form: Form, choices: list[Any], path: Path, kind: int) -> None:
    """Notes what is wrong with choices, registered or completed."""
    names: set[str] = set()
    for index, choice in enumerate(choices):
        form.text(choice.get("name"), (*path, index, "name"), 1, 100, needed=True)
        _check_locales(form, choice.get("name_localizations") or {}, (*path, index, "name_localizations"))
        for locale, name in (choice.get("name_localizations") or {}).items():
            form.text(name, (*path, index, "name_localizations", locale), 1, 100, needed=True)
        value = choice.get("value")
        if kind == STRING:
            form.text(value, (*path, index, "value"), 1, 100, needed=True)
        elif isinstance(value, bool) or not isinstance(value, int if kind == INTEGER else int | float):
            form.add((*path, index, "value"), "NUMBER_TYPE_COERCE", f'Value "{value}" is not a number.')
        if choice.get("name") in names:
            text = "Choice names must be unique"
            form.add((*path, index, "name"), "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_DUPLICATED", text)
        names.add(str(choice.get("name")))


def _size(item: dict[str, Any]) -> int:
    """Characters of names, descriptions and values; of translations, the longest."""
    longest = {
        key: max([str(item.get(key) or ""), *(item.get(f"{key}_localizations") or {}).values()], key=len)
        for key in ("name", "description")
    }
    inner = [*(item.get("options") or []), *(item.get("choices") or [])]
    return sum(map(len, longest.values())) + len(str(item.get("value") or "")) + sum(map(_size, inner))


class Commands:
    """The commands the bot has registered, everywhere and in guilds."""

    def __init__(self, fake: DiscordFake) -> None:
        self._fake = fake
        self.of: dict[int | None, list[dict[str, Any]]] = {}
        """By guild; those of None are everywhere."""

    def overwrite(self, guild_id: int | None, commands: Any) -> list[dict[str, Any]]:
        """Registers these in place of all there were. Refuses them all if anything is wrong with one."""
        form = Form()
        commands = form.objects(commands, (), 0, 1000)
        form.check()
        kinds = [c.get("type", 1) for c in commands]
        if kinds.count(1) > 100 or kinds.count(2) > 15 or kinds.count(3) > 15:
            raise refusal(30032)
        names: set[tuple[int, str]] = set()
        for index, command in enumerate(commands):
            self._check(form, command, (index,))
            if (key := (kinds[index], str(command.get("name")))) in names:
                form.add((index,), "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
            names.add(key)
        form.check()
        old = {(c["type"], c["name"]): c for c in self.of.get(guild_id, [])}
        self.of[guild_id] = [self._registered(c, old, guild_id) for c in commands]
        self._fake.journal.add("commands", guild=guild_id and str(guild_id), names=[c["name"] for c in commands])
        return self.of[guild_id]

    def _check(self, form: Form, command: dict[str, Any], path: Path) -> None:
        if command.get("type", 1) != 1:
            form.text(command.get("name"), (*path, "name"), 1, 32, needed=True)
            return
        _check_name(form, command, path)
        _check_description(form, command, path)
        _check_options(form, command.get("options") or [], (*path, "options"))
        if _size(command) > 8000:
            form.add(path, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")

    def _registered(
        self, command: dict[str, Any], old: dict[tuple[int, str], dict[str, Any]], guild_id: int | None
    ) -> dict[str, Any]:
        kind = command.get("type", 1)
        known = old.get((kind, command["name"]))
        permissions = command.get("default_member_permissions")
        return {
            "description": "", "options": [], "nsfw": False, "dm_permission": True, "contexts": None, **command,
            "type": kind, "id": known["id"] if known else str(self._fake.clock.snowflake()),
            "application_id": str(self._fake.application_id), "version": str(self._fake.clock.snowflake()),
            "default_member_permissions": None if permissions is None else str(permissions),
            **({"guild_id": str(guild_id)} if guild_id else {}),
        }  # fmt: skip

    def find(self, name: str, guild_id: int | None) -> dict[str, Any] | None:
        """The slash command of this name: a guild's own before one that is everywhere."""
        for scope in (guild_id, None) if guild_id else (None,):
            for command in self.of.get(scope, []):
                if command["type"] == 1 and command["name"] == name:
                    return command
        return None
