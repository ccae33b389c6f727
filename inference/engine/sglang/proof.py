"""Proof that an adapter works: a server that has loaded one may still answer with the base, without a word."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from inference.engine.errors import AdapterHasNoEffect, EngineRefused, EngineUnavailable
from inference.engine.sglang.shared import cancel_all, wait_shielded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inference.engine.sglang.server import SGLangServer

log = structlog.get_logger(__name__)


class AdapterVerifier:
    """Sees, once for each adapter, that it changes the likelihoods of a prompt on one server.

    Base and adapter share one batch, so that equal weights would give equal numbers.
    """

    def __init__(self, server: SGLangServer, probe: Sequence[int], on_failure: Callable[[str], None]) -> None:
        """
        Args:
            server: where the adapters are.
            probe: tokens of a short prompt that no adapter with any effect leaves quite as it was.
            failed: called with the name of an adapter that did not pass.
        """
        self._server = server
        self._probe = probe
        self._on_failure = on_failure
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str) -> None:
        """Start proving an adapter that has just been loaded, unless it has passed already."""
        task = self._tasks.get(name)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._tasks[name] = asyncio.create_task(self._verify(name), name=f"prove {name}")
            task.add_done_callback(lambda done: self._on_done(name, done))

    async def wait_until_verified(self, name: str) -> None:
        """Return when the adapter has passed.

        Raises:
            AdapterHasNoEffect: it changes nothing.
            EngineError: that could not be found out.
        """
        if (task := self._tasks.get(name)) is not None:
            await wait_shielded(task)

    def forget(self, name: str) -> None:
        """The adapter is gone for good."""
        if (task := self._tasks.get(name)) is not None and task.done():
            del self._tasks[name]

    def reset(self) -> None:
        """The server is another process by now: what was seen of it counts no more."""
        self._tasks = {name: task for name, task in self._tasks.items() if not task.done()}

    async def close(self) -> None:
        await cancel_all(list(self._tasks.values()))

    async def _verify(self, name: str) -> None:
        try:
            without, with_it = await self._server.logprobs([(self._probe, None), (self._probe, name)])
        except EngineRefused as error:
            raise EngineUnavailable(url=self._server.url, reason=f"it lost the adapter {name} at once") from error
        if without == with_it:
            raise AdapterHasNoEffect(url=self._server.url, adapter=name)

    def _on_done(self, name: str, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            log.warning("adapter.verification_failed", adapter=name, server=self._server.url, error=str(error))
            self._on_failure(name)
