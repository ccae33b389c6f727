"""The endpoints for models and modes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Path
from starlette.requests import Request

from bot.channels.http.api import Api, api_of
from bot.channels.http.api_client import ApiClient, client_of
from bot.channels.http.own_objects import ModeList, ModeObject
from bot.channels.http.response_models import ModelList, ModelObject
from bot.core.i18n import Translator
from bot.minds.errors import ModeError
from bot.minds.grammar import parse_expression
from bot.minds.resolve import check_access, resolve_mode

ModelName = Annotated[str, Path(description="A mode.", examples=["sport+core"])]


async def list_models(request: Request) -> ModelList:
    """The named modes, as OpenAI's models."""
    api = api_of(request)
    modes = named_modes(api, client_of(request), api.translator_for(request))
    return ModelList(data=[ModelObject(id=mode.name, owned_by=api.mind.name) for mode in modes])


async def show_model(request: Request, model: ModelName) -> ModelObject:
    """Any mode that can answer, sums of adapters included."""
    api = api_of(request)
    client_of(request).require_model(api.resolve_mode(model).text)
    return ModelObject(id=model, owned_by=api.mind.name)


async def list_modes(request: Request) -> ModeList:
    """The named modes with their kinds, descriptions and aliases."""
    api = api_of(request)
    modes = list(named_modes(api, client_of(request), api.translator_for(request)))
    return ModeList(mind=api.mind.name, default=api.mind.default_mode, data=modes)


def named_modes(api: Api, client: ApiClient, say: Translator) -> Iterator[ModeObject]:
    """The named modes that are open to everybody, in service, and in the scope of the client's key.

    Clients may ask for sums of adapters as well.
    """
    mind, language = api.mind, say.language
    modes = [
        ("auto", "auto", say("the nearest adapter, chosen for each message by its meaning"), ()),
        *(
            (name, str(adapter.kind), adapter.description.text(language), adapter.aliases)
            for name, adapter in mind.adapters.items()
        ),
        *((name, "named", named.title.text(language), named.aliases) for name, named in mind.modes.items()),
        ("base", "base", say("the base model, with nobody's thoughts added"), ()),
    ]
    for name, kind, about, aliases in modes:
        mode = resolve_mode(parse_expression(name), mind)
        try:
            check_access(mode, mind, ())
        except ModeError:
            continue
        if not api.composer.is_in_service(mode) or not client.allows_model(mode.text):
            continue
        yield ModeObject(name=name, kind=kind, about=about, aliases=list(aliases), mode=mode.text)
