"""`/forget me` in a chat takes a person's words out of the dialogues that the mind was made of."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from bot.app.settings import DEMO_MIND
from bot.authoring.filters import Rules
from bot.authoring.importing import ImportOptions, run_import
from bot.minds import load_mind
from tests.fakes.talk import Talk
from tests.fixtures.author_export import AUTHOR_ID, CHANNEL_ID, author_export

SECRET = "сиреневый бегемот"


@pytest.fixture
def mind_folder(tmp_path: Path) -> Path:
    """The demo mind with an import in which Telegram's account 3 has said something."""
    folder = shutil.copytree(DEMO_MIND, tmp_path / "mind")
    text = json.dumps(author_export(300), ensure_ascii=False)
    export = json.loads(text, object_hook=_plant)
    (tmp_path / "result.json").write_text(json.dumps(export, ensure_ascii=False), "utf-8")
    options = ImportOptions(Rules(("en", "ru"), others_words=True), (AUTHOR_ID, CHANNEL_ID))
    run_import(load_mind(folder), [tmp_path / "result.json"], options)
    return folder


def _plant(record: dict[str, object]) -> dict[str, object]:
    if record.get("from_id") == "user3" and isinstance(record.get("text"), str) and record["text"]:
        record = {**record, "text": f"{record['text']}, {SECRET}"}
        record.pop("text_entities", None)
    return record


def holding(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


async def test_whoever_deletes_their_data_is_in_no_file_of_the_mind(talk: Talk, mind_folder: Path) -> None:
    assert len(holding(mind_folder)) >= 4
    await talk.say("3", "/privacy")
    asked = await talk.say("3", "/forget me")
    assert "training dialogues" in asked.answer
    await talk.say("4", "/forget me yes")
    assert holding(mind_folder), "somebody else's words stay"
    await talk.say("3", "/forget me yes")
    async with asyncio.timeout(60):
        while True:
            if not await asyncio.to_thread(holding, mind_folder):
                break
            await asyncio.sleep(0.1)
