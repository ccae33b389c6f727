"""The table of commands: its summaries are the commands' own, and the help needs none of them."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from typer.core import TyperGroup

from bot.app.settings import Settings
from bot.cli.app import COMMANDS, LazyCommand, LazyGroup

HEAVY = {"aiohttp", "babel", "httpx", "numpy", "pgqueuer", "pydantic", "rich.progress", "structlog", "torch"}


def first_paragraph(help_text: str | None) -> str:
    return " ".join(inspect.cleandoc(help_text or "").partition("\n\n")[0].split())


@pytest.fixture
def consilium(tmp_path: Path) -> LazyGroup:
    return LazyGroup(COMMANDS, lambda: Settings(state_dir=tmp_path), name="consilium", rich_markup_mode="rich")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_summary_is_first_paragraph_of_own_help(command: LazyCommand) -> None:
    assert command.summary == first_paragraph(command.load().help)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_of_every_command(command: LazyCommand, consilium: LazyGroup, capsys: pytest.CaptureFixture[str]) -> None:
    loaded = command.load()
    subcommands = loaded.commands if isinstance(loaded, TyperGroup) else ()
    for line in ([command.name], *([command.name, name] for name in subcommands)):
        with pytest.raises(SystemExit) as ended:
            consilium([*line, "--help"], prog_name="consilium")
        assert ended.value.code == 0
        assert f"Usage: consilium {' '.join(line)}" in capsys.readouterr().out


def test_root_help_lists_all_and_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom bot.cli.app import main\nsys.argv = ['consilium', '--help']\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert all(f" {command.name} " in ended.stdout for command in COMMANDS)
    assert not HEAVY & set(ended.stderr.split())


def test_unknown_command_is_answered_with_the_nearest(consilium: LazyGroup, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        consilium(["chta"], prog_name="consilium")
    assert ended.value.code == 2
    assert "'chat'" in capsys.readouterr().err
