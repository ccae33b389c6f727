"""The demo mind with its real adapters, an SGLang server that only looks like one, and a service's settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.app.bootstrap import open_services
from bot.app.settings import Settings
from bot.intake import joining
from bot.minds import Mind, load_mind
from inference.embedding import E5_MODEL
from tests.fakes.sglang_server import SGLangServer
from tests.fakes.talk import Talk, talking
from tests.fixtures.minds import copy_bilingual_mind

API_KEY, ADMIN_KEY = "for-answers", "for-adapters"


@pytest.fixture(scope="session")
def bilingual_mind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo mind, as if with a base model that writes Russian too."""
    return copy_bilingual_mind(tmp_path_factory.mktemp("minds") / "agoge")


@pytest.fixture(scope="session")
def agoge(bilingual_mind: Path) -> Mind:
    return load_mind(bilingual_mind)


@pytest_asyncio.fixture(loop_scope="session")
async def server(agoge: Mind) -> AsyncIterator[SGLangServer]:
    """Running, with keys."""
    server = SGLangServer(base=agoge.base_model, api_key=API_KEY, admin_key=ADMIN_KEY)
    async with server.serving():
        yield server


@pytest.fixture
def settings_for(tmp_path: Path, base_model_dir: Path, bilingual_mind: Path) -> Callable[..., Settings]:
    """Settings with folders of the test's own, and what else it names."""

    def make(**values: object) -> Settings:
        own = {
            "mind": bilingual_mind,
            "base_model": str(base_model_dir),
            "cache_dir": tmp_path / "cache",
            "state_dir": tmp_path / "state",
            "library_at_start": False,
        }
        return Settings.model_validate({**own, **values})

    return make


@pytest.fixture
def sglang_settings(settings_for: Callable[..., Settings], server: SGLangServer, embedding_url: str) -> Settings:
    """Settings of a service that answers with the server, and has its vectors from the run's embedder."""
    return settings_for(
        embedding_url=embedding_url,
        embedding_model=E5_MODEL,
        engine="sglang",
        sglang_url=server.url,
        sglang_api_key=API_KEY,
        sglang_admin_key=ADMIN_KEY,
        engine_patience=0.5,
    )


@pytest.fixture(scope="module")
def mind_folder(bilingual_mind: Path) -> Path:
    """The mind that `talk` is with."""
    return bilingual_mind


@pytest_asyncio.fixture(loop_scope="session")
async def talk(sglang_settings: Settings, dsn: str, mind_folder: Path) -> AsyncIterator[Talk]:
    """People on two platforms, answered by the server; the owner is 1 on Telegram."""
    settings = sglang_settings.model_copy(
        update={
            "mind": mind_folder,
            "database_url": SecretStr(dsn),
            "prewarm_modes": 0,
            "owners": ("telegram:1",),
        }
    )
    async with open_services(settings, role="all") as services, talking(services, "telegram", "discord") as talk:
        yield talk


@pytest.fixture
def patient_joining(monkeypatch: pytest.MonkeyPatch) -> None:
    """Further parts of a message are waited for longer, for machines that are busy with other tests."""
    monkeypatch.setattr(joining, "JOIN_WINDOW", timedelta(seconds=4))
