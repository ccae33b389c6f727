"""The service as a person starts it: a process of its own, with data, state and settings of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.postgres import server_directory

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
def home(prepared_models: Path) -> Iterator[Home]:
    with server_directory() as folder:
        yield _home(folder, prepared_models)


def _home(folder: Path, prepared_models: Path) -> Home:
    cache = folder / "cache"
    cache.mkdir()
    (cache / "models").symlink_to(prepared_models)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CONSILIUM_")}
    return Home(
        environment
        | {
            "CONSILIUM_DATA_DIR": str(folder / "data"),
            "CONSILIUM_STATE_DIR": str(folder / "state"),
            "CONSILIUM_CACHE_DIR": str(cache),
            "CONSILIUM_LIBRARY_AT_START": "false",
            "LANG": "C.UTF-8",
        }
    )
