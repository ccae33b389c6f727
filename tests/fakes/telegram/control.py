"""The control API: `POST /control/<deed>` with a JSON object of arguments, for a test in another process.

A deed is a method of `Users`, or one of those below. The answer is `{"result": …}`, or `{"error": …}` with status 400.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes.telegram.limits import Rate
from tests.fakes.telegram.scripting import Fault

if TYPE_CHECKING:
    from tests.fakes.telegram.server import FakeTelegram

SETTINGS = {"draft_seconds", "query_seconds", "privacy"}


class Control:
    """What a test does to the server itself."""

    def __init__(self, telegram: FakeTelegram) -> None:
        self.telegram = telegram

    def fault(self, **fault: Any) -> None:
        """Let something go wrong."""
        self.telegram.faults.pending.append(Fault(**fault))

    def no_faults(self) -> None:
        """Let nothing more go wrong."""
        self.telegram.faults.pending.clear()

    def limit(self, **rates: list[float] | None) -> None:
        """Set limits: `overall`, `chat`, `group`, `drafts` to a count and seconds, or to none."""
        for name, rate in rates.items():
            setattr(self.telegram.limits, name, Rate(int(rate[0]), rate[1]) if rate else None)

    def settings(self, **values: Any) -> None:
        """Set `draft_seconds`, `query_seconds` or `privacy`."""
        for name in values.keys() & SETTINGS:
            setattr(self.telegram.core, name, values[name])

    def requests(self, since: int = 0, method: str | None = None) -> list[Any]:
        """Requests of the bot from a number on, perhaps of one method only."""
        wanted = self.telegram.records.requests[since:]
        return [request for request in wanted if method is None or request.method == method.lower()]

    def states(self, since: int = 0) -> list[Any]:
        """States of messages and drafts from a number on."""
        return list(self.telegram.records.states[since:])

    def report(self) -> dict[str, Any]:
        """All that a test wants to be empty at its end, and how much there is of the rest."""
        records = self.telegram.records
        return {
            "parse_mode_uses": len(records.parse_mode_uses),
            "ignored_429": list(self.telegram.limits.ignored_429),
            "unknown_methods": records.unknown_methods,
            "oddities": records.oddities,
            "requests": len(records.requests),
            "states": len(records.states),
            "pending_updates": len(self.telegram.core.updates.pending),
            "bot": self.telegram.core.world.bot.id,
        }

    async def changes(self, seen: int, within: float = 10) -> int:
        """The version of all there is, as soon as it is another than the one seen, or the time is over."""
        await self.telegram.records.next_change(seen, within)
        return self.telegram.records.version


def add_control(app: web.Application, telegram: FakeTelegram) -> None:
    """Answer to `/control/…`."""
    control = Control(telegram)

    async def act(request: web.Request) -> web.Response:
        name = request.match_info["deed"]
        deed = None if name.startswith("_") else getattr(control, name, None) or getattr(telegram.users, name, None)
        if not callable(deed):
            return web.json_response({"error": f"there is no deed {name}"}, status=404)
        try:
            result = deed(**(await request.json() if request.can_read_body else {}))
            result = await result if asyncio.iscoroutine(result) else result
        except (ValueError, TypeError, KeyError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({"result": _plain(result)})

    app.router.add_post("/control/{deed}", act)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
