"""A conversation in progress keeps the adapters it began with, in a service that runs on while others come into use."""

from __future__ import annotations

import shutil
from pathlib import Path

import asyncpg
import pytest

from bot.app.settings import DEMO_MIND
from bot.authoring.evaluation import write_evaluation
from bot.authoring.promotion import promote, roll_back
from bot.minds import Mind, load_mind
from bot.minds.versions import candidate_folders, live_folders, read_digests, version_folder
from inference.adapters.manifest import read_manifest, write_manifest
from inference.adapters.package import WEIGHTS_FILE, AdapterPackage
from tests.fakes.talk import Talk
from tests.fixtures.versioned_minds import figures_of

MODE = "/mode sport"


@pytest.fixture
def mind_folder(tmp_path: Path) -> Path:
    return shutil.copytree(DEMO_MIND, tmp_path / "exchanged")


def exchange(folder: Path, step: int) -> Mind:
    """Promote a core that differs in its last weight."""
    mind = load_mind(folder)
    candidate = shutil.copytree(mind.adapters["core"].path, folder / "candidate" / "core")
    weights = candidate / WEIGHTS_FILE
    weights.write_bytes(weights.read_bytes()[:-1] + bytes([0x30 + step]))
    write_manifest(
        candidate, read_manifest(candidate).model_copy(update={"digest": AdapterPackage.open(candidate).digest})
    )
    for folders in (live_folders(mind), candidate_folders(mind)):
        digests = read_digests(folders)
        where = folder / ("candidate" if folders == candidate_folders(mind) else ".")
        write_evaluation(figures_of(mind, digests, 0.5), where)
    promote(mind)
    return mind


async def asked(talk: Talk, person: str) -> str:
    """The composition that answers somebody."""
    outcome = await talk.say(person, "What is torque?")
    assert outcome.error is None
    assert outcome.adapter is not None
    return outcome.adapter


async def test_who_has_begun_goes_on_with_it_and_who_begins_gets_what_is_in_use(
    talk: Talk, mind_folder: Path, dsn: str
) -> None:
    for person in ("1", "2", "3", "4"):
        await talk.say(person, MODE)
    first = await asked(talk, "1")
    assert await asked(talk, "2") == first
    mind = exchange(mind_folder, 1)
    second = await asked(talk, "3")
    assert second != first, "whoever begins gets what is in use"
    assert await asked(talk, "1") == first, "whoever has begun goes on with it"
    await talk.say("1", "/new")
    assert await asked(talk, "1") == second, "until they begin anew"
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "UPDATE sessions SET updated_at = now() - interval '25 hours' WHERE user_id ="
            " (SELECT user_id FROM identities WHERE external_id = '2')"
        )
    finally:
        await connection.close()
    assert await asked(talk, "2") == second, "or were silent for a day"
    roll_back(mind)
    assert await asked(talk, "3") == second
    assert await asked(talk, "4") == first, "the version before is the very same again"
    shutil.rmtree(version_folder(mind_folder, 2))
    assert await asked(talk, "3") == second, "what the service has open it has"
    exchange(mind_folder, 2)
    third = await asked(talk, "3")
    assert third not in (first, second), "a version that was removed is gone, and what is in use answers"
    assert await asked(talk, "4") == first
