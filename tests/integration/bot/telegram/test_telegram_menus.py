"""Menus: the commands that Telegram's clients list, and the mixer of modes."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.fakes.telegram.server import FakeTelegram
from tests.integration.bot.telegram.conftest import House, labels, texts


async def test_commands_are_listed_in_both_languages_and_private_ones_in_private(
    house: House, telegram: FakeTelegram
) -> None:
    def listed() -> dict[tuple[str, str | None], dict[str, str]]:
        calls = [r.args for r in telegram.records.requests if r.method == "setmycommands" and r.status == 200]
        return {
            (json.loads(call["scope"])["type"], call.get("language_code")): {
                command["command"]: command["description"] for command in json.loads(call["commands"])
            }
            for call in calls
        }

    async with house.process(answers=False):
        await telegram.wait_for(lambda: len(listed()) == 4)
    found = listed()
    assert found["all_private_chats", None]["help"] == "what you can ask for"
    assert found["all_private_chats", "ru"]["help"] != "what you can ask for"
    assert {"export", "memory"} <= found["all_private_chats", "ru"].keys()
    assert not {"export", "admin"} & found["all_group_chats", "ru"].keys()
    assert {"mode", "stop"} <= found["all_group_chats", None].keys()


async def test_a_mode_is_mixed_and_applied(house: House, telegram: FakeTelegram, anna: int) -> None:
    async with house.process():
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
        (key["callback_data"] for s in telegram.records.states for row in s.buttons for key in row), key=len
    )  # fmt: skip
    assert len(longest.encode()) <= 64


async def test_a_menu_in_a_group_is_for_the_one_who_asked_and_one_of_other_adapters_for_nobody(
    house: House, telegram: FakeTelegram, anna: int
) -> None:
    boris = telegram.users.person("Boris", language="en")
    group = telegram.users.group("Reading", [anna, boris])
    async with house.process():
        telegram.users.say(group, anna, "/mode")
        await telegram.wait_for(lambda: texts(telegram, group) and telegram.users.answers(group)[0].buttons)
        query = telegram.users.press(group, boris, "▫️ sport")
        told = await telegram.wait_for(lambda: telegram.users.answered(query))
        assert told["text"] == "Only the person who asked can use these buttons."
    adapters = {name: adapter for name, adapter in house.mind.adapters.items() if name != "physics"}
    house.mind = replace(house.mind, adapters=adapters)
    async with house.process():
        query = telegram.users.press(group, anna, "▫️ sport")
        told = await telegram.wait_for(lambda: telegram.users.answered(query))
        assert told["text"] == "Эти кнопки устарели."


async def test_the_language_is_chosen_by_a_button(house: House, telegram: FakeTelegram, anna: int) -> None:
    async with house.process():
        telegram.users.say(anna, anna, "/lang")
        await telegram.wait_for(lambda: texts(telegram, anna) and telegram.users.answers(anna)[0].buttons)
        telegram.users.press(anna, anna, "English")
        await telegram.wait_for(lambda: texts(telegram, anna) == ["Language: English."])
