"""Many chats at once, with the rate limits of the real Telegram."""

from __future__ import annotations

import os
import time

import pytest

from bot.channels.telegram.rate_limiter import BotApiLimits
from bot.channels.telegram.stream_renderer import RENDER_INTERVAL
from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.server import FakeTelegram
from tests.integration.bot.telegram.conftest import TelegramService, texts

CHATS = 200 if os.environ.get("CONSILIUM_LONG") else 40
GROUPS = CHATS // 10


@pytest.mark.long
async def test_every_chat_is_answered_within_the_rate_limits(service: TelegramService, telegram: FakeTelegram) -> None:
    """Answers are streamed in all chats at once. Prints how long it takes until complete answers are shown."""
    limits = telegram.limits
    limits.overall, limits.chat, limits.group = Limits().overall, Limits().chat, Limits().group
    service.api_limits, service.render_interval, service.engine.between = BotApiLimits(), RENDER_INTERVAL, 0.1
    service.engine.pieces = [f"word {n} " for n in range(30)]
    answer = "".join(service.engine.pieces).strip()
    people = [telegram.users.person(f"Person {n}") for n in range(CHATS)]
    groups = [telegram.users.group(f"Group {n}", [people[n]]) for n in range(GROUPS)]
    chats = [*groups, *people[GROUPS:]]
    async with service.process(concurrency=CHATS):
        started_at = time.monotonic()
        for n, (chat, person) in enumerate(zip(chats, people, strict=True)):
            write = telegram.users.mention if n < GROUPS else telegram.users.say
            write(chat, person, f"what is {n}?")
        await telegram.wait_for(lambda: all(texts(telegram, chat) == [answer] for chat in chats), within=280)
    shown_at = {s.chat: s.at for s in telegram.records.states if s.text == answer and s.event != "draft"}
    delays = [shown_at[chat] - service.engine.ended[f"what is {n}?"] for n, chat in enumerate(chats)]
    refused = sum(request.status == 429 for request in telegram.records.requests)
    drafts = sum(s.event == "draft" for s in telegram.records.states)
    edits = sum(s.event == "edited" and s.text not in (answer, "…") for s in telegram.records.states)
    print(
        f"{CHATS} chats, {GROUPS} of them groups, {len(telegram.records.requests)} calls: all shown after"
        f" {max(shown_at.values()) - started_at:.1f} s; from a complete answer until it is shown {max(delays):.1f} s at"
        f" most, {sorted(delays)[CHATS // 2]:.1f} s in the median; {drafts} drafts, {edits} partial edits,"
        f" {refused} refusals"
    )
    assert len(shown_at) == CHATS
