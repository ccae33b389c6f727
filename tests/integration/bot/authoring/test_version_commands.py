"""`consilium mind versions`, `promote` and `rollback` as an operator sees them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.app.settings import Settings
from bot.authoring.version_errors import BreaksLimits, NotEvaluated
from bot.cli.authoring import app
from bot.cli.doctor.command import retraining_warnings
from bot.core.i18n import Translator
from bot.minds.versions import mark_for_retraining
from tests.fixtures.versioned_minds import add_candidate, live_digests, make_mind, write_figures


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    make_mind(tmp_path / "mind")
    return Settings(
        mind=tmp_path / "mind",
        language="en",
        data_dir=tmp_path / "data",
        cache_dir=tmp_path / "cache",
        state_dir=tmp_path / "state",
    )


def run(settings: Settings, *arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, [*arguments], obj=settings)


def test_each_command_says_what_is_in_use_and_what_is_missing(settings: Settings) -> None:
    mind = make_mind(settings.mind.parent / "other")
    folder = str(mind.folder)
    assert "in use" in run(settings, "versions", folder).output
    add_candidate(mind)
    refused = run(settings, "promote", folder)
    assert isinstance(refused.exception, NotEvaluated)
    said = run(settings, "versions", folder).output
    assert "candidate" in said
    assert "new: core" in said
    assert f"Run: consilium mind eval {folder} --candidate" in said
    write_figures(mind)
    write_figures(mind, candidate=True, gain=0.1)
    worse = run(settings, "promote", folder)
    assert isinstance(worse.exception, BreaksLimits)
    assert "has learnt less than the one in use" in run(settings, "versions", folder).output
    write_figures(mind, candidate=True, gain=0.6)
    assert "may be promoted" in run(settings, "versions", folder).output
    before = live_digests(mind.folder)
    assert "Version 2 of trial is in use." in run(settings, "promote", folder, "--note", "spring").output
    said = run(settings, "versions", folder).output
    assert "gain 0.60, kept 1.00" in said
    assert "in use; spring" in said
    assert "Version 1 of trial is in use again." in run(settings, "rollback", folder).output
    assert live_digests(mind.folder) == before
    assert "Version 2 of trial is in use again." in run(settings, "rollback", folder, "2").output
    mark_for_retraining(mind.folder, "sport", [before["sport"]])
    assert "To be retrained, because people have had their words deleted that it was trained with: sport" in (
        run(settings, "versions", folder).output
    )
    assert [line.split()[0] for line in retraining_warnings(mind, Translator("ru"))] == ["sport"]
    assert not settings.data_dir.exists(), "no database is made for the audit log alone"


def test_a_mind_is_packed_and_unpacked(settings: Settings, tmp_path: Path) -> None:
    packed = run(settings, "pack", str(settings.mind), str(tmp_path / "file"))
    assert packed.exit_code == 0, packed.output
    key = packed.output.partition("unpacks it: ")[2].split()[0]
    unpacked = run(settings, "unpack", str(tmp_path / "file"), str(tmp_path / "copy"), "--key", key)
    assert "This key came with the file" not in unpacked.output
    assert live_digests(tmp_path / "copy") == live_digests(settings.mind)
    believed = run(settings, "unpack", str(tmp_path / "file"), str(tmp_path / "third"))
    assert "This key came with the file" in believed.output
