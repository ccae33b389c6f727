"""Questions answered in Telegram, from a person's message to what he sees."""

from __future__ import annotations

from tests.fakes.telegram.server import FakeTelegram
from tests.integration.bot.telegram.conftest import House


async def test_a_question_in_private_is_answered_under_it(house: House, telegram: FakeTelegram, anna: int) -> None:
    async with house.process():
        asked = telegram.users.say(anna, anna, "Сколько спать?")
        answers = await telegram.wait_for(lambda: [a for a in telegram.users.answers(anna) if a.text != "…"])
    assert [(a.text, a.reply_to) for a in answers] == [("Rest and sleep.", asked)]
