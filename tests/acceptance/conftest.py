"""The service as a person starts it: a process of its own, with data, state and settings of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.app.settings import DEMO_MIND
from inference.embedding import E5_MODEL
from tests.fixtures.postgres import copy_server, server_directory

CONSILIUM = Path(sys.executable).with_name("consilium")
DEADLINE = 240


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Standard output as JSON, an object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True)
class Home:
    """Somebody's machine: runs `consilium` with folders that nothing else uses, but for prepared base models."""

    environment: Mapping[str, str]

    def run(self, *arguments: str, say: str | bytes = "", cwd: Path | None = None, **more: str) -> Ended:
        done = subprocess.run(
            [CONSILIUM, *arguments],
            input=say.encode() if isinstance(say, str) else say,
            capture_output=True,
            env={**self.environment, **more},
            timeout=DEADLINE,
            check=False,
            cwd=cwd,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def chat(self, *lines: str, user: str = "anna", **more: str) -> Ended:
        """Say these lines, one a message, and get one JSON object each."""
        return self.run("chat", "--json", "--user", user, say="\n".join(lines) + "\n", **more)


@pytest.fixture(scope="session")
def prepared_models(base_model_dir: Path) -> Path:
    """The folder of prepared base models, with the demo mind's in it."""
    return base_model_dir.parent


@pytest.fixture
def home(prepared_models: Path, migrated_template: Path, embedding_url: str) -> Iterator[Home]:
    """A machine on which the service has run before: its database is there. Texts are embedded for it elsewhere."""
    with home_directory(prepared_models, migrated_template, embedding_url) as home:
        yield home


@pytest.fixture(scope="module")
def shared_home(prepared_models: Path, migrated_template: Path, embedding_url: str) -> Iterator[Home]:
    """The same for all tests of a file; each brings a person of its own."""
    with home_directory(prepared_models, migrated_template, embedding_url) as home:
        yield home


@pytest.fixture
def new_home(prepared_models: Path) -> Iterator[Home]:
    """A machine on which the service has never run, and which loads the embedding model itself."""
    with home_directory(prepared_models) as home:
        yield home


@pytest.fixture(scope="session")
def brief_mind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo mind, with answers of a sentence or two: for tests in which their length is not the point."""
    return copy_demo_mind(tmp_path_factory.mktemp("minds"), max_tokens=32)


def copy_demo_mind(parent: Path, max_tokens: int) -> Path:
    """A copy of the demo mind whose answers have so many tokens at most."""
    folder = parent / "agoge"
    shutil.copytree(DEMO_MIND, folder)
    spec = folder / "mind.yaml"
    spec.write_text(spec.read_text("utf-8").replace("max_tokens: 160", f"max_tokens: {max_tokens}"), "utf-8")
    return folder


@contextmanager
def home_directory(
    prepared_models: Path, server: Path | None = None, embedding_url: str | None = None
) -> Iterator[Home]:
    """A home, removed afterwards.

    Args:
        server: the folder of a Postgres to begin with, a copy of it.
        embedding_url: who embeds texts for it; otherwise each process loads the model, which takes seconds.
    """
    with server_directory() as folder:
        cache = folder / "cache"
        cache.mkdir()
        (cache / "models").symlink_to(prepared_models)
        if server is not None:
            (folder / "data" / "postgres").mkdir(parents=True)
            copy_server(server, folder / "data" / "postgres")
        environment = {key: value for key, value in os.environ.items() if not key.startswith("CONSILIUM_")}
        yield Home(
            environment
            | {
                "CONSILIUM_DATA_DIR": str(folder / "data"),
                "CONSILIUM_STATE_DIR": str(folder / "state"),
                "CONSILIUM_CACHE_DIR": str(cache),
                "CONSILIUM_LIBRARY_AT_START": "false",
                "LANG": "C.UTF-8",
            }
            | (
                {}
                if embedding_url is None
                else {"CONSILIUM_EMBEDDING_URL": embedding_url, "CONSILIUM_EMBEDDING_MODEL": E5_MODEL}
            )
        )
