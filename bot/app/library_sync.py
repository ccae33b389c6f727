"""The library, brought up to date beside everything else when a process starts that answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from bot.library.chunk_options import NamedTokenCounter
from bot.library.ingest import Ingest
from bot.library.parse.parser import Parser
from bot.minds import Mind
from bot.minds.schema import CollectionKind
from consilium.errors import ConsiliumError
from db.errors import DatabaseUnreachable
from db.infra.advisory_lock import try_advisory_lock
from db.infra.database import Database
from db.library import catalog as rows
from db.library import chunk_search
from inference.embedding import Embedder
from inference.errors import InferenceError

RETRY_DELAY: Final = 60.0
"""Seconds after which it is tried again when a model or the database was away."""
FIRST_SYNC_TIMEOUT: Final = 60.0
"""Seconds that a start waits for a library which holds nothing yet; what takes longer goes on beside the answers."""

log = structlog.get_logger(__name__)


async def is_library_empty(mind: Mind, database: Database) -> bool:
    """Whether the mind has a library of which nothing can be found yet."""
    if not mind.collections:
        return False
    async with database.anonymous_transaction() as connection:
        return not await chunk_search.searchable_collections(connection, mind.name)


@asynccontextmanager
async def background_library_sync(
    mind: Mind,
    dsn: str,
    database: Database,
    embedder: Embedder,
    counter: NamedTokenCounter,
    progress: Callable[[str], None],
    *,
    include_voice: bool,
    retry_delay: float = RETRY_DELAY,
) -> AsyncIterator[None]:
    """As long as this is open, the mind's library is being brought up to date once, by whichever process comes first:
    what is new is read, and what has no vector of this embedder gets one.

    Only the first time of all, when there is nothing to be found yet, is it waited for.

    Args:
        progress: told what is being done, while it is waited for.
        voice: whether style examples are kept too.
        again_after: seconds until it is tried again when a model or the database was away.
    """
    names = [name for name, one in mind.collections.items() if include_voice or one.kind is not CollectionKind.VOICE]
    if not names:
        yield
        return
    waiting = await is_library_empty(mind, database)
    last = ""

    def told(what: str, _done: int, _total: int) -> None:
        nonlocal last
        if waiting and what != last:
            progress(what)
        last = what

    tried = asyncio.Event()

    async def keep() -> None:
        while True:
            parser = Parser()
            ingest = Ingest(database, embedder, parser, counter, told)
            is_over = await _sync_once(mind, names, dsn, database, ingest, parser)
            tried.set()
            if is_over:
                return
            await asyncio.sleep(retry_delay)

    keeping = asyncio.create_task(keep(), name="library")
    try:
        if waiting:
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_SYNC_TIMEOUT):
                    await tried.wait()
            waiting = False
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def _sync_once(
    mind: Mind, names: list[str], dsn: str, database: Database, ingest: Ingest, parser: Parser
) -> bool:
    """Try it once; False when it is worth another try."""
    try:
        async with try_advisory_lock(dsn, f"library {mind.name}") as ours, parser:
            if not ours:
                log.info("library.sync_skipped", mind=mind.name)
                return True
            async with database.anonymous_transaction() as connection:
                await rows.delete_other_collections(connection, mind.name, list(mind.collections))
            report = await ingest.synchronise(mind, names)
    except ConsiliumError as error:
        # Answers go on with what the library holds; `consilium library add` shows the error.
        log.warning("library.sync_failed", mind=mind.name, error=type(error).__name__, reason=str(error))
        return not isinstance(error, InferenceError | DatabaseUnreachable)
    except Exception:
        log.exception("library.sync_failed", mind=mind.name)
        return True
    log.info(
        "library.synced",
        mind=mind.name,
        read=report.ingested,
        unchanged=report.unchanged,
        deleted=report.deleted,
        embedded=report.embedded,
        skipped=[f"{one.uri}: {one.reason}" for one in report.skipped],
    )
    return True
