"""Making ready, at start, what people are likely to ask for, so that nobody is the first to wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from bot.modes.errors import ModeError
from bot.modes.expression import parse
from bot.modes.resolve import ResolvedMode, resolve
from consilium.errors import ConsiliumError
from db import usage
from inference.adapters.errors import AdapterError
from inference.adapters.resident import Resident, write_resident
from inference.engine.errors import AdapterBeyondLimits, AdapterInert, AdapterNotLoadable

if TYPE_CHECKING:
    from bot.mind.mind import Mind
    from bot.modes.composer import Composer
    from db.database import Database
    from inference.adapters.composition import Composition
    from inference.engine.port import Engine

_READ_AHEAD: Final = 4
"""Modes looked at for each one wanted: some are other minds', or come to the same composition."""
_ABOUT_ONE_ADAPTER: Final = (AdapterNotLoadable, AdapterBeyondLimits, AdapterInert)
"""What an engine says of the adapter it was given, and not of itself."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Heat:
    """Which modes count as hot."""

    modes: int
    """How many of those used most; 0 prewarms nothing at all."""
    days: int
    """In how many past days."""


async def prewarm(mind: Mind, composer: Composer, engine: Engine, database: Database, heat: Heat) -> None:
    """Compose and bring to the engine the core (pinned), the default mode and the hot modes, in this order.

    What came of it goes into `resident.json` beside the compositions, for a server to load when it starts. Several
    services may share that file: each mind has its own entries in it (`inference.adapters.resident`), and for one
    mind the last service to start has the word. A mode that cannot be made ready is left out. An engine that is away
    ends the work, and the file stays as it was. Nothing is raised but cancellation: answering needs none of this.
    """
    if not heat.modes:
        return
    try:
        await _prewarm(mind, composer, engine, database, heat)
    except ConsiliumError as error:
        log.warning("prewarm.ended_early", mind=mind.name, reason=str(error))
    except Exception:
        log.exception("prewarm.failed", mind=mind.name)


async def _prewarm(mind: Mind, composer: Composer, engine: Engine, database: Database, heat: Heat) -> None:
    since = datetime.now(UTC) - timedelta(days=heat.days)
    async with database.nobody() as connection:
        used = await usage.hot_modes(connection, since, heat.modes * _READ_AHEAD)
    ready: dict[str, Resident] = {}

    async def make_ready(mode: ResolvedMode, *, pinned: bool = False) -> None:
        composition = await _composed(composer, mode)
        if composition is None or composition.name in ready:
            return
        try:
            await engine.warm(composition.ref, pinned=pinned)
        except _ABOUT_ONE_ADAPTER as error:
            log.warning("prewarm.not_loaded", mode=mode.text, reason=str(error))
        else:
            ready[composition.name] = Resident(name=composition.name, pinned=pinned, mind=mind.name)

    for mode in _resolved([mind.core], mind):
        await make_ready(mode, pinned=True)
    for mode in _resolved([mind.default_mode], mind):
        await make_ready(mode)
    most = len(ready) + heat.modes
    for mode in _resolved([use.mode for use in used], mind):
        if len(ready) < most:
            await make_ready(mode)
    await asyncio.to_thread(write_resident, composer.store.root, mind.name, list(ready.values()), since)
    log.info("prewarm.done", mind=mind.name, compositions=len(ready))


async def _composed(composer: Composer, mode: ResolvedMode) -> Composition | None:
    try:
        return await asyncio.to_thread(composer.compose, mode)
    except ModeError as error:
        log.debug("prewarm.not_a_mode", mode=mode.text, reason=str(error))
    except AdapterError as error:
        log.warning("prewarm.not_composed", mode=mode.text, reason=str(error))
    return None


def _resolved(texts: Sequence[str], mind: Mind) -> Iterator[ResolvedMode]:
    """Those that this mind knows and that come to a composition."""
    for text in texts:
        try:
            mode = resolve(parse(text), mind)
        except ModeError as error:
            log.debug("prewarm.not_a_mode", mode=text, reason=str(error))
        else:
            if mode.terms:
                yield mode
