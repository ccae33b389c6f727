"""One conversation on each platform with the real model, through the whole service and a restart of it.

CONSILIUM_TRANSCRIPTS names a folder to save what the people saw in, for drawing it (`make pictures`).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from bot.app.settings import DEMO_MIND
from tests.acceptance.conftest import Home, copy_demo_mind
from tests.acceptance.scripted import on_discord, on_telegram
from tests.acceptance.scripted.on_discord import OnDiscord
from tests.acceptance.scripted.on_telegram import OnTelegram
from tests.acceptance.scripted.service import Service
from tests.acceptance.scripted.transcript import Transcript
from tests.fakes.discord.server import DiscordFake
from tests.fakes.telegram.server import FakeTelegram

KEPT_IN = os.environ.get("CONSILIUM_TRANSCRIPTS")
INTERNALS = re.compile(r"Traceback|\b\w+Error\b")
"""What nobody may see in a chat."""


@pytest.mark.model
@pytest.mark.timeout(1200)
async def test_conversation_continues_after_a_restart(home: Home, tmp_path: Path) -> None:
    telegram, discord = FakeTelegram(), DiscordFake()
    async with telegram.serving(), discord.serving():
        # Answers long enough to be seen growing; in pictures they are whole.
        mind = DEMO_MIND if KEPT_IN else copy_demo_mind(tmp_path, max_tokens=48)
        service = Service({**home.environment, "CONSILIUM_MIND": str(mind)}, telegram, discord)
        anna, bob = OnTelegram(telegram), OnDiscord(discord)
        async with service.running():
            await anna.begin()
            await bob.begin()
        for talk in (anna, bob):
            talk.transcript.note("The whole service is stopped and started again")
        async with service.running():
            await anna.go_on()
            await bob.go_on()
            assert any(on_telegram.FACT in memory for memory in await service.recalled(on_telegram.LATER))
            assert any(on_discord.FACT in memory for memory in await service.recalled(on_discord.LATER))
            await anna.end()
            await bob.end()

    anna.check()
    bob.check()
    for talk, fact, other in (
        (anna, on_telegram.FACT, on_discord.FACT),
        (bob, on_discord.FACT, on_telegram.FACT),
    ):
        export = talk.exported()
        assert fact not in {memory["content"] for memory in export["memories"]}
        assert "/export" in {turn["question"] for turn in export["turns"]}
        assert other not in str(export)
        texts = talk.texts()
        assert len(texts) > 15
        assert not [text for text in texts if other in text or INTERNALS.search(text)]
    log = service.log
    assert "Traceback" not in log
    assert log.count("turn.ended") > 10
    said = {text for talk in (anna, bob) for text in talk.texts() if len(text) > 30}
    planted = {telegram.token, discord.token, on_telegram.FACT, on_telegram.LATER}
    planted |= {on_discord.FACT, on_discord.LATER}
    assert not [text for text in said | planted if text in log]
    folder = Path(KEPT_IN or tmp_path)
    for talk in (anna, bob):
        talk.transcript.write(folder)
        assert Transcript.read(folder / f"{talk.transcript.platform.lower()}.json") == talk.transcript
