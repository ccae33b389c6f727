"""The parts, as the settings ask for them: the base model, the database, the engine, the embedder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from bot.answering.composer import Composer
from bot.app.settings import Settings
from bot.minds import Mind
from db.infra.embedded_server import EmbeddedServer
from inference.adapters.store import CompositionStore
from inference.base_model import BaseModelSpec
from inference.checkpoint import PreparationStep, resolve_base_model
from inference.embedding import SentenceTransformerEmbedder, ServerEmbedder, open_embedder
from inference.embedding.reranking import CrossEncoderReranker, open_reranker
from inference.engines.port import Engine


def base_model_folder(
    settings: Settings,
    mind: Mind,
    *,
    weights: bool | None = None,
    on_slow_step: Callable[[PreparationStep], None] = lambda _: None,
) -> Path:
    """Folder of the base model the mind runs on, prepared or downloaded if need be; blocking.

    Args:
        weights: whether they are needed here and not its config and tokenizer alone; when None, if the engine is local.
        on_slow_step: called before what takes long.
    """
    return resolve_base_model(
        settings.base_model or mind.base_model,
        settings.models_dir,
        allow_download=settings.allow_download,
        weights=settings.engine == "local" if weights is None else weights,
        on_slow_step=on_slow_step,
    )


def open_composer(settings: Settings, mind: Mind, base_folder: Path, engine_rank: int | None = None) -> Composer:
    """The mind's adapters, checked against its base model; blocking.

    Args:
        engine_rank: the largest rank that the engine takes, when it is known and there is a limit.
    """
    base = BaseModelSpec.from_config(base_folder / "config.json", mind.base_model)
    limits = [rank for rank in (settings.max_rank, engine_rank) if rank is not None]
    return Composer.open(mind, base, CompositionStore(settings.compositions_dir), min(limits, default=None))


@asynccontextmanager
async def database_dsn(settings: Settings) -> AsyncIterator[str]:
    """DSN of the operator's Postgres, or of the embedded one, which runs as long as this is open."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    async with await EmbeddedServer.open(settings.data_dir / "postgres") as server:
        yield server.dsn


def make_embedder(settings: Settings) -> SentenceTransformerEmbedder | ServerEmbedder:
    """The embedder the settings name, its weights not yet read; blocking.

    Raises:
        ModelMissing, ModelUnusable: it is not here, or broken.
    """
    if settings.embedding_url is not None:
        return ServerEmbedder(
            settings.embedding_url, settings.embedding_model, _secret_value(settings.embedding_api_key)
        )
    return open_embedder(settings.embedding_model, settings.models_dir, allow_download=settings.allow_download)


def make_former_embedders(settings: Settings) -> list[SentenceTransformerEmbedder | ServerEmbedder]:
    """Those whose vectors may still be there; their weights are read when a question meets such a vector; blocking.

    Raises:
        ModelMissing, ModelUnusable: one is not here, or broken.
    """
    former: list[SentenceTransformerEmbedder | ServerEmbedder] = []
    for told in settings.embedding_former:
        model, at, url = told.partition("@http")
        if at:
            former.append(ServerEmbedder(f"http{url}", model, _secret_value(settings.embedding_former_api_key)))
        else:
            former.append(open_embedder(told, settings.models_dir, allow_download=settings.allow_download))
    return former


def make_reranker(settings: Settings) -> CrossEncoderReranker | None:
    """The reranker the settings name, its weights not yet read; blocking.

    Raises:
        ModelMissing, ModelUnusable: it is not here, or broken.
    """
    if settings.reranker is None:
        return None
    return open_reranker(settings.reranker, settings.models_dir, allow_download=settings.allow_download)


def make_engine(settings: Settings, mind: Mind, base_folder: Path) -> Engine:
    """The engine the settings name, not started; blocking."""
    if settings.engine == "sglang":
        from inference.engines.sglang import SGLangEngine

        return SGLangEngine(
            settings.sglang_url,
            mind.base_model,
            base_folder,
            api_key=_secret_value(settings.sglang_api_key),
            admin_key=_secret_value(settings.sglang_admin_key),
            compositions=settings.compositions_dir,
            retry_timeout=settings.engine_patience,
        )
    # Imported late: torch and transformers take seconds, and a remote engine needs neither.
    from inference.engines.local import LocalEngine

    return LocalEngine(base_folder)


def _secret_value(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None
