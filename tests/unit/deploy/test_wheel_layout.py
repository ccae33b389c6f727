"""Names of modules are rewritten in the wheel, and nothing else is."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[3]
MODULES = {"bot", "bot.cli", "bot.cli.app", "db", "db.infra", "db.infra.rows", "inference", "inference.device"}


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wheel_layout", ROOT / "deploy" / "wheel_layout.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


layout = _load()


@pytest.mark.parametrize(
    ("written", "moved"),
    [
        ("from bot.cli import app", "from consilium.bot.cli import app"),
        ("from db import infra as bot", "from consilium.db import infra as bot"),
        ("import bot", "import consilium.bot as bot"),
        ("import bot as other", "import consilium.bot as other"),
        ("import db.infra.rows", "import consilium.db.infra.rows, consilium.db as db"),
        ("import db.infra as i, os, bot", "import consilium.db.infra as i, os, consilium.bot as bot"),
        ("def f():\n    from inference.device import x", "def f():\n    from consilium.inference.device import x"),
        ("from bot.cli import (\n    a,\n    b,\n)", "from consilium.bot.cli import (\n    a,\n    b,\n)"),
        ("run('-m', 'bot.cli')  # «да»", "run('-m', 'consilium.bot.cli')  # «да»"),
        ('да = 1; run("bot.cli.app")', 'да = 1; run("consilium.bot.cli.app")'),
    ],
)
def test_a_module_has_its_new_name(written: str, moved: str) -> None:
    assert layout.move_modules(written, MODULES) == moved


@pytest.mark.parametrize(
    "written",
    [
        '"""bot.cli"""',
        'x = "bot"',
        'x = "bot.cli.unknown"',
        'x = "see bot.cli"',
        "from .bot import x",
        "import botany, dbm",
        "from consilium.errors import N_",
        "bot.cli = 1",
        'x = f"{bot}.cli"',
    ],
)
def test_what_names_no_module_stays(written: str) -> None:
    assert layout.move_modules(written, MODULES) == written


@pytest.mark.parametrize("written", ['import_module(f"bot.{x}")', 'x = ("bot." "cli")', "from \\\n bot.cli import x"])
def test_a_name_that_cannot_be_moved_stops_the_build(written: str) -> None:
    with pytest.raises(layout.CannotBeMoved, match=r"source:1"):
        layout.move_modules(written, MODULES)


_statements = st.one_of(
    st.builds("from {} import thing".format, st.sampled_from(sorted(MODULES))),
    st.builds("import {}".format, st.sampled_from(sorted(MODULES))),
    st.builds("import {} as other".format, st.sampled_from(sorted(MODULES))),
    st.sampled_from(
        ["import os", "from . import bot", "x = 'ёж'", "y = 'bot.cli'; z = 'db.infra'", "# from bot import x"]
    ),
)


@given(st.lists(_statements, max_size=6))
def test_every_import_leads_into_the_one_package_and_lines_stay(statements: list[str]) -> None:
    source = "\n".join(statements)
    moved = layout.move_modules(source, MODULES)
    assert len(moved.splitlines()) == len(source.splitlines())
    assert _names_bound(moved) == _names_bound(source)
    for node in ast.walk(ast.parse(moved)):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            assert (node.module or "").startswith("consilium.")
        if isinstance(node, ast.Import):
            assert all(alias.name == "os" or alias.name.startswith("consilium.") for alias in node.names)


def _names_bound(source: str) -> list[set[str]]:
    """What each statement binds."""
    bound = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            bound.append(names - {"consilium"})
    return bound
