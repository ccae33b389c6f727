"""Questions answered in Telegram, from a person's message to what they see."""

from __future__ import annotations

import pytest

from bot.core.errors import PermanentDeliveryError
from tests.fakes.telegram.server import FakeTelegram, Fault
from tests.integration.bot.telegram.conftest import TelegramService, labels, texts


async def test_private_answer_is_a_draft_and_then_a_message(
    service: TelegramService, telegram: FakeTelegram, anna: int
) -> None:
    service.engine.held_after = 2
    async with service.process():
        asked = telegram.users.say(anna, anna, "Сколько спать?")
        draft = await telegram.wait_for(lambda: (d := telegram.users.draft(anna)) and d.text and d)
        assert (draft.text, draft.can_stop) == ("Rest and", True)
        assert texts(telegram, anna) == []
        service.engine.go.set()
        await telegram.wait_for(lambda: texts(telegram, anna) == ["Rest and sleep."])
    (answer,) = telegram.users.answers(anna)
    assert answer.reply_to == asked
    assert telegram.users.draft(anna) is None
    first = next(s for s in telegram.records.states if s.event == "sent" and s.message == answer.id)
    assert first.text == "…", "a message shows nothing of the answer before it is recorded"


async def test_native_stop_button(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    service.engine.held_after = 2
    async with service.process():
        telegram.users.say(anna, anna, "Сколько спать?")
        await telegram.wait_for(lambda: (d := telegram.users.draft(anna)) and d.text)
        telegram.users.stop(anna)
        await telegram.wait_for(lambda: texts(telegram, anna) == ["Rest and\n\n⏹ Остановлено."])
        assert labels(telegram, anna) == ["🔁 Спросить ещё раз"]
        assert service.engine.cut_off == 1
        service.engine.go.set()
        telegram.users.press(anna, anna, "🔁 Спросить ещё раз")
        await telegram.wait_for(lambda: texts(telegram, anna)[1:] == ["Rest and sleep."])
    assert service.engine.asked == ["Сколько спать?"] * 2


async def test_group_answer_is_an_edited_reply(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    boris = telegram.users.person("Boris")
    group = telegram.users.group("Reading", [anna, boris])
    telegram.core.privacy = False
    service.engine.held_after = 2
    async with service.process():
        telegram.users.say(group, boris, "Just between us")
        telegram.users.say(group, boris, "/help@other_bot")
        telegram.users.say(group, boris, "/weather")
        asked = telegram.users.mention(group, anna, "how long to sleep?")
        await telegram.wait_for(lambda: texts(telegram, group) == ["Rest and"])
        assert labels(telegram, group) == ["⏹ Stop"]
        service.engine.go.set()
        await telegram.wait_for(lambda: texts(telegram, group) == ["Rest and sleep."])
        answer = telegram.users.answers(group)[0]
        assert (answer.reply_to, answer.buttons) == (asked, [])
        telegram.users.say(group, boris, "And you?", reply_to=answer.id)
        await telegram.wait_for(lambda: texts(telegram, group) == ["Rest and sleep."] * 2)
        quoted = "Quoted message of yours:\n> Rest and sleep."
        assert service.engine.asked == ["how long to sleep?", f"{quoted}\n\nAnd you?"]


async def test_group_stop_button_works_only_for_the_asker(
    service: TelegramService, telegram: FakeTelegram, anna: int
) -> None:
    boris = telegram.users.person("Boris", language="en")
    group = telegram.users.group("Reading", [anna, boris])
    service.engine.held_after = 2
    async with service.process():
        telegram.users.mention(group, anna, "сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, group) == ["Rest and"])
        query = telegram.users.press(group, boris, "stop")
        notice = await telegram.wait_for(lambda: telegram.users.answered(query))
        assert notice["text"] == "Only the person who asked can use these buttons."
        assert texts(telegram, group) == ["Rest and"]
        query = telegram.users.press(group, anna, "stop")
        await telegram.wait_for(lambda: texts(telegram, group) == ["Rest and\n\n⏹ Остановлено."])
        notice = await telegram.wait_for(lambda: telegram.users.answered(query))
        assert notice["text"] == "Остановлено."


async def test_each_topic_has_its_own_mode(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    forum = telegram.users.group("Forum", [anna], forum=True)
    first, second = telegram.users.topic(forum, anna, "One"), telegram.users.topic(forum, anna, "Two")
    async with service.process():
        telegram.users.say(forum, anna, "/mode@consilium_bot core", thread=first)
        await telegram.wait_for(lambda: texts(telegram, forum, first))
        for thread in (first, second):
            telegram.users.say(forum, anna, "/mode@consilium_bot", thread=thread)
        await telegram.wait_for(lambda: len(texts(telegram, forum, first)) == 2 and texts(telegram, forum, second))
        await telegram.wait_for(lambda: "…" not in texts(telegram, forum))
    assert "core" in texts(telegram, forum, first)[1]
    assert "base" in texts(telegram, forum, second)[0]


async def test_queue_position_becomes_the_answer(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    service.engine.held_after = 1
    async with service.process():
        telegram.users.say(anna, anna, "first?")
        await telegram.wait_for(lambda: service.engine.asked)
        telegram.users.say(anna, anna, "second?")
        position = "Your earlier messages are answered first; before this one: 1."
        await telegram.wait_for(lambda: texts(telegram, anna) == [position])
        notice = telegram.users.answers(anna)[0].id
        service.engine.go.set()
        await telegram.wait_for(lambda: texts(telegram, anna).count("Rest and sleep.") == 2)
        assert len(texts(telegram, anna)) == 2
    assert next(a.text for a in telegram.users.answers(anna) if a.id == notice) == "Rest and sleep."


async def test_long_answer_is_split_and_its_code_stays_code(
    service: TelegramService, telegram: FakeTelegram, anna: int
) -> None:
    code = "\n".join(f"line_{n} = {n}  # " + "x" * 60 for n in range(90))
    prose = "\n\n".join(f"Paragraph {n} 🏛 " + "word " * 60 for n in range(12))
    service.engine.pieces = [prose, f"\n\n```python\n{code}\n```\n\n", "The **end**."]
    async with service.process():
        telegram.users.say(anna, anna, "All of it?")
        await telegram.wait_for(lambda: texts(telegram, anna) and texts(telegram, anna)[-1].endswith("The end."))
    answers = telegram.users.answers(anna)
    assert len(answers) > 2
    shown = "".join("".join(answer.text.split()) for answer in answers)
    assert shown == "".join(f"{prose}{code}The end.".split())
    kinds = [[entity["type"] for entity in answer.entities] for answer in answers]
    assert sum("pre" in types for types in kinds) > 1, "a split code block stays code"
    assert "bold" in kinds[-1]
    assert {entity.get("language") for a in answers for entity in a.entities if entity["type"] == "pre"} == {"python"}


async def test_edited_question_is_asked_again(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    service.engine.held_after = 2
    async with service.process():
        first = telegram.users.say(anna, anna, "How lnog?")
        await telegram.wait_for(lambda: (d := telegram.users.draft(anna)) and d.text)
        service.engine.go.set()
        service.engine.answers["How long?"] = ["Eight", " hours."]
        telegram.users.edit(anna, first, "How long?")
        await telegram.wait_for(lambda: texts(telegram, anna)[1:] == ["Eight hours."])
        second = telegram.users.say(anna, anna, "And then?")
        await telegram.wait_for(lambda: texts(telegram, anna)[2:] == ["Rest and sleep."])
        telegram.users.edit(anna, first, "/forget all")
        telegram.users.edit(anna, first, "How short?")
        telegram.users.edit(anna, second, "And then what?")
        await telegram.wait_for(lambda: texts(telegram, anna)[3:] == ["Rest and sleep."])
    assert service.engine.asked == ["How lnog?", "How long?", "And then?", "And then what?"]


async def test_export_sends_its_files(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    async with service.process():
        telegram.users.say(anna, anna, "/remember I like figs")
        await telegram.wait_for(lambda: len(texts(telegram, anna)) == 1)
        telegram.users.say(anna, anna, "/export")
        await telegram.wait_for(lambda: [a for a in telegram.users.answers(anna) if a.document])
    files = [answer.document for answer in telegram.users.answers(anna) if answer.document]
    assert any(b"I like figs" in telegram.users.download(file) for file in files)


async def test_commands_in_a_table_are_clickable(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    async with service.process():
        telegram.users.say(anna, anna, "/help")
        await telegram.wait_for(lambda: texts(telegram, anna) and "/forget" in texts(telegram, anna)[0])
    assert not [e for e in telegram.users.answers(anna)[0].entities if e["type"] in ("pre", "code")]


async def test_rich_answer(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    service.settings = service.settings.model_copy(update={"telegram_rich": True})
    service.engine.pieces = ["# Sleep\n\n", "|a|b|\n|-|-|\n|1|2|\n"]
    async with service.process():
        telegram.users.say(anna, anna, "Сколько спать?")
        await telegram.wait_for(lambda: [a for a in telegram.users.answers(anna) if a.rich])
    (answer,) = telegram.users.answers(anna)
    assert answer.text == "# Sleep\n\n|a|b|\n|-|-|\n|1|2|"


async def test_fetching_a_document_in_chunks(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    content = bytes(range(256)) * 1000
    telegram.users.start(anna)
    telegram.users.document(anna, anna, "notes.bin", content)
    handle = {"file": next(iter(telegram.core.world.files)), "chat": anna}
    async with service.process(receives=False, answers=False) as process:
        chunks = [chunk async for chunk in process.platform.fetch(handle)]
        with pytest.raises(PermanentDeliveryError):
            await anext(process.platform.fetch({"file": "unknown", "chat": anna}))
    assert b"".join(chunks) == content
    assert len(chunks) > 1


async def test_server_without_drafts_gets_edits_in_private(
    service: TelegramService, telegram: FakeTelegram, anna: int
) -> None:
    telegram.faults.append(Fault("sendMessageDraft", "error", times=None, status=400))
    service.engine.held_after = 2
    async with service.process():
        telegram.users.say(anna, anna, "Сколько спать?")
        await telegram.wait_for(lambda: texts(telegram, anna) == ["Rest and"])
        telegram.users.press(anna, anna, "⏹ Остановить")
        await telegram.wait_for(lambda: texts(telegram, anna) == ["Rest and\n\n⏹ Остановлено."])


async def test_slow_answer_keeps_its_draft_and_typing_indicator(
    service: TelegramService, telegram: FakeTelegram, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.channels.telegram.stream_renderer._DRAFT_REFRESH_INTERVAL", 0.3)
    telegram.core.draft_seconds = 1.0
    group = telegram.users.group("Reading", [anna])
    service.engine.held_after = 0
    async with service.process():
        telegram.users.mention(group, anna, "сколько спать?")
        telegram.users.say(anna, anna, "Сколько спать?")
        await telegram.wait_for(lambda: len([s for s in telegram.records.states if s.event == "draft"]) == 4)
        assert telegram.users.draft(anna) is not None
        assert texts(telegram, group) == ["…"]
        actions = [r.args for r in telegram.records.requests if r.method == "sendchataction"]
        assert actions[0]["action"] == "typing"
        assert {action["chat_id"] for action in actions} == {str(group)}


async def test_long_answer_continues_in_a_draft(service: TelegramService, telegram: FakeTelegram, anna: int) -> None:
    service.engine.pieces = ["word " * 1200, "last", " words"]
    service.engine.held_after = 2
    async with service.process():
        telegram.users.say(anna, anna, "Сколько спать?")
        draft = await telegram.wait_for(lambda: (d := telegram.users.draft(anna)) and d.text.endswith("last") and d)
        await telegram.wait_for(lambda: len(texts(telegram, anna)) == 1 and texts(telegram, anna)[0] != "…")
        assert len(texts(telegram, anna)[0]) + len(draft.text) >= 6000
        service.engine.go.set()
        await telegram.wait_for(lambda: texts(telegram, anna)[-1].endswith("last words"))
    assert len(texts(telegram, anna)) == 2
