"""An adapter is validated before it is loaded on a server, and verified once it is.

The verification is needed because a server that has loaded an adapter may still answer with the base, without a word.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from inference.adapters.errors import AdapterError
from inference.adapters.safe_form import SafeAdapter, check_safe_form
from inference.engines.errors import (
    AdapterExceedsLimits,
    AdapterHasNoEffect,
    AdapterNotLoadable,
    EngineRefused,
    EngineUnavailable,
)
from inference.engines.remote.tasks import cancel_all, wait_shielded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inference.adapters.usage import AdapterRef
    from inference.base_model import BaseModelSpec
    from inference.engines.remote.port import AdapterServer, ServerLimits


class AdapterValidator:
    """Checks adapters for servers of one base model; each package is read once, and again when its files change.

    A server believes what it is given: some adapters it takes end it at their first use, others are scaled wrongly
    or answered by the base without a word (see docs/sglang.md and docs/vllm.md). None of them gets past here.
    """

    def __init__(self, base: BaseModelSpec) -> None:
        self._base = base
        self._validated: dict[str, tuple[object, SafeAdapter]] = {}

    async def validate(self, adapter: AdapterRef, limits: ServerLimits, url: str) -> SafeAdapter:
        """Return what the package is, once it is known that the server at `url` can take it.

        Raises:
            AdapterNotLoadable: it is not in the safe form, not sound, or not for this base model.
            AdapterExceedsLimits: it is larger than the server was started for.
        """
        try:
            safe = await asyncio.to_thread(self._check, adapter)
        except AdapterError as error:
            raise AdapterNotLoadable(adapter=adapter.name, reason=str(error).rstrip(".")) from error
        if misfit := limits.exceeded_limit(safe):
            raise AdapterExceedsLimits(url=url, adapter=adapter.name, reason=misfit)
        return safe

    def _check(self, adapter: AdapterRef) -> SafeAdapter:
        state = _package_state(adapter)
        known = self._validated.get(adapter.name)
        if state is not None and known is not None and known[0] == state:
            return known[1]
        safe = check_safe_form(adapter.path, self._base)
        self._validated[adapter.name] = state, safe
        return safe


def _package_state(adapter: AdapterRef) -> object:
    """What changes when a package's files are replaced or written to; None when they cannot even be looked at."""
    try:
        files = sorted(adapter.path.iterdir())
        return str(adapter.path), [
            (f.name, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for f in files for s in (f.lstat(),)
        ]
    except OSError:
        return None


log = structlog.get_logger(__name__)


class AdapterVerifier:
    """Sees, once for each adapter, that it changes the likelihoods of a prompt on one server.

    Base and adapter share one batch, so that equal weights would give equal numbers.
    """

    def __init__(self, server: AdapterServer, probe: Sequence[int], on_failure: Callable[[str], None]) -> None:
        """
        Args:
            server: where the adapters are.
            probe: tokens of a short prompt that no adapter with any effect leaves quite as it was.
            on_failure: called with the name of an adapter that did not pass.
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
            log.warning("adapter.verification_failed", adapter=name, server=self._server.url, error=error)
            self._on_failure(name)
