"""An author creates a new mind."""

from __future__ import annotations

from pathlib import Path

from bot.minds import load_mind
from tests.acceptance.conftest import Home


def test_template_is_a_valid_mind_without_trained_adapters(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    ended = home.run("init", str(folder))
    assert ended.code == 0, ended.err
    assert load_mind(folder, require_adapters=False).core == "core"
    assert (folder / "schemas" / "mind.schema.json").is_file()
    assert "consilium train core" in ended.out

    untrained = home.run("chat", "--mind", str(folder), say="hello\n")
    assert untrained.code != 0
    assert "adapters/core" in untrained.err

    too_few = home.run("train", "core", "--mind", str(folder))
    assert too_few.code != 0
    assert "1 dialogues" in too_few.err

    again = home.run("init", str(folder))
    assert again.code == 2
    assert "not empty" in again.err
