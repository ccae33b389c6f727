"""The one application of a process that speaks HTTP: the API, health and metrics, webhooks, and their OpenAPI."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.telemetry import TelemetryConfig

_NO_TELEMETRY: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""FastAPI would send exceptions with their messages, and paths with people's names, wherever traces go."""
_DESCRIPTION: Final = """
Talk to a mind as to OpenAI's models: `model` is a mode, such as `sport+core`. What OpenAI's format has no place for is
under `consilium`.

Errors have OpenAI's form. Their messages are in the language of `Accept-Language` (`en` or `ru`).
"""
_TAGS: Final = [
    {"name": "chat", "description": "Answers, in OpenAI's format."},
    {"name": "models", "description": "The modes of the mind."},
    {"name": "people", "description": "A person's own turns and memories."},
    {"name": "operation", "description": "Health and metrics. They need no key: keep them from the outside."},
]


class Application(FastAPI):
    """A FastAPI application whose OpenAPI has the errors that it answers with, and no others."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document."""
        if self.openapi_schema is None:
            schema = super().openapi()
            for operations in schema["paths"].values():
                for operation in operations.values():
                    operation["responses"].pop("422", None)
            for name in ("HTTPValidationError", "ValidationError"):
                schema.get("components", {}).get("schemas", {}).pop(name, None)
            self.openapi_schema = schema
        return self.openapi_schema


def make_application(*routers: APIRouter, origins: Sequence[str] = ()) -> Application:
    """An application with these routes, `/openapi.json` and `/docs`.

    Args:
        origins: of web pages whose browsers may read the responses; `*`: all. They send no cookies, only keys.
    """
    application = Application(
        title="Consilium",
        summary="One mind, many modes, one memory.",
        description=_DESCRIPTION,
        version=importlib.metadata.version("consilium"),
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=_TAGS,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    if origins:
        application.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["DELETE", "GET", "POST"],
            allow_headers=["*"],
            expose_headers=["Retry-After"],
        )
    for router in routers:
        application.include_router(router)
    return application
