"""A service of which one adapter is unfit: it starts, says so, and answers with the others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.app.settings import DEMO_MIND
from tests.fakes.talk import Talk


@pytest.fixture(scope="module")
def mind_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shutil.copytree(DEMO_MIND, tmp_path_factory.mktemp("unfit") / "mind")
    (folder / "adapters" / "sport" / "adapter_model.safetensors").write_bytes(b"{}")
    return folder


async def test_the_others_answer_and_the_unfit_one_says_why_not(talk: Talk) -> None:
    modes = await talk.say("1", "/modes")
    assert modes.table is not None
    about = {row[0]: row[2] for row in modes.table.rows}
    assert about["sport"].startswith("out of service; ")
    assert about["coach"].startswith("out of service; ")
    assert not about["physics"].startswith("out of service")
    refused = await talk.say("1", "/mode sport")
    assert refused.error is not None
    assert refused.error.startswith("sport is out of service: ")
    chosen = await talk.say("1", "/mode physics")
    assert chosen.error is None
    answered = await talk.say("1", "What is torque?")
    assert answered.error is None
    assert answered.answer
