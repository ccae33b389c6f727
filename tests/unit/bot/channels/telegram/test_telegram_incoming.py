"""Updates as messages for the inbox."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from aiogram.types import Message, MessageGenerationStopped

from bot.channels.telegram.incoming import BotIdentity, incoming_from_message, incoming_from_stop
from bot.channels.telegram.messages import Place

ME = BotIdentity(42, "consilium_bot", frozenset({"help", "mode"}))
ANNA = {"id": 7, "is_bot": False, "first_name": "Anna", "language_code": "ru-RU"}
BOT = {"id": 42, "is_bot": True, "first_name": "Consilium", "username": "consilium_bot"}
GROUP = {"id": -5, "type": "supergroup", "title": "Reading"}


def message(text: str | None = "hi", *, private: bool = False, **more: Any) -> Message:
    chat = {"id": 7, "type": "private"} if private else GROUP
    known = {"message_id": 3, "date": datetime.now(UTC), "chat": chat, "from": ANNA, "text": text}
    return Message.model_validate({**known, **more})


def mention(text: str) -> list[dict[str, Any]]:
    return [{"type": "mention", "offset": text.index("@"), "length": len("@consilium_bot")}]


def test_private_message() -> None:
    incoming = incoming_from_message(9, message(private=True), ME)
    assert incoming is not None
    assert (incoming.person, incoming.place, incoming.text, incoming.language) == ("7", "7", "hi", "ru")
    assert (incoming.update, incoming.chat) == ("9", None)
    assert Place.from_address(incoming.address or {}) == Place(7, private=True, reply_to=3, draft=9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/help", "/help"),
        ("/help@Consilium_bot me", "/help@Consilium_bot me"),
        ("@consilium_bot, why?", "why?"),
        ("why, @Consilium_Bot ?", "why, ?"),
    ],
)
def test_group_message_for_the_bot(text: str, expected: str) -> None:
    entities = mention(text) if text[0] != "/" else []
    incoming = incoming_from_message(9, message(text, entities=entities), ME)
    assert incoming is not None
    assert (incoming.text, incoming.chat, incoming.place) == (expected, "-5", "-5")


@pytest.mark.parametrize(
    "text", ["hi", "/weather", "/help@other_bot", "mail a@consilium_bot.org", "see /help", "// @someone"]
)
def test_group_message_for_others(text: str) -> None:
    assert incoming_from_message(9, message(text), ME) is None


def test_reply_to_the_bot_except_to_the_topic_it_opened() -> None:
    answer = message("answer", **{"from": BOT}).model_dump(by_alias=True, exclude_none=True)
    assert incoming_from_message(9, message(reply_to_message=answer), ME) is not None
    opening = {"message_id": 2, "date": 0, "chat": GROUP, "from": BOT}
    opening["forum_topic_created"] = {"name": "x", "icon_color": 1}
    assert incoming_from_message(9, message(reply_to_message=opening), ME) is None


def test_topic_is_its_own_place_but_a_reply_thread_is_not() -> None:
    topic = incoming_from_message(9, message("/help", message_thread_id=8, is_topic_message=True), ME)
    thread = incoming_from_message(9, message("/help", message_thread_id=8), ME)
    assert topic is not None
    assert thread is not None
    assert (topic.place, thread.place) == ("-5/8", "-5")


def test_sender_is_a_chat_but_no_bot() -> None:
    other = {"id": 8, "is_bot": True, "first_name": "Other"}
    assert incoming_from_message(9, message("/help", **{"from": other}), ME) is None
    on_behalf = incoming_from_message(9, message("/help", sender_chat=GROUP, **{"from": other}), ME)
    assert on_behalf is not None
    assert (on_behalf.person, on_behalf.sender_is_chat) == ("-5", True)
    assert incoming_from_message(9, message("/help", sender_chat=GROUP, is_automatic_forward=True), ME) is None


def test_document_with_caption() -> None:
    document = {"file_id": "F", "file_unique_id": "u", "file_name": "notes.pdf", "file_size": 12}
    incoming = incoming_from_message(9, message(None, private=True, document=document, caption="Read it"), ME)
    assert incoming is not None
    (file,) = incoming.files
    assert (incoming.text, file.name, file.size, file.handle) == ("Read it", "notes.pdf", 12, {"file": "F", "chat": 7})


def test_service_message_is_ignored_but_a_sticker_is_not() -> None:
    assert incoming_from_message(9, message(None, private=True, new_chat_title="x"), ME) is None
    sticker = {"file_id": "F", "file_unique_id": "u", "type": "regular", "width": 1, "height": 1, "is_animated": False,
               "is_video": False}  # fmt: skip
    incoming = incoming_from_message(9, message(None, private=True, sticker=sticker), ME)
    assert incoming is not None
    assert incoming.text == ""


def test_stop_button_of_a_private_chat() -> None:
    stopped = MessageGenerationStopped.model_validate({"chat": {"id": 7, "type": "private"}, "draft_id": 9,
                                                       "message_thread_id": 4})  # fmt: skip
    incoming = incoming_from_stop(10, stopped)
    assert (incoming.person, incoming.place, incoming.text) == ("7", "7/4", "/stop")
