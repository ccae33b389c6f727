"""A service with a small library, an owner, and a platform that has files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.app.bootstrap import open_services
from bot.app.settings import Settings
from tests.fixtures.minds import copy_bilingual_mind
from tests.fixtures.service import Service

Opens = Callable[..., AbstractAsyncContextManager[Service]]

OWNER, GUEST = "1", "2"
"""Private chats, and the people in them."""
CONFIG = "collections:\n  articles: {kind: article, path: 'library/*.md', language: [en, ru]}\n"
REST = "# On Rest\n\nA recruit earns at least 7.5 hours of sleep a night.\n"


@pytest.fixture
def open_service(tmp_path: Path, sglang_settings: Settings, dsn: str) -> Opens:
    """Opens a service; opened again, it is another process with the same mind and database."""

    processes = count()

    @asynccontextmanager
    async def opened(config: str = CONFIG, **values: object) -> AsyncIterator[Service]:
        folder = tmp_path / "agoge"
        if not folder.exists():
            copy_bilingual_mind(folder, without=("library",))
            (folder / "library").mkdir()
            (folder / "library" / "rest.md").write_text(REST, encoding="utf-8")
            mind = (
                (folder / "mind.yaml")
                .read_text(encoding="utf-8")
                .replace("    collections: [tables, textbook, everyday_physiology, everyday_physiology_ru]\n", "")
            )
            (folder / "mind.yaml").write_text(mind.replace("default_mode: auto", "default_mode: core"), "utf-8")
        (folder / "rag_config.yaml").write_text(config, encoding="utf-8")
        settings = sglang_settings.model_copy(
            update={
                "mind": folder,
                "database_url": SecretStr(dsn),
                "prewarm_modes": 0,
                "library_at_start": True,
                "draw_facts": True,
                "owners": (f"recording:person-{OWNER}",),
                **values,
            }
        )
        async with open_services(settings, role="worker") as services:
            await services.loading.wait()
            library = [task for task in asyncio.all_tasks() if task.get_name() == "library"]
            await asyncio.wait_for(asyncio.gather(*library), 60)
            yield Service(services, updates=1000 * next(processes))

    return opened
