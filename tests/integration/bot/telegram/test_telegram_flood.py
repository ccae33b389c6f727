"""Many chats at once, against a Telegram that limits as the real one does."""

from __future__ import annotations

import os
import time

import pytest

from bot.channels.telegram.rate_limiter import BotApiLimits
from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.server import FakeTelegram
from tests.integration.bot.telegram.conftest import House

CHATS = 200 if os.environ.get("CONSILIUM_LONG") else 40
GROUPS = CHATS // 10


@pytest.mark.long
async def test_every_chat_gets_its_whole_answer_and_no_limit_is_ignored(house: House, telegram: FakeTelegram) -> None:
    """Streaming in all chats at once; printed: how long it took to show answers that were whole."""
    limits = telegram.limits
    limits.overall, limits.chat, limits.group = Limits().overall, Limits().chat, Limits().group
    house.rates, house.engine.between = BotApiLimits(), 0.1
    house.engine.pieces = [f"word {n} " for n in range(30)]
    whole = "".join(house.engine.pieces).strip()
    people = [telegram.users.person(f"Person {n}") for n in range(CHATS)]
    groups = [telegram.users.group(f"Group {n}", [people[n]]) for n in range(GROUPS)]
    places = [*people[GROUPS:], *groups]
    async with house.process(at_once=CHATS):
        began = time.monotonic()
        for n, person in enumerate(people):
            chat, say = (groups[n], telegram.users.mention) if n < GROUPS else (person, telegram.users.say)
            say(chat, person, f"what is {n}?")
        await telegram.wait_for(
            lambda: all([a.text for a in telegram.users.answers(chat)] == [whole] for chat in places), within=280
        )
    shown = {s.chat: s.at for s in telegram.records.states if s.text == whole and s.event != "draft"}
    waited = [shown[chat] - house.engine.ended[f"what is {n}?"] for n, chat in enumerate([*groups, *people[GROUPS:]])]
    refused = sum(request.status == 429 for request in telegram.records.requests)
    drafts = sum(s.event == "draft" for s in telegram.records.states)
    edits = sum(s.event == "edited" and s.text not in (whole, "…") for s in telegram.records.states)
    print(
        f"{CHATS} chats, {GROUPS} of them groups, {len(telegram.records.requests)} calls: all shown after"
        f" {max(shown.values()) - began:.1f} s; from a whole answer to its being shown {max(waited):.1f} s at most,"
        f" {sorted(waited)[CHATS // 2]:.1f} s in the middle; {drafts} drafts, {edits} edits on the way,"
        f" {refused} refusals"
    )
    assert len(shown) == CHATS
