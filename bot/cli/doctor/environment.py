"""Checks of what every mind needs: packages, disk space, a database, an embedder, memory for a local engine."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
import tempfile
from pathlib import Path
from typing import Final

from bot.app.components import open_database, open_retrieval_models
from bot.app.private_folders import DATABASE_FOLDER
from bot.app.settings import Settings
from bot.cli.doctor.report import Finding
from bot.core.errors import describe_error
from bot.core.i18n import Translator
from consilium.errors import N_, ConsiliumError
from db.errors import EmbeddedDatabaseMissing
from db.infra.database import Access
from db.infra.driver_errors import open_connection
from db.infra.embedded_server import EmbeddedServer
from db.infra.migrations.revisions import REVISIONS

MIN_FREE_BYTES: Final = 1_000_000_000
"""For the prepared base model, the embedded database and compositions."""
_HALF_PRECISION: Final = ("bfloat16", "float16")
"""Formats that take twice the memory in the local engine, which computes in float32."""


class LowDiskSpace(ConsiliumError):
    """A folder that grows has little free space left."""

    sentence = N_("Only {free:.1f} GB are free in {folder}.")
    remedy = N_("Free some space, or set {setting} to a folder with more.")

    def __init__(self, folder: Path, free: float, setting: str) -> None:
        super().__init__(folder=folder, free=free, setting=setting)


async def check_versions() -> Finding:
    """Versions of the packages that answers depend on most."""
    names = ("torch", "transformers", "peft", "asyncpg", "sentence-transformers")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in names]
    return Finding([", ".join([f"Python {platform.python_version()}", *versions])])


async def check_disk_space(settings: Settings, say: Translator) -> Finding:
    """The free disk space where it is needed.

    Raises:
        LowDiskSpace: it is less than `MIN_FREE_BYTES`.
    """
    facts = []
    for folder, setting in ((settings.data_dir, "CONSILIUM_DATA_DIR"), (settings.cache_dir, "CONSILIUM_CACHE_DIR")):
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if free < MIN_FREE_BYTES:
            raise LowDiskSpace(folder, free / 1e9, setting)
        facts.append(say("{free:.0f} GB free in {folder}", free=free / 1e9, folder=folder))
    return Finding(["; ".join(facts)])


async def check_database(settings: Settings, say: Translator) -> Finding:
    """Check that the database answers and that this version runs on its schema; change nothing.

    Raises:
        ConsiliumError: it does not.
    """
    try:
        async with open_database(settings, Access.READ) as database, database.anonymous_transaction() as connection:
            version = await connection.fetchval("SHOW server_version")
            vector = await connection.fetchval("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    except EmbeddedDatabaseMissing as error:
        return await _try_embedded_server(error, say)
    where = settings.data_dir / DATABASE_FOLDER
    if settings.database_url:
        fact = say("Postgres {version} with pgvector {vector}, at the given address", version=version, vector=vector)
    else:
        template = N_("Postgres {version} with pgvector {vector}, embedded in {where}")
        fact = say(template, version=version, vector=vector, where=where)
    revision = say("schema: revision {revision}", revision=database.schema.revision)
    if not database.schema.is_current:
        revision = say(
            "schema: revision {revision}; this version's is {own}", revision=database.schema.revision, own=REVISIONS[-1]
        )
    if not database.logs_in_as_owner:
        return Finding([fact, revision, say("the service logs in with a role of its own")])
    warning = say(
        "The service logs in as the owner of the database, so that only its own care keeps a statement from becoming "
        "the owner. Give it a login of its own (docs/how-to/use-your-own-postgres.md)."
    )
    return Finding([fact, revision], warnings=[warning])


async def _try_embedded_server(missing: EmbeddedDatabaseMissing, say: Translator) -> Finding:
    """Whether an embedded Postgres runs on this machine, tried in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="consilium-doctor-") as folder:
        async with (
            await EmbeddedServer.open(Path(folder)) as server,
            open_connection(server.dsn, deadline=10) as connection,
        ):
            version = await connection.fetchval("SHOW server_version")
    fact = say("embedded Postgres {version} runs on this machine", version=version)
    return Finding([fact, describe_error(missing, say.language, say.translate)])


async def check_embeddings(settings: Settings, say: Translator) -> Finding:
    """Check that the embedder, the former embedders and the reranker work.

    Raises:
        ConsiliumError: one is not on this machine, or broken.
    """
    async with open_retrieval_models(settings) as models:
        await models.load()
        facts = []
        for embedder in (models.embedder, *models.former):
            assert embedder is not None
            [vector] = await embedder.embed(["one sentence"])
            facts.append(say("{name}, {dimensions} dimensions", name=embedder.name, dimensions=len(vector)))
    if settings.reranker is not None:
        facts.append(say("passages are reranked by {name}", name=settings.reranker))
    return Finding(facts)


def check_local_engine(base_folder: Path, free_bytes: int, say: Translator, bytes_a_weight: int = 4) -> Finding:
    """Compare the size of the base model in a local engine with the free memory; blocking.

    Args:
        free_bytes: on the device that the engine uses.
        bytes_a_weight: of the format that it computes in.
    """
    weights = sum(file.stat().st_size for file in base_folder.glob("*.safetensors"))
    config = json.loads((base_folder / "config.json").read_bytes())
    stored = 2 if config.get("dtype", config.get("torch_dtype")) in _HALF_PRECISION else 4
    needed = weights * bytes_a_weight / stored
    fact = say(
        "local, in this process: the base model takes {needed:.1f} GB of memory, {free:.1f} GB are free",
        needed=needed / 1e9,
        free=free_bytes / 1e9,
    )
    if needed <= free_bytes:
        return Finding([fact])
    return Finding(
        [fact],
        warnings=[
            say(
                "The base model does not fit into the free memory. Close other programs, or use a server "
                "(docs/how-to/sglang.md)."
            )
        ],
    )
