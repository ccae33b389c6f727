"""What people write to the service is never trained on: nothing that makes dialogues or trains reads the database."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
MAKERS = ("bot/authoring", "inference/training", "bot/cli/train.py", "bot/cli/training_run.py", "bot/cli/dialogues.py")
FORBIDDEN = ("db", "asyncpg", "bot.turns", "bot.memory", "bot.intake")


def imported_modules(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("place", MAKERS)
def test_nothing_that_makes_dialogues_or_trains_imports_what_reads_messages(place: str) -> None:
    paths = [ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py"))
    assert paths
    for path in paths:
        for module in imported_modules(path):
            assert not any(module == name or module.startswith(f"{name}.") for name in FORBIDDEN), (path, module)
