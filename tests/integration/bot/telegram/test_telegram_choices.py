"""The buttons of choices, such as what to forget: pressed, pressed twice, and after a restart."""

from __future__ import annotations

from tests.fakes.telegram.server import FakeTelegram
from tests.integration.bot.telegram.conftest import TelegramService, labels, texts

FACTS = ("I keep bees", "My bees are black", "Bees like my garden")


async def complete(telegram: FakeTelegram, chat: int, count: int) -> list[str]:
    """The texts of the bot's messages, once there are so many and none only says that it comes."""

    def found() -> list[str]:
        shown = texts(telegram, chat)
        return shown if len(shown) == count and "…" not in shown else []

    return await telegram.wait_for(found)


async def offered(telegram: FakeTelegram, chat: int, person: int) -> None:
    """Store facts, and ask what is to be forgotten of them."""
    for count, fact in enumerate(FACTS, 1):
        telegram.users.say(chat, person, f"/remember {fact}")
        await complete(telegram, chat, count)
    telegram.users.say(chat, person, "/forget about bees")
    await telegram.wait_for(lambda: len(texts(telegram, chat)) == len(FACTS) + 1 and labels(telegram, chat))


async def test_a_choice_replaces_its_list_and_works_once(service: TelegramService, telegram: FakeTelegram) -> None:
    ann = telegram.users.person("Ann", "ann", "en")
    async with service.process():
        await offered(telegram, ann, ann)
        assert labels(telegram, ann) == ["1", "2", "3", "Delete all of these", "Keep them"]
        first, again = telegram.users.press(ann, ann, "1"), telegram.users.press(ann, ann, "1")
        for query in (first, again):
            await telegram.wait_for(lambda query=query: telegram.users.answered(query) is not None)
        await telegram.wait_for(lambda: not labels(telegram, ann))
        assert len(texts(telegram, ann)) == len(FACTS) + 1
        telegram.users.say(ann, ann, "/memory")
        listed = (await complete(telegram, ann, len(FACTS) + 2))[-1]
        assert sum(fact in listed for fact in FACTS) == len(FACTS) - 1


async def test_choices_work_after_a_restart(service: TelegramService, telegram: FakeTelegram) -> None:
    ann = telegram.users.person("Ann", "ann", "en")
    async with service.process():
        await offered(telegram, ann, ann)
    async with service.process():
        telegram.users.press(ann, ann, "Delete all of these")
        await telegram.wait_for(lambda: not labels(telegram, ann))
        telegram.users.say(ann, ann, "/memory")
        listed = (await complete(telegram, ann, len(FACTS) + 2))[-1]
        assert not any(fact in listed for fact in FACTS)
