"""A process of `consilium serve`: its gateways, workers and HTTP server."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from uuid import UUID

import structlog
from aiohttp import web

from bot.app.answering import Progress
from bot.app.bootstrap import Role, Services, open_services
from bot.app.channels import Channels, NoChannelConfigured, has_channel
from bot.app.monitoring import ReadinessCheck, health_routes, http_server
from bot.app.settings import Settings
from bot.channels.http import Api, ApiClients, api_routes
from bot.core.background import run_in_background
from bot.core.ports import Platform
from bot.turns.queue import answer_entrypoint, delivery_entrypoint
from bot.turns.worker import Worker, WorkerOptions
from db.errors import DatabaseError
from db.infra.notifications import listen
from db.turns.jobs import CHANNEL, INSERT_MARKER
from db.turns.states import STOP_CHANNEL

_CHECK_TIMEOUT: Final = 3.0
"""Seconds that one readiness check may take."""
ANSWERING_ROLES: Final = ("all", "worker")
"""Roles that answer what gateways take in."""
HTTP_ROLES: Final = ("all", "api")
"""Roles that are asked over HTTP."""
log = structlog.get_logger(__name__)


async def serve(settings: Settings, role: Role, progress: Progress, on_ready: Callable[[str], None]) -> None:
    """Run one process until it is told to end (SIGTERM, SIGINT), then let what runs come to its end.

    Args:
        ready: told the address of the process's health once it works.

    Raises:
        ConsiliumError: it could not start.
    """
    if role == "gateway" and not has_channel(settings):
        raise NoChannelConfigured
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(settings, progress, role=role))
        if not await _wait_until_loaded(services, ending):
            return
        channels = await stack.enter_async_context(_open_channels(settings, services, role))
        worker = _make_worker(settings, services, channels.platforms, role)
        await stack.enter_async_context(run_in_background(listen_for_notifications(services, worker), "listening"))
        checks = _readiness_checks(services, channels, role, ending)
        if settings.http_port is not None:
            routes = [health_routes(checks), *([http_routes(settings, services)] if role in HTTP_ROLES else [])]
            serving = http_server(settings.http_host, settings.http_port, *routes)
            on_ready(await stack.enter_async_context(serving))
        await _run_until_shutdown(services, channels, worker, ending, settings.drain_seconds)


async def _wait_until_loaded(services: Services, shutdown: asyncio.Event) -> bool:
    """Return once everything is loaded; False when the process is to end before.

    Raises:
        ConsiliumError: what is missing or broken, and how to mend it.
    """
    loading, ending = asyncio.create_task(services.loading.wait()), asyncio.create_task(shutdown.wait())
    try:
        await asyncio.wait((loading, ending), return_when=asyncio.FIRST_COMPLETED)
        if not loading.done():
            return False
        await loading
        return True
    finally:
        loading.cancel()
        ending.cancel()


async def _run_until_shutdown(
    services: Services, channels: Channels, worker: Worker, shutdown: asyncio.Event, drain_seconds: float
) -> None:
    async with asyncio.TaskGroup() as group:
        receiving = [group.create_task(gateway.run(), name=name) for name, gateway in channels.gateways.items()]
        working = group.create_task(worker.run(), name="worker")
        await shutdown.wait()
        log.info("process.drain_started")
        services.heartbeat.draining = True
        # What a gateway is taking in when it is cut off has not been acknowledged, and comes again.
        for task in receiving:
            task.cancel()
        worker.drain()
        await services.direct.drain(drain_seconds)
        await asyncio.wait([working])


@asynccontextmanager
async def _open_channels(settings: Settings, services: Services, role: Role) -> AsyncIterator[Channels]:
    channels = Channels()
    receives = role in ("all", "gateway")
    async with AsyncExitStack() as stack:
        if settings.telegram_token is not None:
            # Imported late: each channel's library takes a while, and most services have one channel.
            from bot.app.telegram import open_telegram

            channels.merge(await stack.enter_async_context(open_telegram(settings, services, receives=receives)))
        if settings.discord_token is not None:
            from bot.app.discord import open_discord

            channels.merge(await stack.enter_async_context(open_discord(settings, services, receives=receives)))
        yield channels


def _make_worker(settings: Settings, services: Services, platforms: Mapping[str, Platform], role: Role) -> Worker:
    mind = services.mind.name
    entrypoints = [delivery_entrypoint(mind), *([answer_entrypoint(mind)] if role in ANSWERING_ROLES else [])]
    work = WorkerOptions(entrypoints, settings.worker_turns, settings.drain_seconds, settings.database_patience)
    return Worker(
        database=services.database,
        mind=mind,
        heartbeat=services.heartbeat,
        runner=services.turn_runner,
        platforms=platforms,
        options=work,
    )


async def listen_for_notifications(services: Services, worker: Worker) -> None:
    """Wake the worker when there is a new job, and stop the answers that are to be stopped, until cancelled."""

    def jobs_changed(told: str) -> None:
        if INSERT_MARKER in told:
            worker.wake()

    def stop(turn_id: str) -> None:
        services.running_turns.stop(UUID(turn_id))

    await listen(services.dsn, {CHANNEL: jobs_changed, STOP_CHANNEL: stop}, worker.wake)


def _readiness_checks(
    services: Services, channels: Channels, role: Role, shutdown: asyncio.Event
) -> dict[str, ReadinessCheck]:
    async def database() -> str | None:
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT):
                await services.database.ping()
        except (DatabaseError, TimeoutError) as error:
            return str(error) or "it does not answer in time"
        return None

    async def draining() -> str | None:
        return "the process is ending" if shutdown.is_set() else None

    async def workers() -> str | None:
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT):
                there = await services.heartbeat.count_processes(*ANSWERING_ROLES)
        except (DatabaseError, TimeoutError) as error:
            return str(error) or "nobody knows"
        return None if there else "no worker is there to answer what is taken in"

    checks: dict[str, ReadinessCheck] = {"process": draining, "database": database, **channels.connection_checks}
    if role == "gateway":
        checks["workers"] = workers
    return checks


def http_routes(settings: Settings, services: Services) -> web.RouteTableDef:
    """The channel's routes, for a process that answers what it is asked."""
    api = Api(
        mind=services.mind,
        composer=services.composer,
        database=services.database,
        direct=services.direct,
        heartbeat=services.heartbeat,
        clients=ApiClients(settings.api_clients),
        language=settings.language,
    )
    return api_routes(api)
