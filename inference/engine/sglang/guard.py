"""Keeps every adapter from a server until it is known that it cannot harm it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from inference.adapters.errors import AdapterError
from inference.adapters.safe import SafeAdapter, check_safe_form
from inference.engine.errors import AdapterExceedsLimits, AdapterNotLoadable

if TYPE_CHECKING:
    from inference.base_model import BaseModelSpec
    from inference.engine.port import AdapterRef
    from inference.engine.sglang.limits import ServerLimits


class AdapterValidator:
    """Checks adapters for servers of one base model; each package is read once, and again when its files change.

    A server believes what it is given: some adapters it takes end it at their first use, others are scaled wrongly
    or answered by the base without a word (see docs/sglang.md). None of them gets past here.
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
