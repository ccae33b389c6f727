"""Methods about the bot's commands, name and descriptions."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.telegram.core import Core, method
from tests.fakes.telegram.refusals import bad
from tests.fakes.telegram.wire import Call

MAX_COMMANDS, MAX_COMMAND, MAX_DESCRIPTION = 100, 32, 256
PLAIN_SCOPES = {"default", "all_private_chats", "all_group_chats", "all_chat_administrators"}
CHAT_SCOPES = {"chat", "chat_administrators", "chat_member"}
LENGTHS = {"name": 64, "description": 512, "short_description": 120}


@method
def set_my_commands(core: Core, call: Call) -> Any:
    """setMyCommands."""
    given = call.json("commands", "commands") or []
    if not isinstance(given, list):
        raise bad("Expected an Array of BotCommand")
    key, commands = _scope(core, call), [_command(entry) for entry in given]
    if len(commands) > MAX_COMMANDS:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    core.profile[key] = commands
    return True


@method
def get_my_commands(core: Core, call: Call) -> Any:
    """getMyCommands, of exactly this scope and language."""
    return core.profile.get(_scope(core, call), [])


@method
def delete_my_commands(core: Core, call: Call) -> Any:
    """deleteMyCommands."""
    core.profile.pop(_scope(core, call), None)
    return True


def _command(entry: Any) -> dict[str, str]:
    if not isinstance(entry, dict):
        raise bad("Can't parse BotCommand: expected an Object")
    for field in ("command", "description"):
        if not isinstance(entry.get(field), str):
            raise bad(f"Can't parse BotCommand: Can't find field \"{field}\"")
    command, description = entry["command"].strip().removeprefix("/"), entry["description"].strip()
    if not command:
        raise bad("Command must be non-empty")
    if len(command) > MAX_COMMAND:
        raise bad(f"Command length must not exceed {MAX_COMMAND}")
    if not description:
        raise bad("Command description must be non-empty")
    if len(description) > MAX_DESCRIPTION:
        raise bad(f"Command description length must not exceed {MAX_DESCRIPTION}")
    if not re.fullmatch(r"[a-z0-9_]+", command):
        raise bad("BOT_COMMAND_INVALID")
    return {"command": command, "description": description}


def _language(call: Call) -> str:
    language = call.text("language_code")
    if language and not re.fullmatch(r"[a-z]{2}", language):
        raise bad("Invalid language code specified")
    return language


def _scope(core: Core, call: Call) -> tuple[str, ...]:
    scope = call.json("scope", "BotCommandScope") or {"type": "default"}
    if not isinstance(scope, dict):
        raise bad("Can't parse BotCommandScope: BotCommandScope must be an Object")
    kind = scope.get("type")
    if kind in PLAIN_SCOPES:
        return ("commands", _language(call), kind)
    if kind not in CHAT_SCOPES:
        raise bad("Can't parse BotCommandScope: Unsupported type specified")
    if not scope.get("chat_id"):
        raise bad("Can't parse BotCommandScope: Empty chat_id specified")
    if kind == "chat_member" and not scope.get("user_id"):
        raise bad("Can't parse BotCommandScope: Invalid user_id specified")
    chat = core.chat(Call(call.method, {"chat_id": str(scope["chat_id"])}))
    return ("commands", _language(call), kind, str(chat.id), str(scope.get("user_id", "")))


def _set(what: str) -> Any:
    def set_my(core: Core, call: Call) -> bool:
        # Telegram's own words for a text that is too long are not known.
        if len(call.text(what)) > LENGTHS[what]:
            raise bad(f"{what.upper()}_TOO_LONG")
        core.profile[what, _language(call)] = call.text(what)
        return True

    set_my.__name__ = f"set_my_{what}"
    return method(set_my)


def _get(what: str) -> Any:
    def get_my(core: Core, call: Call) -> dict[str, str]:
        language = _language(call)
        default = core.world.bot.name if what == "name" else ""
        return {what: core.profile.get((what, language)) or core.profile.get((what, "")) or default}

    get_my.__name__ = f"get_my_{what}"
    return method(get_my)


for _what in LENGTHS:
    _set(_what), _get(_what)
