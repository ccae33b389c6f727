"""The command menus of Telegram's clients, the mixer of modes and the choice of a language."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.fakes.telegram.server import FakeTelegram
from tests.integration.bot.telegram.conftest import TelegramService, labels, texts


async def test_command_menus_by_language_and_scope(service: TelegramService, telegram: FakeTelegram) -> None:
    def menus() -> dict[tuple[str, str | None], dict[str, str]]:
        calls = [r.args for r in telegram.records.requests if r.method == "setmycommands" and r.status == 200]
        return {
            (json.loads(call["scope"])["type"], call.get("language_code")): {
                command["command"]: command["description"] for command in json.loads(call["commands"])
            }
            for call in calls
        }

    async with service.process(answers=False):
        await telegram.wait_for(lambda: len(menus()) == 4)
    published = menus()
    assert published["all_private_chats", None]["help"] == "what you can ask for"
    assert published["all_private_chats", "ru"]["help"] != "what you can ask for"
    assert {"export", "memory"} <= published["all_private_chats", "ru"].keys()
    assert not {"export", "admin"} & published["all_group_chats", "ru"].keys()
    assert {"mode", "stop"} <= published["all_group_chats", None].keys()


async def test_mixing_and_applying_a_mode(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    async with service.process():
        telegram.users.say(anna, anna, "/mode")
        await telegram.wait_for(lambda: texts(telegram, anna) and telegram.users.answers(anna)[0].buttons)
        (menu,) = telegram.users.answers(anna)
        assert {"▫️ sport", "▫️ core", "Лаборатория", "auto", "base"} <= set(labels(telegram, anna))
        telegram.users.press(anna, anna, "▫️ sport")
        await telegram.wait_for(lambda: "✅ sport" in labels(telegram, anna))
        telegram.users.press(anna, anna, "➖")
        await telegram.wait_for(lambda: "0.9×" in labels(telegram, anna))
        telegram.users.press(anna, anna, "▫️ core")
        await telegram.wait_for(lambda: "✔️ Применить: core+sport*0.9" in labels(telegram, anna))
        telegram.users.press(anna, anna, "✔️ Применить: core+sport*0.9")
        await telegram.wait_for(lambda: not telegram.users.answers(anna)[0].buttons)
        assert texts(telegram, anna)[0].startswith("Режим: core+sport*0.9")
        assert [answer.id for answer in telegram.users.answers(anna)] == [menu.id]
        telegram.users.say(anna, anna, "/mode")
        await telegram.wait_for(lambda: "✅ sport" in labels(telegram, anna))
        telegram.users.press(anna, anna, "Лаборатория")
        await telegram.wait_for(lambda: "physics" in texts(telegram, anna)[-1])
    longest = max(
        (button["callback_data"] for s in telegram.records.states for row in s.buttons for button in row), key=len
    )
    assert len(longest.encode()) <= 64


async def test_mixer_works_only_for_the_asker_and_for_the_same_adapters(
    service: TelegramService, telegram: FakeTelegram, anna: int
) -> None:
    boris = telegram.users.person("Boris", language="en")
    group = telegram.users.group("Reading", [anna, boris])
    async with service.process():
        telegram.users.say(group, anna, "/mode")
        await telegram.wait_for(lambda: texts(telegram, group) and telegram.users.answers(group)[0].buttons)
        query = telegram.users.press(group, boris, "▫️ sport")
        notice = await telegram.wait_for(lambda: telegram.users.answered(query))
        assert notice["text"] == "Only the person who asked can use these buttons."
    adapters = {name: adapter for name, adapter in service.mind.adapters.items() if name != "physics"}
    service.mind = replace(service.mind, adapters=adapters)
    async with service.process():
        query = telegram.users.press(group, anna, "▫️ sport")
        notice = await telegram.wait_for(lambda: telegram.users.answered(query))
        assert notice["text"] == "Эти кнопки устарели."


async def test_choosing_the_language(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    async with service.process():
        telegram.users.say(anna, anna, "/lang")
        await telegram.wait_for(lambda: texts(telegram, anna) and telegram.users.answers(anna)[0].buttons)
        telegram.users.press(anna, anna, "English")
        await telegram.wait_for(lambda: texts(telegram, anna) == ["Language: English."])
