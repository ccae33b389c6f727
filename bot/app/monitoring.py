"""Health checks and metrics, and the HTTP server of a process of `consilium serve`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, Literal

import structlog
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from bot.app.http_application import make_application
from bot.core.errors import BotError
from bot.core.http_connections import DEFAULT_LIMITS, ConnectionLimits
from bot.core.http_server import run_http_server
from bot.core.redaction import redact
from consilium.errors import N_

log = structlog.get_logger(__name__)

ReadinessCheck = Callable[[], Awaitable[str | None]]
"""What keeps the process from working, in a few words; None when nothing does. It raises nothing and has a timeout."""


class HttpServerNotStarted(BotError):
    """The process cannot listen on the address of its health checks."""

    sentence = N_("The health of the process cannot be served on {host}:{port}: {reason}.")
    remedy = N_("Set CONSILIUM_HTTP_PORT to a free port, or to nothing.")

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(host=host, port=port, reason=reason)


class Liveness(BaseModel):
    """The event loop runs."""

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """Whether the process can do its work."""

    status: Literal["ready", "not ready"] = Field(examples=["ready"])
    checks: dict[str, Literal["ok", "failing"]] = Field(examples=[{"process": "ok", "database": "ok", "engine": "ok"}])
    """`ok` or `failing`, by the name of the check. Why is in the log: it may hold addresses and what a server said."""


_METRICS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Metrics in Prometheus's text format.", "content": {CONTENT_TYPE_LATEST: {}}}
}


def health_routes(checks: Mapping[str, ReadinessCheck]) -> APIRouter:
    """`/healthz`: the event loop runs. `/readyz`: every check passes, or 503 with those that fail. `/metrics`."""
    router = APIRouter(tags=["operation"])
    logged: dict[str, str | None] = {}

    @router.head("/healthz", include_in_schema=False)
    @router.get("/healthz", summary="Whether the process lives")
    async def healthz() -> Liveness:
        return Liveness()

    @router.head("/readyz", include_in_schema=False)
    @router.get(
        "/readyz",
        summary="Whether the process can do its work",
        responses={503: {"model": Readiness, "description": "Some check fails."}},
    )
    async def readyz(response: Response) -> Readiness:
        problems = {name: await check() for name, check in checks.items()}
        _log_changes(logged, problems)
        is_ready = all(problem is None for problem in problems.values())
        response.status_code = 200 if is_ready else 503
        return Readiness(
            status="ready" if is_ready else "not ready",
            checks={name: "failing" if problem else "ok" for name, problem in problems.items()},
        )

    @router.head("/metrics", include_in_schema=False)
    @router.get("/metrics", summary="Metrics for Prometheus", response_class=Response, responses=_METRICS)
    async def metrics() -> Response:
        # Labels hold addresses of servers, which may hold a password.
        body = redact(generate_latest().decode())
        return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return router


def _log_changes(logged: dict[str, str | None], problems: Mapping[str, str | None]) -> None:
    """Log a check that fails, or passes again, once."""
    for name, problem in problems.items():
        if problem == logged.get(name):
            continue
        logged[name] = problem
        if problem is None:
            log.info("readiness.check_passed", check=name)
        else:
            log.warning("readiness.check_failed", check=name, reason=problem)


@asynccontextmanager
async def http_server(
    host: str,
    port: int,
    *routers: APIRouter,
    origins: Sequence[str] = (),
    limits: ConnectionLimits = DEFAULT_LIMITS,
) -> AsyncIterator[str]:
    """Serve these routes as one application while this is open; yields the address.

    Args:
        origins: as for `make_application`.
        limits: as for `run_http_server`.

    Raises:
        HttpServerNotStarted: the port is in use, or the address is not this machine's.
    """
    application = make_application(*routers, origins=origins)
    async with AsyncExitStack() as stack:
        try:
            address = await stack.enter_async_context(run_http_server(application, host, port, limits))
        except OSError as error:
            raise HttpServerNotStarted(host, port, error.strerror or str(error)) from error
        yield address
