"""schemathesis asks every operation of the OpenAPI document in every way that its checks know, over a real socket."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from bot.app.monitoring import health_routes, http_server
from bot.app.server import http_routes
from db.people import access_rules
from db.people.access_rules import Rule
from tests.fakes.embedding_server import EmbeddingServer
from tests.integration.bot.http.conftest import KEYS, Serve

IS_LONG = os.environ.get("CONSILIUM_LONG") == "1"
CONFIG = Path(__file__).parents[3] / "fixtures" / "schemathesis.toml"
LARGE = ("/v1/chat/completions", "/v1/responses")
"""Paths whose requests have so many fields that each edge of each takes most of a run."""
FORM = ("--max-examples", "650", "--workers", "2") if IS_LONG else ("--max-examples", "5", "--generation-deterministic")
NOBODY_IS_LIMITED = {
    "person_at_once": 1000, "person_per_minute": 1e6, "person_per_day": 10**9, "waiting": 10**6,
    "chat_at_once": 1000, "chat_per_minute": 1e6, "chat_per_day": 10**9,
}  # fmt: skip


def write_config(folder: Path) -> Path:
    """The configuration; in the short form without the edges of the large requests."""
    text = CONFIG.read_text("utf-8")
    if not IS_LONG:
        for path in LARGE:
            mark = f'include-path = "{path}"\n'
            assert mark in text
            text = text.replace(mark, f"{mark}phases.coverage.enabled = false\n")
    config = folder / "schemathesis.toml"
    config.write_text(text, "utf-8")
    return config


@pytest.mark.long
@pytest.mark.timeout(7200)
async def test_the_api_is_as_its_openapi_says(serve: Serve, tmp_path: Path) -> None:
    """The short form is the same each time; the long one has at least 10,000 cases, and others each time."""
    log = tmp_path / "log"
    async with (
        # Vectors by letters: what is asked here is not about the model, which would take most of the time.
        EmbeddingServer().serving() as embedder,
        serve(**NOBODY_IS_LIMITED, embedding_url=embedder, embedding_model="letters") as served,
    ):
        await served.services.loading.wait()
        async with served.services.database.anonymous_transaction() as connection:
            # The program itself may add to the library.
            await access_rules.add(
                connection, served.services.mind.name, Rule("role", "user", "http", "site:", "admin")
            )
        async with http_server("127.0.0.1", 0, health_routes({}), http_routes(served.settings, served.services)) as url:
            with log.open("wb") as output:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(write_config(tmp_path))),
                    *("run", f"{url}/openapi.json", "--header", f"Authorization: Bearer {KEYS['site']}"),
                    *("--no-color", "--continue-on-failure", *FORM),
                    cwd=tmp_path,
                    stdout=output,
                    stderr=output,
                )
                try:
                    status = await process.wait()
                finally:
                    if process.returncode is None:
                        process.kill()
                        await process.wait()
    report = log.read_text("utf-8")
    assert status == 0, report
    generated = re.search(r"(\d+) generated", report)
    assert generated is not None, report
    assert int(generated[1]) >= (10_000 if IS_LONG else 200), report
    print(report)
