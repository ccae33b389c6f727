"""Runs a process of `consilium serve`: its gateways, workers and HTTP server."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from uuid import UUID

import structlog
from fastapi import APIRouter

from bot.app.answering import Progress
from bot.app.bootstrap import Role, Services, open_services
from bot.app.channels import Channels, NoChannelConfigured, has_channel
from bot.app.mcp import is_mcp_installed, open_mcp
from bot.app.monitoring import ReadinessCheck, health_routes, http_server
from bot.app.settings import Settings
from bot.channels.http import Api, ApiClients, KeyStore, api_routes
from bot.core.background import run_in_background
from bot.core.errors import PlatformAccessDenied
from bot.core.http_connections import ConnectionLimits
from bot.core.loops import keep_running
from bot.core.ports import Platform
from bot.library.parse.limits import MB
from bot.turns.queue import answer_entrypoint, delivery_entrypoint
from bot.turns.worker import Worker, WorkerOptions
from consilium.errors import N_
from db.errors import DatabaseError
from db.infra.notifications import listen
from db.people import api_keys
from db.turns.jobs import CHANNEL, INSERT_MARKER
from db.turns.states import STOP_CHANNEL
from inference.engines.port import ReportsHealth

ANSWERING_ROLES: Final = ("all", "worker")
"""Roles that answer what gateways receive."""
RECEIVING_ROLES: Final = ("all", "gateway")
"""Roles that receive messages from platforms."""
HTTP_ROLES: Final = ("all", "api")
"""Roles that serve the HTTP channel."""
NO_KEYS: Final = N_(
    "the HTTP API lets nobody in yet: make a key with `consilium keys create NAME`, or set CONSILIUM_API_OPEN=true to"
    " let in programs on this machine without one"
)
_CHECK_TIMEOUT: Final = 3.0
"""Seconds that one readiness check may take."""

log = structlog.get_logger(__name__)


async def serve(settings: Settings, role: Role, progress: Progress, on_ready: Callable[[str], None]) -> None:
    """Run one process until SIGTERM or SIGINT, then let running work finish.

    Args:
        progress: called with each step of the start.
        on_ready: called with the address of the health checks, once the process is ready.

    Raises:
        ConsiliumError: it could not start.
    """
    if role == "gateway" and not has_channel(settings):
        raise NoChannelConfigured
    shutdown = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, shutdown.set)
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(settings, progress, role=role))
        if not await _wait_until_loaded(services, shutdown):
            return
        channels = await stack.enter_async_context(_open_channels(settings, services, role))
        worker = _make_worker(settings, services, channels.platforms, role)
        await stack.enter_async_context(
            run_in_background(
                keep_running("notifications", lambda: listen_for_notifications(services, worker)), "listening"
            )
        )
        checks = readiness_checks(services, channels, role, shutdown)
        if settings.http_port is not None:
            routes = [health_routes(checks), *channels.routers]
            if role in HTTP_ROLES:
                api = make_api(settings, services)
                routes.append(api_routes(api))
                if is_mcp_installed():
                    routes.append(await stack.enter_async_context(open_mcp(api)))
            limits = ConnectionLimits(settings.http_connections, settings.http_connections_per_address)
            server = http_server(
                settings.http_host, settings.http_port, *routes, origins=settings.http_origins, limits=limits
            )
            if role in HTTP_ROLES and not await _lets_anybody_in(settings, services):
                progress(NO_KEYS)
            on_ready(await stack.enter_async_context(server))
        await _run_until_shutdown(services, channels, worker, shutdown, settings.drain_seconds)


async def _lets_anybody_in(settings: Settings, services: Services) -> bool:
    """Whether somebody may use the API: with a key, or without one on this machine."""
    if settings.api_open or settings.api_clients:
        return True
    async with services.database.anonymous_transaction() as connection:
        return await api_keys.has_valid_key(connection, services.mind.name)


async def _wait_until_loaded(services: Services, shutdown: asyncio.Event) -> bool:
    """Wait until everything is loaded; False if the process is to shut down before that.

    Raises:
        ConsiliumError: what is missing or broken, and how to fix it.
    """
    loading, stopping = asyncio.create_task(services.loading.wait()), asyncio.create_task(shutdown.wait())
    try:
        await asyncio.wait((loading, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not loading.done():
            return False
        await loading
        return True
    finally:
        loading.cancel()
        stopping.cancel()


async def _run_until_shutdown(
    services: Services, channels: Channels, worker: Worker, shutdown: asyncio.Event, drain_seconds: float
) -> None:
    async with asyncio.TaskGroup() as group:
        gateways = [
            group.create_task(keep_running(name, gateway.run, fatal=(PlatformAccessDenied,)), name=name)
            for name, gateway in channels.gateways.items()
        ]
        working = group.create_task(keep_running("worker", worker.run), name="worker")
        await shutdown.wait()
        log.info("process.drain_started")
        services.heartbeat.draining = True
        # A message that a gateway is receiving has not been acknowledged: the platform delivers it again.
        for gateway in gateways:
            gateway.cancel()
        worker.drain()
        await services.direct.drain(drain_seconds)
        await asyncio.wait([working])


@asynccontextmanager
async def _open_channels(settings: Settings, services: Services, role: Role) -> AsyncIterator[Channels]:
    channels = Channels()
    receives = role in RECEIVING_ROLES
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
    options = WorkerOptions(entrypoints, settings.turns_at_once, settings.drain_seconds, settings.database_patience)
    return Worker(
        database=services.database,
        mind=mind,
        heartbeat=services.heartbeat,
        runner=services.turn_runner,
        platforms=platforms,
        options=options,
    )


async def listen_for_notifications(services: Services, worker: Worker) -> None:
    """Wake the worker for new jobs, and stop answers that people stop in other processes, until cancelled."""

    def jobs_changed(notification: str) -> None:
        if INSERT_MARKER in notification:
            worker.wake()

    def stop(turn_id: str) -> None:
        services.running_answers.stop(UUID(turn_id))

    await listen(services.dsn, {CHANNEL: jobs_changed, STOP_CHANNEL: stop}, worker.wake)


def readiness_checks(
    services: Services, channels: Channels, role: Role, shutdown: asyncio.Event
) -> dict[str, ReadinessCheck]:
    """What a process in this role needs: its database, its platforms, and its engine or the workers of others."""

    async def database() -> str | None:
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT):
                await services.database.check_writable()
        except (DatabaseError, TimeoutError) as error:
            return str(error) or "it does not answer in time"
        return None

    async def process() -> str | None:
        return "the process is shutting down" if shutdown.is_set() else None

    async def workers() -> str | None:
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT):
                running = await services.heartbeat.count_processes(*ANSWERING_ROLES)
        except (DatabaseError, TimeoutError) as error:
            return str(error) or "the database does not say in time whether there are workers"
        return None if running else "there is no worker to answer messages"

    async def engine() -> str | None:
        reporter = services.engine
        return await reporter.health_problem() if isinstance(reporter, ReportsHealth) else None

    checks: dict[str, ReadinessCheck] = {"process": process, "database": database, **channels.connection_checks}
    if role == "gateway":
        checks["workers"] = workers
    else:
        checks["engine"] = engine
    return checks


def http_routes(settings: Settings, services: Services) -> APIRouter:
    """Routes of the HTTP channel."""
    return api_routes(make_api(settings, services))


def make_api(settings: Settings, services: Services) -> Api:
    """The parts of the service that the HTTP channel uses."""
    return Api(
        mind=services.mind,
        composer=services.composer,
        database=services.database,
        memory=services.memory,
        direct=services.direct,
        heartbeat=services.heartbeat,
        clients=ApiClients(
            settings.api_clients, KeyStore(services.database, services.mind.name), is_open=settings.api_open
        ),
        access_policy=services.inbox.access_policy,
        engine=services.engine,
        embedder=services.embedder,
        library=services.library,
        loading=services.loading,
        document_bytes=settings.document_megabytes * MB,
        language=settings.language,
    )
