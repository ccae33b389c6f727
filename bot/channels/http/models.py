"""Modes as OpenAI's models, and with all that is known of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.channels.http.api import Api
from bot.locales import Translator
from bot.modes.access import check_access
from bot.modes.errors import ModeError
from bot.modes.expression import parse_expression
from bot.modes.resolve import resolve_mode


@dataclass(frozen=True, slots=True)
class NamedMode:
    """A mode that has a name of its own."""

    name: str
    kind: str
    """`core`, `topic` or `isolated` of an adapter; else `named`, `auto` or `base`."""
    about: str
    aliases: tuple[str, ...]
    mode: str
    """In canonical form."""


def named_modes(api: Api, say: Translator) -> Iterator[NamedMode]:
    """Modes with names that are open to everybody; sums of adapters may be asked for as well."""
    mind, language = api.mind, say.language
    found = [
        ("auto", "auto", say("the nearest adapter, chosen for each message by its meaning"), ()),
        *((n, str(one.kind), one.description.text(language), one.aliases) for n, one in mind.adapters.items()),
        *((n, "named", one.title.text(language), one.aliases) for n, one in mind.modes.items()),
        ("base", "base", say("the base model, with nobody's thoughts added"), ()),
    ]
    for name, kind, about, aliases in found:
        mode = resolve_mode(parse_expression(name), mind)
        try:
            check_access(mode, mind, ())
        except ModeError:
            continue
        yield NamedMode(name, kind, about, tuple(aliases), mode.text)


def model_object(api: Api, name: str) -> dict[str, Any]:
    """OpenAI's model object."""
    return {"id": name, "object": "model", "created": 0, "owned_by": api.mind.name}
