"""The endpoints that tell what a mode is composed of, what its adapters cost each other, and what is there already."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import combinations
from typing import Annotated, Final, Literal, TypeVar

from fastapi import Path
from starlette.requests import Request

from bot.answering.conflict_verdicts import MOST, judge_mixture
from bot.channels.http.api import Api, api_of
from bot.channels.http.api_client import ApiClient, client_of
from bot.channels.http.errors import ModelsTooSlow
from bot.channels.http.own_objects import (
    ComparisonObject,
    CompositionList,
    CompositionObject,
    ConflictList,
    CostVerdict,
    ExpectedCost,
    ModeComposition,
    PairConflict,
    PartObject,
)
from bot.minds.errors import ModeError
from bot.minds.grammar import parse_expression
from bot.minds.resolve import ResolvedMode, check_access, resolve_mode
from consilium.errors import ConsiliumError
from inference.adapters.composition import Composition
from inference.adapters.conflict import measure_conflict
from inference.adapters.errors import CompositionNotFound
from inference.engines.port import ListsAdapters

T = TypeVar("T")
_TIMEOUT: Final = 60.0
"""Seconds that reading adapters may take."""
ModePath = Annotated[
    str, Path(max_length=1000, description="A mode: an expression, a name or an alias.", examples=["sport+core"])
]


async def list_compositions(request: Request) -> CompositionList:
    """The compositions that are there already, the latest used first: of adapters in use, and of the key's modes."""
    api, client = api_of(request), client_of(request)
    held = _held(api)
    found = await _in_time(lambda: sorted(_visible(api, client), key=lambda each: each.last_used_at, reverse=True))
    return CompositionList(
        data=[each.model_copy(update={"loaded": None if held is None else each.id in held}) for each in found]
    )


async def show_composition(request: Request, mode: ModePath) -> ModeComposition:
    """What a mode is composed of, by what weights, and whether it is composed already. Nothing is composed by asking.

    Raises:
        ModeError, ModelNotInScope: there is no such mode, or not for this key.
        ModelsTooSlow: it took too long.
    """
    api = api_of(request)
    resolved = _resolve(api, client_of(request), mode)
    held = _held(api)
    return await _in_time(lambda: _describe(api, resolved, held))


async def show_conflicts(request: Request, mode: ModePath) -> ConflictList:
    """How the adapters of a mode get in each other's way, pair by pair, and what they cost each other, predicted.

    Raises:
        ModeError, ModelNotInScope: there is no such mode, or not for this key.
        ModelsTooSlow: it took too long.
    """
    api = api_of(request)
    resolved = _resolve(api, client_of(request), mode)
    return await _in_time(lambda: _compare(api, resolved))


def _resolve(api: Api, client: ApiClient, name: str) -> ResolvedMode:
    resolved = api.resolve_mode(name)
    client.require_model(resolved.text)
    check_access(resolved, api.mind, ())
    return resolved


async def _in_time(work: Callable[[], T]) -> T:
    """The result of blocking work.

    Raises:
        ModelsTooSlow: it took too long.
    """
    try:
        async with asyncio.timeout(_TIMEOUT):
            return await asyncio.to_thread(work)
    except TimeoutError:
        raise ModelsTooSlow(_TIMEOUT) from None


def _held(api: Api) -> frozenset[str] | None:
    """The compositions that the engine holds; None where it does not say."""
    return api.engine.held_adapters if isinstance(api.engine, ListsAdapters) else None


def _describe(api: Api, mode: ResolvedMode, held: frozenset[str] | None) -> ModeComposition:
    composer = api.composer
    adapters = composer.adapter_set(None)
    parts = composer.parts(mode, adapters)
    name, composition = composer.name_of(mode, adapters), None
    if name is not None:
        with suppress(CompositionNotFound):
            composition = composer.store.get(name)
    return ModeComposition(
        mode=mode.text,
        composition=name,
        parts=[
            PartObject(
                adapter=term.name,
                kind=_kind(api, term.name),
                weight=part.scaled_weight,
                layers=None if part.layers is None else (part.layers[0], part.layers[-1]),
            )
            for term, part in zip(mode.terms, parts, strict=True)
        ],
        is_composed=composition is not None,
        rank=None if composition is None else composition.report.rank,
        bytes=None if composition is None else composition.report.size,
        loaded=None if held is None else name in held,
    )


def _visible(api: Api, client: ApiClient) -> Iterator[CompositionObject]:
    """The compositions of adapters that are in use and open to everybody, and of modes that the key may ask."""
    composer = api.composer
    adapters = composer.adapter_set(None)
    names = {package.digest: name for name, package in adapters.packages.items() if _is_open(api, name)}
    allowed = None if client.models is None else {_name_of(api, mode) for mode in client.models}
    for composition in composer.store.list():
        if allowed is not None and composition.name not in allowed:
            continue
        if any(part.digest not in names for part in composition.record.parts):
            continue
        # It may be removed at any moment.
        with suppress(FileNotFoundError):
            yield _composition_object(api, composition, names)


def _is_open(api: Api, adapter: str) -> bool:
    try:
        check_access(resolve_mode(parse_expression(adapter), api.mind), api.mind, ())
    except ModeError:
        return False
    return True


def _name_of(api: Api, mode: str) -> str | None:
    """The name of a mode's composition; None where it has none, or cannot be composed now."""
    try:
        return api.composer.name_of(resolve_mode(parse_expression(mode), api.mind))
    except ConsiliumError:
        return None


def _composition_object(api: Api, composition: Composition, names: Mapping[str, str]) -> CompositionObject:
    record, report = composition.record, composition.report
    return CompositionObject(
        id=composition.name,
        parts=[
            PartObject(
                adapter=names[part.digest],
                kind=_kind(api, names[part.digest]),
                weight=part.weight,
                layers=part.layers,
            )
            for part in record.parts
        ],
        merge=None if record.merge is None else str(record.merge),
        rank=report.rank,
        bytes=report.size,
        truncation_error=report.truncation_error,
        last_used_at=composition.last_used_at.isoformat(),
        loaded=None,
    )


def _kind(api: Api, adapter: str) -> Literal["core", "topic", "isolated"]:
    kind: Literal["core", "topic", "isolated"] = api.mind.adapters[adapter].kind.value
    return kind


def _compare(api: Api, mode: ResolvedMode) -> ConflictList:
    composer, mind = api.composer, api.mind
    adapters = composer.adapter_set(None)
    # Gains are measured at full strength, and so are conflicts.
    parts = {
        term.name: replace(part, strength=1.0)
        for term, part in zip(mode.terms, composer.parts(mode, adapters), strict=True)
    }
    pairs = [
        PairConflict(
            adapters=(first, second),
            total=ComparisonObject.model_validate(found.total),
            layers={str(layer): ComparisonObject.model_validate(it) for layer, it in found.by_layer.items()},
            modules={module: ComparisonObject.model_validate(it) for module, it in found.by_module.items()},
        )
        for first, second in combinations(parts, 2)
        for found in (measure_conflict(parts[first], parts[second]),)
    ]
    gate = mind.policies.gate
    most = MOST if gate is None else 1 - gate.core_kept
    manifests = {name: part.package.manifest for name, part in parts.items()}
    verdicts = judge_mixture(parts, manifests, mind.core, composer.base, most, mode.merge) if pairs else []
    return ConflictList(
        mode=mode.text,
        data=pairs,
        verdicts=[
            CostVerdict(
                adapter=verdict.adapter,
                others=list(verdict.others),
                cost=ExpectedCost.model_validate(verdict.cost),
                text="\n".join(verdict.sentences()),
            )
            for verdict in verdicts
        ],
    )
