"""Sending, changing and deleting, driven by a real aiogram bot."""

from __future__ import annotations

import json

import aiohttp
import pytest
from aiogram import Bot
from aiogram.types import (
    BufferedInputFile,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputRichMessage,
    MessageEntity,
    ReplyParameters,
)

from tests.fakes.telegram.server import TOKEN, FakeTelegram
from tests.integration.fakes.telegram.conftest import Refusal

FACE = "😀"


def keyboard(*rows: list[str], data: str = "data") -> InlineKeyboardMarkup:
    buttons = [[InlineKeyboardButton(text=text, callback_data=data) for text in row] for row in rows]
    return InlineKeyboardMarkup(inline_keyboard=buttons)


def bold(offset: int, length: int, kind: str = "bold") -> MessageEntity:
    return MessageEntity(type=kind, offset=offset, length=length)


async def test_a_message_is_trimmed_and_its_entities_follow(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    sent = await bot.send_message(
        anna, f"  {FACE} bold\r\n\x01x  \n", entities=[bold(5, 4)], reply_markup=keyboard(["A"])
    )
    assert sent.text == f"{FACE} bold\n x"
    assert sent.entities is not None
    assert sent.entities[0].extract_from(sent.text) == "bold"
    assert telegram.users.answers(anna)[0].buttons[0][0]["text"] == "A"
    assert any("trimmed" in oddity for oddity in telegram.records.oddities)


@pytest.mark.parametrize(
    ("text", "entities", "why"),
    [
        ("", None, "Bad Request: message text is empty"),
        (" \n ", None, "Bad Request: text must be non-empty"),
        ("a" * 4097, None, "Bad Request: message is too long"),
        (FACE * 2049, None, "Bad Request: message is too long"),
        ("a" * 32_769, None, "Bad Request: text is too long"),
        ("abc", [bold(0, 1, "loud")], "Bad Request: can't parse MessageEntity: Unsupported type specified"),
        ("abc", [bold(0, 1, "text_link")], "Bad Request: can't parse MessageEntity: Can't find field \"url\""),
        ("abc", [bold(-1, 1)], "Bad Request: receive an entity with incorrect offset -1"),
        ("abc", [bold(4, 1)], "Bad Request: entity begins after the end of the text at UTF-16 offset 4"),
        (
            "abc",
            [bold(1, 3)],
            "Bad Request: entity beginning at UTF-16 offset 1 ends after the end of the text at UTF-16 offset 4",
        ),
        (f"{FACE}b", [bold(1, 1)], "Bad Request: entity begins in a middle of a UTF-16 symbol at byte offset 4"),
        (
            f"b{FACE}",
            [bold(0, 2)],
            "Bad Request: entity beginning at UTF-16 offset 0 ends in a middle of a UTF-16 symbol at byte offset 5",
        ),
    ],
)
async def test_a_text_telegram_refuses(
    bot: Bot, anna: int, refusal: Refusal, text: str, entities: list[MessageEntity] | None, why: str
) -> None:
    assert (await refusal(bot.send_message(anna, text, entities=entities))).endswith(why)


async def test_texts_of_the_full_length_are_taken(bot: Bot, anna: int) -> None:
    assert (await bot.send_message(anna, FACE * 2048)).text == FACE * 2048


async def test_entities_over_a_hundred_are_ignored(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    sent = await bot.send_message(anna, "a" * 210, entities=[bold(i * 2, 1) for i in range(105)] + [bold(0, 1, "url")])
    assert sent.entities is not None
    assert [entity.offset for entity in sent.entities] == [i * 2 for i in range(100)]
    assert telegram.records.oddities == [
        "entity url is ignored: Telegram finds these itself",
        "5 entities over 100 are ignored",
    ]


async def test_a_parse_mode_is_noted(telegram: FakeTelegram, bot: Bot, anna: int, refusal: Refusal) -> None:
    await bot.send_message(anna, "plain")
    assert telegram.records.parse_mode_uses == []
    await bot.send_message(anna, "<b>x</b>", parse_mode="HTML")
    assert [request.method for request in telegram.records.parse_mode_uses] == ["sendmessage"]
    assert "unsupported parse_mode" in await refusal(bot.send_message(anna, "x", parse_mode="BBCode"))


@pytest.mark.parametrize(
    ("markup", "why"),
    [
        (keyboard(["A"], data="я" * 33), "BUTTON_DATA_INVALID"),
        (
            keyboard(["A"], data=""),
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (keyboard(list("abcdefghi")), "reply markup is too long"),
        (keyboard(*[["A"]] * 101), "reply markup is too long"),
        (keyboard(*[["A" * 100] * 8] * 12), "reply markup is too long"),
        (
            InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="A", url="http://localhost/")]]),
            "inline keyboard button URL 'http://localhost/' is invalid: Wrong HTTP URL",
        ),
    ],
)
async def test_a_keyboard_telegram_refuses(
    bot: Bot, anna: int, refusal: Refusal, markup: InlineKeyboardMarkup, why: str
) -> None:
    assert (await refusal(bot.send_message(anna, "x", reply_markup=markup))).endswith(f"Bad Request: {why}")


async def test_a_keyboard_of_the_full_size_is_taken(bot: Bot, anna: int) -> None:
    markup = keyboard(*[list("abcdefgh")] * 12, list("abcd"), data="d" * 64)
    assert (await bot.send_message(anna, "x", reply_markup=keyboard(list("abcdefgh"), data="я" * 32))).reply_markup
    assert (await bot.send_message(anna, "x", reply_markup=markup.model_copy())).reply_markup


async def test_a_reply_to_nothing(telegram: FakeTelegram, bot: Bot, anna: int, refusal: Refusal) -> None:
    gone = telegram.users.say(anna, anna, "gone")
    there = telegram.users.say(anna, anna, "there")
    telegram.users.delete(anna, gone)
    to = ReplyParameters(message_id=gone)
    assert "message to be replied not found" in await refusal(bot.send_message(anna, "x", reply_parameters=to))
    to = ReplyParameters(message_id=gone, allow_sending_without_reply=True)
    assert (await bot.send_message(anna, "x", reply_parameters=to)).reply_to_message is None
    to = ReplyParameters(message_id=there, quote="her")
    answered = (await bot.send_message(anna, "x", reply_parameters=to)).reply_to_message
    assert answered is not None
    assert answered.message_id == there
    to = ReplyParameters(message_id=there, quote="elsewhere")
    assert "QUOTE_TEXT_INVALID" in await refusal(bot.send_message(anna, "x", reply_parameters=to))


async def test_edits(telegram: FakeTelegram, bot: Bot, anna: int, refusal: Refusal) -> None:
    sent = await bot.send_message(anna, "one", reply_markup=keyboard(["A"]))
    at = {"chat_id": anna, "message_id": sent.message_id}
    assert "message is not modified" in await refusal(bot.edit_message_text("one", **at, reply_markup=keyboard(["A"])))
    edited = await bot.edit_message_text("one", **at)
    assert edited.reply_markup is None
    assert "message is not modified" in await refusal(bot.edit_message_text(" one ", **at))
    assert "message is not modified" in await refusal(bot.edit_message_reply_markup(**at))
    await bot.edit_message_reply_markup(**at, reply_markup=keyboard(["B"]))
    await bot.edit_message_text("one", **at, entities=[bold(0, 3)])
    assert "MESSAGE_TOO_LONG" in await refusal(bot.edit_message_text("a" * 4097, **at))
    assert "message to edit not found" in await refusal(bot.edit_message_text("x", chat_id=anna, message_id=999))
    hers = telegram.users.say(anna, anna, "hers")
    assert "message can't be edited" in await refusal(bot.edit_message_text("x", chat_id=anna, message_id=hers))
    events = [(s.event, s.text, len(s.entities), len(s.buttons)) for s in telegram.records.states if s.message == 2]
    assert events == [
        ("sent", "one", 0, 1), ("edited", "one", 0, 0), ("edited", "one", 0, 1), ("edited", "one", 1, 0)
    ]  # fmt: skip
    telegram.users.delete(anna, sent.message_id)
    assert "message to edit not found" in await refusal(bot.edit_message_text("x", **at))


async def test_a_keyboard_that_is_not_inline_is_of_no_message(bot: Bot, anna: int, refusal: Refusal) -> None:
    sent = await bot.send_message(anna, "one", reply_markup=ForceReply())
    edit = bot.edit_message_text("one", chat_id=anna, message_id=sent.message_id)
    assert "message is not modified" in await refusal(edit)


async def test_deleting(telegram: FakeTelegram, bot: Bot, anna: int, refusal: Refusal) -> None:
    users = telegram.users
    hers, own = users.say(anna, anna, "hers"), (await bot.send_message(anna, "own")).message_id
    assert await bot.delete_message(anna, hers)
    assert "message to delete not found" in await refusal(bot.delete_message(anna, hers))
    users.age(anna, own, 49 * 3600)
    assert "message can't be deleted for everyone" in await refusal(bot.delete_message(anna, own))
    group = users.group("Group", [anna])
    hers = users.say(group, anna, "hers")
    assert "message can't be deleted" in await refusal(bot.delete_message(group, hers))
    users.bot_status(group, "administrator", anna)
    assert await bot.delete_message(group, hers)
    assert [message.text for message in users.messages(group)] == []


async def test_a_draft_lives_until_the_message(telegram: FakeTelegram, bot: Bot, anna: int, refusal: Refusal) -> None:
    assert await bot.send_message_draft(anna, draft_id=7)
    placeholder = telegram.users.draft(anna)
    assert placeholder is not None
    assert (placeholder.text, placeholder.can_stop) == ("", False)
    assert await bot.send_message_draft(anna, draft_id=7, text="Once", entities=[bold(0, 4)])
    draft = telegram.users.draft(anna)
    assert draft is not None
    assert draft.text == "Once"
    await bot.send_message(anna, "Once upon a time")
    assert telegram.users.draft(anna) is None
    telegram.core.draft_seconds = 0
    await bot.send_message_draft(anna, draft_id=8, text="Gone at once")
    assert telegram.users.draft(anna) is None
    group = telegram.users.group("Group", [anna])
    assert "TEXTDRAFT_PEER_INVALID" in await refusal(bot.send_message_draft(group, draft_id=8, text="x"))
    assert "RANDOM_ID_EMPTY" in await refusal(bot.send_message_draft(anna, draft_id=0, text="x"))
    assert "MESSAGE_TOO_LONG" in await refusal(bot.send_message_draft(anna, draft_id=8, text="a" * 4097))
    assert [s.event for s in telegram.records.states if s.author == bot.id] == ["draft", "draft", "sent", "draft"]


async def test_stopping_a_draft(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    await bot.send_message_draft(anna, draft_id=7, text="Once")
    with pytest.raises(ValueError, match="can be stopped"):
        telegram.users.stop(anna)
    await bot.send_message_draft(anna, draft_id=7, text="Once upon", can_stop=True, keep_on_stop=True)
    telegram.users.stop(anna)
    stopped = (await bot.get_updates())[-1].stopped_message_generation
    assert stopped is not None
    assert (stopped.chat.id, stopped.draft_id) == (anna, 7)
    await bot.send_message_draft(anna, draft_id=7, text="Once upon a time", can_stop=True)
    kept = telegram.users.draft(anna)
    assert kept is not None
    assert (kept.text, kept.can_stop) == ("Once upon", False)
    assert [s.event for s in telegram.records.states][-2:] == ["stopped", "refused"]


async def test_rich_messages(telegram: FakeTelegram, bot: Bot, anna: int, refusal: Refusal) -> None:
    sent = await bot.send_rich_message(anna, InputRichMessage(markdown="# Head"))
    assert (sent.text, sent.rich_message is not None) == (None, True)
    assert telegram.users.answers(anna)[0].rich
    await bot.edit_message_text(
        chat_id=anna, message_id=sent.message_id, rich_message=InputRichMessage(html="<p>x</p>")
    )
    await bot.send_rich_message_draft(anna, draft_id=3, rich_message=InputRichMessage(html="<p>y</p>"))
    assert telegram.users.draft(anna) is not None
    assert "rich message must be non-empty" in await refusal(bot.send_rich_message(anna, InputRichMessage()))


async def test_documents_come_and_go(telegram: FakeTelegram, bot: Bot, anna: int, refusal: Refusal) -> None:
    sent = await bot.send_document(anna, BufferedInputFile(b"a,b", "table.csv"), caption="A table")
    assert sent.document is not None
    assert (sent.document.file_name, sent.caption) == ("table.csv", "A table")
    again = await bot.send_document(anna, sent.document.file_id)
    assert telegram.users.download(telegram.users.answers(anna)[0].document or "") == b"a,b"
    assert "no text in the message to edit" in await refusal(
        bot.edit_message_text("x", chat_id=anna, message_id=again.message_id)
    )
    telegram.users.document(anna, anna, "note.txt", b"hello", caption="/learn")
    document = (await bot.get_updates())[-1].message.document  # type: ignore[union-attr]
    assert document is not None
    content = await bot.download(document)
    assert content is not None
    assert content.read() == b"hello"
    telegram.users.document(anna, anna, "big.bin", b"x", size=(20 << 20) + 1)
    document = (await bot.get_updates())[-1].message.document  # type: ignore[union-attr]
    assert document is not None
    assert "file is too big" in await refusal(bot.get_file(document.file_id))
    assert "invalid file_id" in await refusal(bot.get_file("nonsense"))
    assert "file must be non-empty" in await refusal(bot.send_document(anna, BufferedInputFile(b"", "x")))
    assert "wrong file identifier" in await refusal(bot.send_document(anna, "nonsense"))
    long = bot.send_document(anna, BufferedInputFile(b"x", "x"), caption="a" * 1025)
    assert "message caption is too long" in await refusal(long)
    big = bot.send_document(anna, BufferedInputFile(bytes(52 << 20), "x"))
    assert "Request Entity Too Large" in await refusal(big)


async def test_every_encoding_is_read(telegram: FakeTelegram, anna: int) -> None:
    entities = [{"type": "bold", "offset": 0, "length": 1}]
    url = f"{telegram.url}/bot{TOKEN}/SendMessage"
    async with aiohttp.ClientSession() as client:
        for body in (
            {"json": {"chat_id": anna, "text": "a", "entities": entities}},
            {"data": {"chat_id": str(anna), "text": "a", "entities": json.dumps(entities)}},
            {"params": {"chat_id": str(anna), "text": "a", "entities": json.dumps(entities)}},
        ):
            async with client.post(url, **body) as response:
                answer = await response.json()
                assert (response.status, answer["ok"], response.content_type) == (200, True, "application/json")
        edit = {"chat_id": anna, "message_id": 2, "text": "b", "reply_markup": {"force_reply": True}}
        async with client.post(f"{telegram.url}/bot{TOKEN}/editMessageText", json=edit) as response:
            assert (await response.json())["description"] == "Bad Request: inline keyboard expected"
        async with client.post(url, data=b"{", headers={"Content-Type": "application/json"}) as response:
            assert response.status == 400
    assert [len(message.entities) for message in telegram.users.answers(anna)] == [1, 1, 1]
    assert telegram.users.doubled(anna) == ["a"]
