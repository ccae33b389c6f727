"""The parts of a process, made as the settings name them: base model, database, engine, embedders, reranker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import structlog
from pydantic import SecretStr

from bot.answering.composer import Composer
from bot.answering.composition_gate import Measured
from bot.app.private_folders import DATABASE_FOLDER
from bot.app.settings import Settings
from bot.core.background import run_in_background
from bot.core.loops import run_periodically
from bot.minds import Mind
from consilium.errors import ConsiliumError
from db.infra.database import Access, Database
from db.infra.embedded_server import EmbeddedServer
from inference.adapters.store import CompositionStore
from inference.base_model import BaseModelSpec
from inference.checkpoint import PreparationStep, resolve_base_model
from inference.embedding import (
    MINILM_MODEL,
    Embedder,
    LoadableEmbedder,
    connect_embedder,
    default_embedding_model,
    is_installed,
    open_embedder,
)
from inference.embedding.reranking import CrossEncoderReranker, open_reranker
from inference.engines.port import Engine

if TYPE_CHECKING:
    from inference.engines.remote.engine import RemoteEngine

SUPERVISION_INTERVAL: Final = 1.0
"""Seconds between two looks at the embedded database."""
MAX_RESTART_PAUSE: Final = 30.0
"""Seconds that the pauses between failing restarts grow to."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RetrievalModels:
    """The models that texts are compared with; none in a process that answers no questions."""

    embedder: LoadableEmbedder | None = None
    former: Sequence[Embedder] = ()
    """Embedders used before, for what has no vector of the current one yet. Each is loaded when it is first needed."""
    reranker: CrossEncoderReranker | None = None

    async def load(self) -> None:
        """Load the embedder and the reranker now instead of when they are first needed.

        Raises:
            ConsiliumError: what is missing or broken, and how to fix it.
        """
        if self.embedder is not None:
            await self.embedder.start()
        if self.reranker is not None:
            await self.reranker.start()


@asynccontextmanager
async def open_retrieval_models(settings: Settings) -> AsyncIterator[RetrievalModels]:
    """The models, closed on exit. Their files are checked here and read by `RetrievalModels.load`.

    A model on a server is asked for a vector here, because only a vector shows how long its vectors are.

    Raises:
        ConsiliumError: what is missing or broken, and how to fix it.
    """
    async with AsyncExitStack() as stack:
        embedder = await asyncio.to_thread(make_embedder, settings)
        stack.push_async_callback(embedder.close)
        former = await asyncio.to_thread(make_former_embedders, settings)
        for former_embedder in former:
            stack.push_async_callback(former_embedder.close)
        reranker = await asyncio.to_thread(make_reranker, settings)
        if reranker is not None:
            stack.push_async_callback(reranker.close)
        if settings.embedding_url is not None:
            await embedder.start()
        yield RetrievalModels(embedder, [each for each in former if each.name != embedder.name], reranker)


@asynccontextmanager
async def database_dsn(settings: Settings, *, as_it_is: bool = False) -> AsyncIterator[str]:
    """The owner's DSN: of the operator's Postgres, or of the embedded one, which is kept running meanwhile.

    Args:
        as_it_is: make no embedded database, and change no role in it.

    Raises:
        ConsiliumError: the embedded one does not start, or is not there and is not to be made.
    """
    given = settings.database_owner_url or settings.database_url
    if given is not None:
        yield given.get_secret_value()
        return
    async with await EmbeddedServer.open(settings.data_dir / DATABASE_FOLDER, as_it_is=as_it_is) as server:

        async def supervise() -> None:
            if await server.ensure_running():
                log.warning("embedded_database.restarted", directory=str(server.cluster.data))

        loop = run_periodically("embedded-database", supervise, SUPERVISION_INTERVAL, max_pause=MAX_RESTART_PAUSE)
        async with run_in_background(loop, "embedded-database"):
            yield server.owner_dsn


@asynccontextmanager
async def open_database(settings: Settings, access: Access, *, pool_size: int = 10) -> AsyncIterator[Database]:
    """The database that the settings name, for a command.

    Raises:
        ConsiliumError: what is missing or broken, and how to fix it.
    """
    async with (
        database_dsn(settings, as_it_is=access is Access.READ) as dsn,
        await Database.open(dsn, service_dsn=service_dsn(settings), access=access, pool_size=pool_size) as database,
    ):
        yield database


@dataclass(frozen=True, slots=True)
class BackupAddresses:
    """How backups reach the database."""

    owner: str
    """DSN of the role that owns the tables."""
    all_rows: str
    """DSN of a role that is to see everybody's rows."""


@asynccontextmanager
async def backup_addresses(settings: Settings) -> AsyncIterator[BackupAddresses]:
    """The addresses for backups; the embedded server is kept running meanwhile, if that is the one."""
    given = settings.database_owner_url or settings.database_url
    if given is not None:
        owner = given.get_secret_value()
        yield BackupAddresses(owner, _secret_value(settings.database_backup_url) or owner)
        return
    async with await EmbeddedServer.open(settings.data_dir / DATABASE_FOLDER) as server:
        yield BackupAddresses(server.owner_dsn, server.dsn)


def service_dsn(settings: Settings) -> str | None:
    """The service's own DSN, where the operator gives one beside the owner's."""
    both = settings.database_owner_url is not None and settings.database_url is not None
    return _secret_value(settings.database_url) if both else None


def base_model_folder(
    settings: Settings,
    mind: Mind,
    *,
    weights: bool | None = None,
    on_slow_step: Callable[[PreparationStep], None] = lambda _: None,
) -> Path:
    """Folder of the base model that the mind runs on, prepared or downloaded if necessary; blocking.

    Args:
        weights: whether this process needs them, beside the config and the tokenizer; None: if the engine is local.
        on_slow_step: called before a step that takes long.
    """
    return resolve_base_model(
        settings.base_model or mind.base_model,
        settings.models_dir,
        allow_download=settings.allow_download,
        weights=settings.engine == "local" if weights is None else weights,
        on_slow_step=on_slow_step,
    )


def read_base_model(mind: Mind, base_folder: Path) -> BaseModelSpec:
    """The shape of the mind's base model; blocking.

    A base that the mind names by a folder has that folder for a name, so that no adapter's name for it can be wrong.
    """
    is_folder = Path(mind.base_model).expanduser().is_dir()
    return BaseModelSpec.from_config(base_folder / "config.json", str(base_folder) if is_folder else mind.base_model)


def find_base_model(settings: Settings, mind: Mind) -> BaseModelSpec | None:
    """The mind's base model; None where it is not on this machine, and adapters are looked at without it. Blocking."""
    try:
        offline = settings.model_copy(update={"allow_download": False})
        return read_base_model(mind, base_model_folder(offline, mind))
    except ConsiliumError:
        return None


def open_composer(settings: Settings, mind: Mind, base_folder: Path, engine_rank: int | None = None) -> Composer:
    """The composer of the mind's adapters, which are checked against its base model; blocking.

    Args:
        engine_rank: the largest rank that the engine accepts; None: no limit, or none known.
    """
    base = read_base_model(mind, base_folder)
    limits = [rank for rank in (settings.max_rank, engine_rank) if rank is not None]
    store = CompositionStore(settings.compositions_dir)
    return Composer.open(mind, base, store, min(limits, default=None), lambda digests: _measured_modes(mind, digests))


def _measured_modes(mind: Mind, digests: Mapping[str, str]) -> dict[str, Measured]:
    """What the latest evaluation of these adapters has measured, by the name of a mode's composition at strength 1."""
    from bot.authoring.gate import find_evaluation

    evaluation = find_evaluation(mind, digests)
    if evaluation is None:
        return {}
    found = {}
    as_served = evaluation.settings.strength == mind.policies.adapter_strength
    for figures in evaluation.modes.values():
        if figures.composition is not None:
            learnt = figures.learnt.get(mind.core)
            found[figures.composition] = Measured(
                core_kept=None if learnt is None else learnt.kept,
                drift=figures.drift.share if figures.drift is not None and as_served else None,
            )
    return found


def _server_engine(kind: Literal["sglang", "vllm"]) -> type[RemoteEngine]:
    if kind == "vllm":
        from inference.engines.vllm import VLLMEngine

        return VLLMEngine
    from inference.engines.sglang import SGLangEngine

    return SGLangEngine


def make_engine(settings: Settings, mind: Mind, base_folder: Path) -> Engine:
    """The engine that the settings name, not started; blocking."""
    if settings.engine != "local":
        return _server_engine(settings.engine)(
            settings.engine_url,
            mind.base_model,
            base_folder,
            api_key=_secret_value(settings.engine_api_key),
            admin_key=_secret_value(settings.engine_admin_key),
            compositions=settings.compositions_dir,
            retry_timeout=settings.engine_patience,
        )
    from inference.engines.local import LocalEngine

    return LocalEngine(base_folder, device=settings.device)


def make_embedder(settings: Settings) -> LoadableEmbedder:
    """The embedder that the settings name, its weights not loaded; blocking.

    Raises:
        ModelMissing, ModelUnusable: it is not on this machine, or broken.
        ModelConversionFailed: the bundled model cannot be written to the cache folder.
    """
    model = settings.embedding_model or default_embedding_model()
    if settings.embedding_url is not None:
        return connect_embedder(settings.embedding_url, model, _secret_value(settings.embedding_api_key))
    return open_embedder(model, settings.models_dir, allow_download=settings.allow_download)


def make_former_embedders(settings: Settings) -> list[LoadableEmbedder]:
    """The embedders whose vectors may still be stored, their weights not loaded; blocking.

    Raises:
        ModelMissing, ModelUnusable: one is not on this machine, or broken.
    """
    former: list[LoadableEmbedder] = []
    for name in settings.embedding_former or _default_former_models(settings):
        model, at, url = name.partition("@http")
        if at:
            former.append(connect_embedder(f"http{url}", model, _secret_value(settings.embedding_former_api_key)))
        else:
            former.append(open_embedder(name, settings.models_dir, allow_download=settings.allow_download))
    return former


def _default_former_models(settings: Settings) -> tuple[str, ...]:
    """The model that was the default before, where the default is used and has changed."""
    uses_default = settings.embedding_model is None and settings.embedding_url is None
    return (MINILM_MODEL,) if uses_default and is_installed(MINILM_MODEL) else ()


def make_reranker(settings: Settings) -> CrossEncoderReranker | None:
    """The reranker that the settings name, its weights not loaded; blocking.

    Raises:
        ModelMissing, ModelUnusable: it is not on this machine, or broken.
    """
    if settings.reranker is None:
        return None
    return open_reranker(settings.reranker, settings.models_dir, allow_download=settings.allow_download)


def _secret_value(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None
