"""A process of `consilium serve`: what its role needs beside the common parts, and the order in which it all ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from bot.channels.port import Gateway, Platform
from bot.errors import BotError
from bot.health import Check, health_routes, serving_http
from bot.services.opening import Progress, Role, Services, beside, open_services
from bot.settings import Settings
from bot.turns.jobs import answer_jobs, say_jobs
from bot.turns.worker import Work, Worker
from consilium.errors import N_
from db.errors import DatabaseError
from db.jobs import ARRIVED, CHANNEL
from db.listening import listen
from db.turn_states import STOP_CHANNEL

_CHECKED_WITHIN: Final = 3.0
"""Seconds that one readiness check may take."""
WORKING: Final = ("all", "worker")
"""Roles that answer what gateways take in."""

log = structlog.get_logger(__name__)


class NoChannel(BotError):
    """A gateway is to be started, and no channel is set up."""

    sentence = N_("No channel is set up, so there is nothing to receive from.")
    remedy = N_("Set CONSILIUM_TELEGRAM_TOKEN or CONSILIUM_DISCORD_TOKEN; .env.example says where they come from.")
    exit_code = 2


@dataclass(slots=True)
class Channels:
    """The channels that are set up."""

    platforms: dict[str, Platform] = field(default_factory=dict)
    """Where answers are shown, in every process that has any to show."""
    gateways: dict[str, Gateway] = field(default_factory=dict)
    """Where messages are received: in gateways only."""
    heard: dict[str, Check] = field(default_factory=dict)
    """Whether each gateway hears from its platform."""


async def serve(settings: Settings, role: Role, progress: Progress, ready: Callable[[str], None]) -> None:
    """Run one process until it is told to end (SIGTERM, SIGINT), then let what runs come to its end.

    Args:
        ready: told the address of the process's health once it works.

    Raises:
        ConsiliumError: it could not start.
    """
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(settings, progress, role=role))
        channels = await stack.enter_async_context(_open_channels(settings, services, role))
        worker = _make_worker(settings, services, channels.platforms, role)
        await stack.enter_async_context(beside(_hear(services, worker), "listening"))
        checks = _checks(services, channels, role, ending)
        if settings.http_port is not None:
            routes = health_routes(checks)
            address = await stack.enter_async_context(serving_http(settings.http_host, settings.http_port, routes))
            ready(address)
        await _work(services, channels, worker, ending)


async def _work(services: Services, channels: Channels, worker: Worker, ending: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        receiving = [group.create_task(gateway.run(), name=name) for name, gateway in channels.gateways.items()]
        working = group.create_task(worker.run(), name="worker")
        await ending.wait()
        log.info("process.draining")
        services.presence.draining = True
        # What a gateway is taking in when it is cut off has not been acknowledged, and comes again.
        for task in receiving:
            task.cancel()
        worker.drain()
        await asyncio.wait([working])


@asynccontextmanager
async def _open_channels(settings: Settings, services: Services, role: Role) -> AsyncIterator[Channels]:
    channels = Channels()
    async with AsyncExitStack():
        receives = role in ("all", "gateway")
        if receives and not channels.gateways and role == "gateway":
            raise NoChannel
        yield channels


def _make_worker(settings: Settings, services: Services, platforms: Mapping[str, Platform], role: Role) -> Worker:
    mind = services.mind.name
    entrypoints = [say_jobs(mind), *([answer_jobs(mind)] if role in WORKING else [])]
    work = Work(entrypoints, settings.worker_turns, settings.drain_seconds, settings.database_patience)
    return Worker(services.database, mind, services.presence, services.attempts, platforms, work)


async def _hear(services: Services, worker: Worker) -> None:
    def jobs_changed(told: str) -> None:
        if ARRIVED in told:
            worker.wake()

    def stop(turn_id: str) -> None:
        services.running.stop(UUID(turn_id))

    await listen(services.dsn, {CHANNEL: jobs_changed, STOP_CHANNEL: stop}, worker.wake)


def _checks(services: Services, channels: Channels, role: Role, ending: asyncio.Event) -> dict[str, Check]:
    async def database() -> str | None:
        try:
            async with asyncio.timeout(_CHECKED_WITHIN):
                await services.database.ping()
        except (DatabaseError, TimeoutError) as error:
            return str(error) or "it does not answer in time"
        return None

    async def draining() -> str | None:
        return "the process is ending" if ending.is_set() else None

    async def workers() -> str | None:
        try:
            async with asyncio.timeout(_CHECKED_WITHIN):
                there = await services.presence.others(*WORKING)
        except (DatabaseError, TimeoutError) as error:
            return str(error) or "nobody knows"
        return None if there else "no worker is there to answer what is taken in"

    checks: dict[str, Check] = {"process": draining, "database": database, **channels.heard}
    if role == "gateway":
        checks["workers"] = workers
    return checks
