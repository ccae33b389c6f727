"""Composes and loads at start what people are likely to use, so that nobody has to wait for it first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.minds.errors import ModeError
from bot.minds.grammar import parse_expression
from bot.minds.resolve import ResolvedMode, resolve_mode
from consilium.errors import ConsiliumError
from db.turns import admin_queries
from inference.adapters.errors import AdapterError
from inference.adapters.resident_list import ResidentEntry, update_resident_list
from inference.engines.errors import AdapterExceedsLimits, AdapterHasNoEffect, AdapterNotLoadable

if TYPE_CHECKING:
    from bot.answering.composer import Composer
    from bot.minds.mind import Mind
    from db.infra.database import Database
    from inference.adapters.composition import Composition
    from inference.engines.port import Engine

_OVERFETCH_FACTOR: Final = 4
"""Modes queried for each one wanted: some belong to other minds or resolve to the same composition."""
_ADAPTER_ERRORS: Final = (AdapterNotLoadable, AdapterExceedsLimits, AdapterHasNoEffect)
"""Errors about the adapter, not about the engine."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PrewarmPolicy:
    """Which modes count as hot."""

    mode_count: int
    """How many of the most used ones; 0 prewarms nothing at all."""
    window_days: int
    """Use in so many past days counts."""


async def prewarm(mind: Mind, composer: Composer, engine: Engine, database: Database, policy: PrewarmPolicy) -> None:
    """Compose and load into the engine the core (pinned), the default mode and the hot modes, in this order.

    The loaded compositions are listed in `resident.json` beside the compositions, for a server to load when it starts.
    Several services may share that file: each mind has its own entries in it (`inference.adapters.resident_list`), and
    for one mind the last service to start overwrites them. A mode that cannot be loaded is left out. An unreachable
    engine ends the work, and the file stays as it was. Nothing but cancellation is raised, since answering does not
    need this.
    """
    if not policy.mode_count:
        return
    try:
        await _load_hot_modes(mind, composer, engine, database, policy)
    except ConsiliumError as error:
        log.warning("prewarm.aborted", mind=mind.name, reason=error)
    except Exception:
        log.exception("prewarm.failed", mind=mind.name)


async def _load_hot_modes(
    mind: Mind, composer: Composer, engine: Engine, database: Database, policy: PrewarmPolicy
) -> None:
    since = datetime.now(UTC) - timedelta(days=policy.window_days)
    async with database.anonymous_transaction() as connection:
        used = await admin_queries.most_used_modes(connection, since, policy.mode_count * _OVERFETCH_FACTOR)
    loaded: dict[str, ResidentEntry] = {}

    async def load(mode: ResolvedMode, *, pinned: bool = False) -> None:
        composition = await _compose_or_none(composer, mode)
        if composition is None or composition.name in loaded:
            return
        try:
            await engine.load_adapter(composition.ref, pinned=pinned)
        except _ADAPTER_ERRORS as error:
            log.warning("prewarm.load_failed", mode=mode.text, reason=error)
        else:
            loaded[composition.name] = ResidentEntry(name=composition.name, pinned=pinned, mind=mind.name)

    for mode in _resolve_composable([mind.core], mind):
        await load(mode, pinned=True)
    for mode in _resolve_composable([mind.default_mode], mind):
        await load(mode)
    limit = len(loaded) + policy.mode_count
    for mode in _resolve_composable([use.mode for use in used], mind):
        if len(loaded) < limit:
            await load(mode)
    await asyncio.to_thread(update_resident_list, composer.store.root, mind.name, list(loaded.values()), since)
    log.info("prewarm.finished", mind=mind.name, compositions=len(loaded))


async def _compose_or_none(composer: Composer, mode: ResolvedMode) -> Composition | None:
    try:
        return await asyncio.to_thread(composer.compose, mode)
    except ModeError as error:
        log.debug("prewarm.mode_rejected", mode=mode.text, reason=error)
    except AdapterError as error:
        log.warning("prewarm.compose_failed", mode=mode.text, reason=error)
    return None


def _resolve_composable(texts: Sequence[str], mind: Mind) -> Iterator[ResolvedMode]:
    """The modes that this mind knows and that resolve to a composition."""
    for text in texts:
        try:
            mode = resolve_mode(parse_expression(text), mind)
        except ModeError as error:
            log.debug("prewarm.mode_rejected", mode=text, reason=error)
        else:
            if mode.terms:
                yield mode
