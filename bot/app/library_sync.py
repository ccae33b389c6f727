"""Updates the library from the mind's folder in the background of a process that answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from bot.core.background import run_in_background
from bot.library.chunk_options import NamedTokenCounter
from bot.library.ingest import Ingest
from bot.library.parse.parser import Parser
from bot.minds import Mind
from bot.minds.schema import CollectionKind
from consilium.errors import N_, ConsiliumError
from db.errors import DatabaseUnavailable
from db.infra.advisory_lock import try_advisory_lock
from db.infra.database import Database
from db.library import catalog as rows
from db.library import chunk_search
from inference.embedding import Embedder
from inference.errors import InferenceError

RETRY_DELAY: Final = 60.0
"""Seconds until the next attempt after a model or the database was unavailable."""
FIRST_SYNC_TIMEOUT: Final = 180.0
"""Seconds to wait for the first attempt at a library that is still empty; a longer one goes on in the background. Half
a library answers questions with what stands next to the answer."""

FIRST_READING: Final = N_("reading the library for the first time, which can take up to three minutes")

log = structlog.get_logger(__name__)


async def is_library_empty(mind: Mind, database: Database) -> bool:
    """Whether the mind has a library in which nothing can be found yet."""
    if not mind.collections:
        return False
    async with database.anonymous_transaction() as connection:
        return not await chunk_search.searchable_collections(connection, mind.name)


@asynccontextmanager
async def background_library_sync(
    mind: Mind,
    dsn: str,
    *,
    database: Database,
    embedder: Embedder,
    counter: NamedTokenCounter,
    progress: Callable[[str], None],
    include_voice: bool,
    retry_delay: float = RETRY_DELAY,
) -> AsyncIterator[None]:
    """Update the mind's library once while this is open: new text is read, and chunks without a vector of this embedder
    get one. Of several processes, the first one does it.

    Entering waits for the first attempt only if the library is still empty.

    Args:
        progress: called with what is being done, while entering waits.
        include_voice: whether style examples are read too.
        retry_delay: seconds until the next attempt after a model or the database was unavailable.
    """
    names = [
        name
        for name, collection in mind.collections.items()
        if include_voice or collection.kind is not CollectionKind.VOICE
    ]
    if not names:
        yield
        return
    is_waiting = await is_library_empty(mind, database)
    last_step = ""

    def show(step: str, _done: int, _total: int) -> None:
        nonlocal last_step
        if is_waiting and step != last_step:
            progress(step)
        last_step = step

    attempted = asyncio.Event()

    async def sync_until_done() -> None:
        while True:
            parser = Parser()
            ingest = Ingest(database, embedder, parser, counter, show)
            done = await _sync_once(mind, names, dsn=dsn, database=database, ingest=ingest, parser=parser)
            attempted.set()
            if done:
                return
            await asyncio.sleep(retry_delay)

    async with run_in_background(sync_until_done(), "library"):
        if is_waiting:
            progress(FIRST_READING)
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_SYNC_TIMEOUT):
                    await attempted.wait()
            is_waiting = False
        yield


async def _sync_once(
    mind: Mind, names: list[str], *, dsn: str, database: Database, ingest: Ingest, parser: Parser
) -> bool:
    """Make one attempt; False if another one may succeed."""
    try:
        async with try_advisory_lock(dsn, f"library {mind.name}") as is_ours, parser:
            if not is_ours:
                log.info("library.sync_skipped", mind=mind.name)
                return True
            async with database.anonymous_transaction() as connection:
                await rows.delete_other_collections(connection, mind.name, list(mind.collections))
            report = await ingest.synchronise(mind, names)
    except ConsiliumError as error:
        # Answers use what the library has; `consilium library add` shows the error.
        log.warning("library.sync_failed", mind=mind.name, error=type(error).__name__, reason=error)
        return not isinstance(error, InferenceError | DatabaseUnavailable)
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
        skipped=[f"{document.uri}: {document.reason}" for document in report.skipped],
    )
    return True
