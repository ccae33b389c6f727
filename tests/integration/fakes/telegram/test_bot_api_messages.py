"""What Telegram guarantees about sending, editing and deleting, as the fake keeps it; driven by a real aiogram bot."""

from __future__ import annotations

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    InlineKeyboardMarkup,
    InputRichMessage,
    MessageEntity,
    ReplyParameters,
)

from tests.fakes.telegram.server import FakeTelegram, Fault, close_client
from tests.integration.fakes.telegram.conftest import keyboard, make_bot, new_updates, refusal

EMOJI = "😀"


def entity(offset: int, length: int, kind: str = "bold") -> MessageEntity:
    return MessageEntity(type=kind, offset=offset, length=length)


async def test_unknown_token_and_method(telegram: FakeTelegram, bot: Bot) -> None:
    assert (await bot.get_me()).username == "consilium_bot"
    stranger = make_bot(telegram, "42:other")
    with pytest.raises(TelegramUnauthorizedError):
        await stranger.get_me()
    await close_client(stranger)
    with pytest.raises(TelegramNotFound, match="method not found"):
        await bot.get_my_star_balance()
    assert telegram.records.unknown_methods == ["getmystarbalance"]


async def test_chats_that_the_bot_cannot_write_to(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    assert "chat not found" in await refusal(bot.send_message(123456, "x"))
    boris = telegram.users.person("Boris")
    with pytest.raises(TelegramForbiddenError, match="bot can't initiate conversation with a user"):
        await bot.send_message(boris, "x")
    message = (await bot.send_message(anna, "x")).message_id
    telegram.users.block(anna)
    for call in (
        bot.send_message(anna, "x"),
        bot.send_chat_action(anna, "typing"),
        bot.send_message_draft(anna, 1, text="x"),
        bot.edit_message_text("y", chat_id=anna, message_id=message),
    ):
        assert (await refusal(call)).endswith("Forbidden: bot was blocked by the user")
    telegram.users.block(anna, blocked=False)
    assert await bot.send_chat_action(anna, "typing")
    group = telegram.users.group("Group", [anna])
    telegram.users.bot_status(group, "restricted", anna)
    assert "not enough rights to send text messages to the chat" in await refusal(bot.send_message(group, "x"))
    telegram.users.bot_status(group, "kicked", anna)
    assert "Forbidden: bot was kicked from the supergroup chat" in await refusal(bot.send_message(group, "x"))
    statuses = [event.new_chat_member.status for kind, event in await new_updates(bot) if kind == "my_chat_member"]
    assert statuses == ["kicked", "member", "member", "restricted", "kicked"]


@pytest.mark.parametrize(
    ("text", "entities", "reason"),
    [
        ("", [], "message text is empty"),
        (" \n ", [], "text must be non-empty"),
        ("a" * 4097, [], "message is too long"),
        (EMOJI * 2049, [], "message is too long"),
        ("abc", [entity(0, 1, "loud")], "can't parse MessageEntity: Unsupported type specified"),
        ("abc", [entity(0, 1, "text_link")], "can't parse MessageEntity: Can't find field \"url\""),
        ("abc", [entity(-1, 1)], "receive an entity with incorrect offset -1"),
        ("abc", [entity(4, 1)], "entity begins after the end of the text at UTF-16 offset 4"),
        (
            "abc",
            [entity(1, 3)],
            "entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 4",
        ),
        (f"{EMOJI}b", [entity(1, 1)], "entity begins in a middle of a UTF-16 symbol at byte offset 4"),
        (
            f"b{EMOJI}",
            [entity(0, 2)],
            "entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol at byte offset 5",
        ),
    ],
)
async def test_refused_text(bot: Bot, anna: int, text: str, entities: list[MessageEntity], reason: str) -> None:
    assert (await refusal(bot.send_message(anna, text, entities=entities))).endswith(f"Bad Request: {reason}")


async def test_text_is_trimmed_and_counted_in_utf16(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    sent = await bot.send_message(anna, f"  {EMOJI} bold\r\n\x01x  \n", entities=[entity(5, 4)])
    assert sent.text == f"{EMOJI} bold\n x"
    assert sent.entities is not None
    assert sent.entities[0].extract_from(sent.text) == "bold"
    assert len(telegram.records.oddities) == 1
    assert (await bot.send_message(anna, EMOJI * 2048)).text == EMOJI * 2048
    sent = await bot.send_message(anna, "a" * 210, entities=[entity(i * 2, 1) for i in range(105)])
    assert [entity.offset for entity in sent.entities or ()] == [i * 2 for i in range(100)]
    assert telegram.records.oddities[1:] == ["5 entities over 100 are ignored"]


async def test_parse_mode_is_recorded(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    await bot.send_message(anna, "plain")
    assert telegram.records.parse_mode_uses == []
    await bot.send_message(anna, "<b>x</b>", parse_mode="HTML")
    assert [request.method for request in telegram.records.parse_mode_uses] == ["sendmessage"]


@pytest.mark.parametrize(
    ("markup", "reason"),
    [
        (keyboard(["A"], data="я" * 33), "BUTTON_DATA_INVALID"),
        (keyboard(["A"], data=""), "can't parse inline keyboard button: Text buttons are unallowed"),
        (keyboard(list("abcdefghi")), "reply markup is too long"),
        (keyboard(*[["A"]] * 101), "reply markup is too long"),
        (keyboard(*[["A" * 100] * 8] * 12), "reply markup is too long"),
    ],
)
async def test_refused_keyboard(bot: Bot, anna: int, markup: InlineKeyboardMarkup, reason: str) -> None:
    assert f"Bad Request: {reason}" in await refusal(bot.send_message(anna, "x", reply_markup=markup))


async def test_largest_keyboard(bot: Bot, anna: int) -> None:
    markup = keyboard(*[list("abcdefgh")] * 12, list("abcd"), data="d" * 64)
    sent = await bot.send_message(anna, "x", reply_markup=markup)
    assert sent.reply_markup is not None
    assert sum(len(row) for row in sent.reply_markup.inline_keyboard) == 100


async def test_reply_to_a_deleted_message(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    question = telegram.users.say(anna, anna, "question")
    sent = await bot.send_message(anna, "x", reply_parameters=ReplyParameters(message_id=question))
    assert sent.reply_to_message is not None
    assert sent.reply_to_message.message_id == question
    telegram.users.delete(anna, question)
    parameters = ReplyParameters(message_id=question)
    assert "message to be replied not found" in await refusal(bot.send_message(anna, "x", reply_parameters=parameters))
    parameters = ReplyParameters(message_id=question, allow_sending_without_reply=True)
    assert (await bot.send_message(anna, "x", reply_parameters=parameters)).reply_to_message is None


async def test_editing(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    message = (await bot.send_message(anna, "one", reply_markup=keyboard(["A"]))).message_id
    where = {"chat_id": anna, "message_id": message}
    unchanged = bot.edit_message_text("one", **where, reply_markup=keyboard(["A"]))
    assert "message is not modified" in await refusal(unchanged)
    await bot.edit_message_text("one", **where)
    assert "message is not modified" in await refusal(bot.edit_message_text(" one ", **where))
    await bot.edit_message_text("one", **where, entities=[entity(0, 3)])
    assert "MESSAGE_TOO_LONG" in await refusal(bot.edit_message_text("a" * 4097, **where))
    assert "message to edit not found" in await refusal(bot.edit_message_text("x", chat_id=anna, message_id=999))
    other = telegram.users.say(anna, anna, "by Anna")
    assert "message can't be edited" in await refusal(bot.edit_message_text("x", chat_id=anna, message_id=other))
    states = [state for state in telegram.records.states if state.message == message]
    assert [(state.event, len(state.entities), len(state.buttons)) for state in states] == [
        ("sent", 0, 1),
        ("edited", 0, 0),
        ("edited", 1, 0),
    ]
    await bot.edit_message_text(**where, rich_message=InputRichMessage(markdown="# Head"))
    assert telegram.users.answers(anna)[0].rich
    telegram.users.delete(anna, message)
    assert "message to edit not found" in await refusal(bot.edit_message_text("x", **where))


async def test_deleting(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    message = (await bot.send_message(anna, "x")).message_id
    assert await bot.delete_message(anna, message)
    assert telegram.users.answers(anna) == []
    assert "message to delete not found" in await refusal(bot.delete_message(anna, message))


async def test_draft_is_visible_until_the_message(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    assert await bot.send_message_draft(anna, draft_id=7)
    draft = telegram.users.draft(anna)
    assert draft is not None
    assert (draft.text, draft.can_stop) == ("", False)
    await bot.send_message_draft(anna, draft_id=7, text="Once", entities=[entity(0, 4)])
    await bot.send_message(anna, "Once upon a time")
    assert telegram.users.draft(anna) is None
    telegram.core.draft_seconds = 0
    await bot.send_message_draft(anna, draft_id=8, text="Expired")
    assert telegram.users.draft(anna) is None
    group = telegram.users.group("Group", [anna])
    assert "TEXTDRAFT_PEER_INVALID" in await refusal(bot.send_message_draft(group, draft_id=8, text="x"))
    assert "RANDOM_ID_EMPTY" in await refusal(bot.send_message_draft(anna, draft_id=0, text="x"))
    assert [s.event for s in telegram.records.states if s.author == bot.id] == ["draft", "draft", "sent", "draft"]


async def test_stopped_draft_keeps_its_text(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    await bot.send_message_draft(anna, draft_id=7, text="Once")
    with pytest.raises(ValueError, match="can be stopped"):
        telegram.users.stop(anna)
    await bot.send_message_draft(anna, draft_id=7, text="Once upon", can_stop=True, keep_on_stop=True)
    telegram.users.stop(anna)
    kind, event = (await new_updates(bot))[-1]
    assert (kind, event.chat.id, event.draft_id) == ("stopped_message_generation", anna, 7)
    await bot.send_message_draft(anna, draft_id=7, text="Once upon a time", can_stop=True)
    draft = telegram.users.draft(anna)
    assert draft is not None
    assert (draft.text, draft.can_stop) == ("Once upon", False)
    assert [state.event for state in telegram.records.states][-2:] == ["stopped", "refused"]


async def test_documents(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    sent = await bot.send_document(anna, BufferedInputFile(b"a,b", "table.csv"))
    assert sent.document is not None
    assert sent.document.file_name == "table.csv"
    assert telegram.users.download(telegram.users.answers(anna)[0].document or "") == b"a,b"
    telegram.users.document(anna, anna, "note.txt", b"hello", caption="Read it")
    telegram.users.document(anna, anna, "big.bin", b"x", size=(20 << 20) + 1)
    (note, big) = [event for _, event in await new_updates(bot)][-2:]
    content = await bot.download(note.document)
    assert content is not None
    assert (note.caption, content.read()) == ("Read it", b"hello")
    assert "file is too big" in await refusal(bot.get_file(big.document.file_id))
    assert "invalid file_id" in await refusal(bot.get_file("unknown"))


@pytest.mark.parametrize(
    ("command", "description", "reason"),
    [
        ("Mode", "x", "BOT_COMMAND_INVALID"),
        ("режим", "x", "BOT_COMMAND_INVALID"),
        ("a" * 33, "x", "BOT_COMMAND_INVALID"),
        ("mode", " ", "command description must be non-empty"),
        ("mode", "x" * 257, "command description length must not exceed 256"),
    ],
)
async def test_refused_command(bot: Bot, command: str, description: str, reason: str) -> None:
    assert await bot.set_my_commands([BotCommand(command="mode", description="Choose a mode")])
    commands = [BotCommand(command=command, description=description)]
    assert (await refusal(bot.set_my_commands(commands))).endswith(f"Bad Request: {reason}")


@pytest.mark.parametrize("after", [False, True])
async def test_faults_before_and_after_a_call(telegram: FakeTelegram, bot: Bot, anna: int, after: bool) -> None:
    telegram.faults += [Fault("sendMessage", kind, after=after) for kind in ("error", "html", "drop")]
    with pytest.raises(TelegramServerError, match="Bad Gateway"):
        await bot.send_message(anna, "error")
    with pytest.raises(ClientDecodeError):
        await bot.send_message(anna, "html")
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(anna, "drop")
    assert (await bot.send_message(anna, "none")).text == "none"
    sent = ["error", "html", "drop", "none"] if after else ["none"]
    assert [answer.text for answer in telegram.users.answers(anna)] == sent


async def test_flood_closes_the_chat(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    boris = telegram.users.person("Boris")
    telegram.users.start(boris)
    telegram.limits.in_flight = 0
    telegram.faults.append(Fault("sendMessage", "flood", seconds=35))
    for _ in range(2):
        with pytest.raises(TelegramRetryAfter) as caught:
            await bot.send_message(anna, "x")
        assert caught.value.retry_after == 35
    assert [ignored.method for ignored in telegram.limits.ignored_429] == ["sendmessage"]
    assert await bot.send_message(boris, "x")
    assert await bot.send_chat_action(anna, "typing")
