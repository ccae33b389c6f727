"""Takes the words of people who have deleted their data out of the mind's folder, beside the work of the service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from bot.authoring.forgetting import account_keys, forget_requested, request_forgetting
from bot.core.background import run_in_background
from bot.minds import Mind

log = structlog.get_logger(__name__)


class WordRemoval:
    """Writes down at once whom to forget, and does it by and by: an export may be large."""

    def __init__(self, mind: Mind, cache: Path) -> None:
        """Set up.

        Args:
            cache: the folder with what may be made anew; what evaluations keep there repeats questions.
        """
        self._mind = mind
        self._cache = cache
        self._asked = asyncio.Event()

    async def request(self, accounts: Sequence[tuple[str, str]]) -> None:
        """Have the words of accounts (platform and id) removed. It is done even if the process dies now."""
        keys = {key for platform, external_id in accounts for key in account_keys(platform, external_id)}
        try:
            await asyncio.to_thread(request_forgetting, self._mind.folder, keys)
        except OSError as error:
            log.error("words.not_removed", mind=self._mind.name, folder=str(self._mind.folder), reason=error)
            return
        self._asked.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Remove what is asked for meanwhile, after what an earlier process has left."""
        self._asked.set()
        async with run_in_background(self._run(), "words"):
            yield

    async def _run(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                removed = await asyncio.to_thread(forget_requested, self._mind)
            except Exception as error:
                log.exception("words.not_removed", mind=self._mind.name, folder=str(self._mind.folder), reason=error)
                continue
            if removed.dialogues:
                path = self._cache / "evaluations" / f"{self._mind.name}.jsonl"
                await asyncio.to_thread(path.unlink, missing_ok=True)
            if not removed.known:
                log.warning("words.origin_unknown", mind=self._mind.name, folder=str(self._mind.folder))
            if removed.retrain:
                log.warning("adapter.to_be_retrained", mind=self._mind.name, adapters=list(removed.retrain))
