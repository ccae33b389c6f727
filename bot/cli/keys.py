"""`consilium keys`: who may use the HTTP API, for what, how much, and for how long."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.app.keys import create_key, find_keys, list_keys, revoke_key
from bot.app.settings import CLIENT_NAME, Settings
from bot.channels.http.api_client import ANY_SUFFIX, PEOPLE_SOURCES, RIGHTS
from bot.cli.common import MindOption, format_time, key_value_table, new_table, stdout_console
from bot.cli.errors import CommandError
from bot.core.api_keys import SHOWN_LENGTH
from bot.minds import Mind, load_mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from consilium.errors import N_
from db.people.api_keys import ApiKey, KeyScope

NOBODY: Final = "none"
"""As the people of a key: it may name nobody."""
_LIFETIME: Final = re.compile(r"(\d{1,5})([mhdw])")
_UNITS: Final = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}

app = typer.Typer(
    name="keys", help="Make, list and revoke the keys of programs that use the HTTP API.", no_args_is_help=True
)

KeyArgument = Annotated[
    str, typer.Argument(help="The key's id, the beginning of it, or the shown beginning of the key.", metavar="KEY")
]
Positive = Annotated[int | None, typer.Option(min=1, max=2_000_000_000, show_default="no limit")]


class NoSuchKey(CommandError):
    """No key has this id or prefix, or several have."""

    sentence = N_("There is no key “{name}”, or several begin so.")
    remedy = N_("`consilium keys list` shows them.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


@app.command("create")
def create(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="The program's name. Its people belong to it: two keys of one name share them.")
    ],
    expires: Annotated[
        str | None, typer.Option(help="After so long (90d, 12h) or on a day (2027-01-31).", show_default="never")
    ] = None,
    rights: Annotated[str, typer.Option(help="read: modes, turns, memories; write: ask, change, delete.")] = ",".join(
        RIGHTS
    ),
    models: Annotated[
        str | None, typer.Option(help="Modes that it may ask, separated by commas.", show_default="all")
    ] = None,
    people: Annotated[
        str | None,
        typer.Option(
            help="People whom it may name, separated by commas; team-* is all names that begin so; none: nobody.",
            show_default="everybody",
        ),
    ] = None,
    people_from: Annotated[
        str,
        typer.Option(
            help="By what it may name them: user (and safety_identifier), openwebui (its headers), n8n (its"
            " conversations); separated by commas."
        ),
    ] = PEOPLE_SOURCES[0],
    requests_per_minute: Positive = None,
    requests_per_day: Positive = None,
    tokens_per_minute: Positive = None,
    tokens_per_day: Positive = None,
    at_once: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Messages open at a time.", show_default="its fair share")
    ] = None,
    mind: MindOption = None,
) -> None:
    """Make a key, and print it alone on standard output: it is shown only now, and stored as a digest."""
    settings: Settings = context.obj
    loaded = load_mind(mind or settings.mind, require_adapters=False)
    if not CLIENT_NAME.fullmatch(name):
        raise typer.BadParameter("a name has 1 to 64 characters, and neither blanks nor colons", param_hint="NAME")
    scope = KeyScope(
        rights=parse_choices("--rights", rights, RIGHTS),
        models=None if models is None else _canonical_modes(models, loaded),
        people=None if people is None else parse_people(people),
        people_from=parse_choices("--people-from", people_from, PEOPLE_SOURCES),
        requests_per_minute=requests_per_minute,
        requests_per_day=requests_per_day,
        tokens_per_minute=tokens_per_minute,
        tokens_per_day=tokens_per_day,
        at_once=at_once,
    )
    lifetime = None if expires is None else parse_lifetime(expires)
    text, key = asyncio.run(create_key(settings, loaded.name, name, scope, lifetime))
    typer.echo(text)
    note = f"This is the key of {key.name}, {key.prefix}…: keep it now, it is not shown again."
    Console(stderr=True, highlight=False).print(Text(note), soft_wrap=True)


@app.command("list")
def show_keys(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are expired or revoked.")] = False,
    mind: MindOption = None,
) -> None:
    """List the keys: whose, what they may do, until when, and when they were last used."""
    settings: Settings = context.obj
    keys = asyncio.run(list_keys(settings, _mind_name(settings, mind)))
    stdout_console().print(keys_table([key for key in keys if everything or key.is_valid]))


@app.command("show")
def show_key(context: typer.Context, key: KeyArgument, mind: MindOption = None) -> None:
    """Show all about one key, and what was used of it today."""
    settings: Settings = context.obj
    found, requests, tokens = _one_key(settings, _mind_name(settings, mind), key)
    lines = [*_key_lines(found), ("today", f"{requests} requests, {tokens} tokens (counted only where limited)")]
    stdout_console().print(key_value_table(lines))


@app.command("revoke")
def revoke(context: typer.Context, key: KeyArgument, mind: MindOption = None) -> None:
    """Revoke a key: running processes refuse it within two seconds. Its people and their memories stay."""
    settings: Settings = context.obj
    found, _, _ = _one_key(settings, _mind_name(settings, mind), key)
    asyncio.run(revoke_key(settings, found))
    stdout_console().print(Text(f"{found.prefix}… of {found.name} is revoked."))


def _mind_name(settings: Settings, folder: Path | None) -> str:
    return load_mind(folder or settings.mind, require_adapters=False).name


def keys_table(keys: Sequence[ApiKey]) -> Table:
    """A row for each key."""
    table = new_table("id", "key", "name", "may", "limits", "expires", "used", wrapped=("may", "limits", "name"))
    for key in keys:
        state = "revoked" if key.revoked_at else "expired" if key.is_expired else ""
        expires = format_time(key.expires_at) if key.expires_at else "never"
        used = format_time(key.last_used_at) if key.last_used_at else "never"
        table.add_row(
            str(key.id)[:8], f"{key.prefix}…", key.name, _scope_text(key), _limits_text(key), state or expires, used
        )
    return table


def parse_choices(option: str, text: str, choices: Sequence[str]) -> list[str]:
    """Words of a list that are separated by commas, each one of `choices`.

    Raises:
        typer.BadParameter: one is not.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    wrong = [word for word in words if word not in choices]
    if wrong or not words:
        raise typer.BadParameter(f"write some of: {', '.join(choices)}", param_hint=option)
    return list(dict.fromkeys(words))


def parse_people(text: str) -> list[str]:
    """Names of people, and beginnings of names with a `*`.

    Raises:
        typer.BadParameter: a `*` stands elsewhere than at an end.
    """
    if text.strip() == NOBODY:
        return []
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or any(ANY_SUFFIX in name[:-1] or len(name) > 256 for name in names):
        raise typer.BadParameter("a * may stand only at the end of a name", param_hint="--people")
    return list(dict.fromkeys(names))


def parse_lifetime(text: str, now: datetime | None = None) -> timedelta:
    """How long a key is to live: `90d`, or until a day begins.

    Raises:
        typer.BadParameter: it is neither, or over already.
    """
    hint = "--expires"
    if found := _LIFETIME.fullmatch(text.strip().lower()):
        lifetime = int(found[1]) * _UNITS[found[2]]
    else:
        try:
            day = datetime.fromisoformat(text.strip())
        except ValueError:
            raise typer.BadParameter("write 90d, 12h or 2027-01-31", param_hint=hint) from None
        lifetime = day.astimezone(UTC) - (now or datetime.now(UTC))
    if lifetime <= timedelta(0):
        raise typer.BadParameter("that is over already", param_hint=hint)
    return lifetime


def _canonical_modes(text: str, mind: Mind) -> list[str]:
    modes = [resolve_mode(parse_expression(name), mind).text for name in text.split(",") if name.strip()]
    if not modes:
        raise typer.BadParameter("name a mode", param_hint="--models")
    return list(dict.fromkeys(modes))


def _one_key(settings: Settings, mind: str, name: str) -> tuple[ApiKey, int, int]:
    shown = name.strip().rstrip("…")
    # Somebody may paste a whole key: no more of it than what is shown anyway is needed to find it.
    found = asyncio.run(find_keys(settings, mind, shown[:SHOWN_LENGTH] if shown.startswith("csk_") else shown.lower()))
    if len(found) != 1 or not shown:
        raise NoSuchKey(shown[:SHOWN_LENGTH])
    return found[0]


def _key_lines(key: ApiKey) -> list[tuple[str, str]]:
    times = [("expires", key.expires_at), ("revoked", key.revoked_at), ("last used", key.last_used_at)]
    return [
        ("id", str(key.id)),
        ("key", f"{key.prefix}…"),
        ("name", key.name),
        ("mind", key.mind),
        ("rights", ", ".join(key.rights)),
        ("modes", "all" if key.models is None else ", ".join(key.models)),
        ("people", "everybody" if key.people is None else ", ".join(key.people) or NOBODY),
        ("named by", ", ".join(key.people_from)),
        ("limits", _limits_text(key) or NOBODY),
        ("made", format_time(key.created_at)),
        *((label, format_time(when) if when else "never") for label, when in times),
    ]


def _scope_text(key: KeyScope) -> str:
    parts = [", ".join(key.rights)]
    if key.models is not None:
        parts.append(f"modes: {', '.join(key.models)}")
    if key.people is not None:
        parts.append(f"people: {', '.join(key.people) or NOBODY}")
    return "; ".join(parts)


def _limits_text(key: KeyScope) -> str:
    limits = [
        (key.requests_per_minute, "requests/min"),
        (key.requests_per_day, "requests/day"),
        (key.tokens_per_minute, "tokens/min"),
        (key.tokens_per_day, "tokens/day"),
        (key.at_once, "at once"),
    ]
    return ", ".join(f"{limit} {unit}" for limit, unit in limits if limit is not None)
