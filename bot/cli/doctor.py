"""`consilium doctor`: what is set up, what is missing, and how to mend it."""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bot.cli.errors import ChecksFailed
from bot.cli.tables import output
from bot.logs import log_path
from bot.mind import Mind, load_mind
from bot.services import base_model_folder, database_address, make_embedder, open_composer
from bot.settings import Settings
from consilium.errors import N_, ConsiliumError
from db.database import Database

NEEDED_FREE = 1_000_000_000
"""Bytes: the prepared base model, the embedded database and room for compositions."""


class LittleSpace(ConsiliumError):
    """A folder that fills up has little room left."""

    sentence = N_("Only {free:.1f} GB are free in {folder}.")
    remedy = N_("Free some space, or set {setting} to a folder with more.")

    def __init__(self, folder: Path, free: float, setting: str) -> None:
        super().__init__(folder=folder, free=free, setting=setting)


def doctor(
    context: typer.Context,
    mind_folder: Annotated[Path | None, typer.Option("--mind", help="Folder of the mind.")] = None,
) -> None:
    """Check everything a mind needs to answer; exit code 1 when something is missing."""
    settings: Settings = context.obj
    if mind_folder is not None:
        settings = settings.model_copy(update={"mind": mind_folder})
    failed = asyncio.run(_examine(settings))
    if failed:
        raise ChecksFailed(failed, _CHECKS)


_CHECKS = 6


async def _examine(settings: Settings) -> int:
    """Run every check that can be run; how many failed."""
    failed = 0
    console = output()

    async def check(name: str, examine: Callable[[], Awaitable[str]]) -> bool:
        nonlocal failed
        try:
            found = await examine()
        except ConsiliumError as error:
            failed += 1
            console.print(Text.assemble(("✗ ", "bold red"), (f"{name:<12}", "bold"), str(error)), soft_wrap=True)
            return False
        console.print(Text.assemble(("✓ ", "bold green"), (f"{name:<12}", "bold"), found), soft_wrap=True)
        return True

    mind: Mind | None = None

    async def see_mind() -> str:
        nonlocal mind
        mind = await asyncio.to_thread(load_mind, settings.mind)
        return f"{mind.name}: {', '.join(mind.adapters)} ({settings.mind})"

    async def see_adapters() -> str:
        assert mind is not None
        folder = await asyncio.to_thread(base_model_folder, settings, mind)
        composer = await asyncio.to_thread(open_composer, settings, mind, folder)
        ranks = ", ".join(f"{name} {package.rank}" for name, package in composer.packages.items())
        return f"sound, for {composer.base.name} in {folder}; ranks: {ranks}"

    await check("versions", _see_versions)
    await check("space", lambda: _see_space(settings))
    if await check("mind", see_mind):
        await check("adapters", see_adapters)
    await check("database", lambda: _see_database(settings))
    await check("embeddings", lambda: _see_embeddings(settings))
    console.print(Text(f"  log         {log_path(settings)}", style="dim"), soft_wrap=True)
    return failed


async def _see_versions() -> str:
    names = ("torch", "transformers", "peft", "asyncpg", "sentence-transformers")
    return f"Python {platform.python_version()}, " + ", ".join(f"{n} {importlib.metadata.version(n)}" for n in names)


async def _see_space(settings: Settings) -> str:
    found = []
    for folder, setting in ((settings.data_dir, "CONSILIUM_DATA_DIR"), (settings.cache_dir, "CONSILIUM_CACHE_DIR")):
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if free < NEEDED_FREE:
            raise LittleSpace(folder, free / 1e9, setting)
        found.append(f"{free / 1e9:.0f} GB free in {folder}")
    return "; ".join(found)


async def _see_database(settings: Settings) -> str:
    async with database_address(settings) as dsn:
        database = await Database.open(dsn)
        async with database:
            await database.ping()
            async with database.nobody() as connection:
                version = await connection.fetchval("SHOW server_version")
                vector = await connection.fetchval("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    where = "at the given address" if settings.database_url else f"embedded in {settings.data_dir / 'postgres'}"
    return f"Postgres {version} with pgvector {vector}, {where}"


async def _see_embeddings(settings: Settings) -> str:
    embedder = await asyncio.to_thread(make_embedder, settings)
    try:
        [vector] = await embedder.embed(["one sentence"])
    finally:
        await embedder.close()
    return f"{embedder.name}, {len(vector)} dimensions"
