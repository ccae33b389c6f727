"""What Telegram guarantees about updates, polling and webhooks, as the fake keeps it; driven by a real aiogram bot."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramConflictError, TelegramMigrateToChat
from aiogram.types import ReplyParameters
from aiohttp import web

from tests.fakes.telegram.server import TOKEN, FakeTelegram
from tests.integration.fakes.telegram.conftest import keyboard, new_updates, refusal


def texts(updates: list[tuple[str, Any]]) -> list[str | None]:
    return [event.text for kind, event in updates if "message" in kind]


async def test_group_becomes_a_supergroup(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    old = telegram.users.group("Group", [anna], kind="group")
    message = (await bot.send_message(old, "x")).message_id
    new = telegram.users.migrate(old)
    with pytest.raises(TelegramMigrateToChat) as caught:
        await bot.send_message(old, "x")
    assert caught.value.migrate_to_chat_id == new
    assert "message can't be edited" in await refusal(bot.edit_message_text("y", chat_id=old, message_id=message))
    assert await bot.send_message(new, "x")
    events = [event for kind, event in await new_updates(bot) if kind == "message"][-2:]
    assert [(event.chat.id, event.migrate_to_chat_id, event.migrate_from_chat_id) for event in events] == [
        (old, new, None),
        (new, None, old),
    ]


async def test_topics(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    forum = telegram.users.group("Forum", [anna], forum=True)
    topic = telegram.users.topic(forum, anna, "Sport")
    question = telegram.users.say(forum, anna, "/ask", thread=topic)
    event = (await new_updates(bot))[-1][1]
    assert (event.message_thread_id, event.is_topic_message) == (topic, True)
    assert event.reply_to_message.forum_topic_created.name == "Sport"
    sent = await bot.send_message(forum, "x", message_thread_id=topic)
    assert (sent.message_thread_id, sent.is_topic_message) == (topic, True)
    sent = await bot.send_message(forum, "y", reply_parameters=ReplyParameters(message_id=question))
    assert sent.message_thread_id == topic
    telegram.users.drop_topic(forum, topic)
    assert "message thread not found" in await refusal(bot.send_message(forum, "x", message_thread_id=topic))
    assert telegram.users.messages(forum) == []


async def test_reply_thread_is_not_a_topic(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    group = telegram.users.group("Group", [anna])
    root = (await bot.send_message(group, "x")).message_id
    telegram.users.say(group, anna, "why?", reply_to=root)
    event = (await new_updates(bot))[-1][1]
    assert (event.message_thread_id, event.is_topic_message) == (root, None)
    assert (await bot.send_message(group, "so", message_thread_id=root)).message_thread_id is None


async def test_privacy_in_groups(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    users, group = telegram.users, telegram.users.group("Group", [anna])
    answer = (await bot.send_message(group, "x")).message_id
    users.say(group, anna, "between us")
    users.say(group, anna, "/mode@other_bot sport")
    users.say(group, anna, "/mode@Consilium_bot sport")
    users.say(group, anna, "/mode sport")
    users.mention(group, anna, "hello")
    reply = users.say(group, anna, "and now?", reply_to=answer)
    users.edit(group, reply, "and then?")
    updates = await new_updates(bot)
    addressed = ["/mode@Consilium_bot sport", "/mode sport", "@consilium_bot hello", "and now?", "and then?"]
    assert texts(updates) == ["/start", *addressed]
    assert [kind for kind, _ in updates][-2:] == ["message", "edited_message"]
    assert [entity.type for _, event in updates[2:5] for entity in event.entities] == [
        "bot_command",
        "bot_command",
        "mention",
    ]
    telegram.core.privacy = False
    users.say(group, anna, "to all")
    assert texts(await new_updates(bot)) == ["to all"]


async def test_callback_query_is_answered_once(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    sent = await bot.send_message(anna, "Which?", reply_markup=keyboard(["Спорт"], data="mode:sport"))
    query = telegram.users.press(anna, anna, "Спорт")
    event = (await new_updates(bot))[-1][1]
    assert (event.id, event.data, event.message.message_id) == (query, "mode:sport", sent.message_id)
    assert "MESSAGE_TOO_LONG" in await refusal(bot.answer_callback_query(query, "a" * 201))
    assert telegram.users.answered(query) is None
    assert await bot.answer_callback_query(query, "Done")
    assert telegram.users.answered(query) == {"text": "Done", "show_alert": False}
    for invalid in (query, "77"):
        assert "query is too old" in await refusal(bot.answer_callback_query(invalid))
    with pytest.raises(ValueError, match="no button"):
        telegram.users.press(anna, anna, "Physics")


async def test_updates_stay_until_they_are_confirmed(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    telegram.users.say(anna, anna, "a")
    first, second = await bot.get_updates()
    assert [update.update_id for update in await bot.get_updates()] == [first.update_id, second.update_id]
    assert [update.update_id for update in await bot.get_updates(offset=second.update_id)] == [second.update_id]
    assert len(telegram.core.updates.pending) == 1


async def test_poll_waits_for_the_next_update(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    await new_updates(bot)
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await telegram.wait_for(lambda: telegram.core.updates.polled)
    telegram.users.say(anna, anna, "news")
    assert [update.message and update.message.text for update in await poll] == ["news"]


async def test_aborted_poll_loses_nothing(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    await new_updates(bot)
    _, writer = await asyncio.open_connection("127.0.0.1", int(telegram.url.rpartition(":")[2]))
    body = b"timeout=50"
    head = f"POST /bot{TOKEN}/getUpdates HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await telegram.wait_for(lambda: telegram.core.updates.polled)
    writer.transport.abort()
    telegram.users.say(anna, anna, "still there?")
    assert texts(await new_updates(bot)) == ["still there?"]


async def test_unwanted_kinds_of_updates(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    await bot.get_updates(allowed_updates=["edited_message"])
    message = telegram.users.say(anna, anna, "one")
    telegram.users.edit(anna, message, "two")
    assert texts(await new_updates(bot)) == ["/start", "two"]


async def test_only_one_receiver_at_a_time(telegram: FakeTelegram, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await telegram.wait_for(lambda: telegram.core.updates.polled)
    second = asyncio.create_task(bot.get_updates(timeout=20))
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates request"):
        await first
    await bot.set_webhook("http://127.0.0.1:1/hook")
    with pytest.raises(TelegramConflictError, match="terminated by setWebhook request"):
        await second
    with pytest.raises(TelegramConflictError, match="can't use getUpdates method while webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert await bot.get_updates() == []


@contextlib.asynccontextmanager
async def webhook_site(statuses: list[int]) -> AsyncIterator[tuple[str, list[tuple[int, int, str | None]]]]:
    """A webhook's URL that answers with the statuses, then 200; and the status, update id and secret of each post."""
    posts: list[tuple[int, int, str | None]] = []

    async def accept(request: web.Request) -> web.Response:
        status = statuses.pop(0) if statuses else 200
        secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token")
        posts.append((status, (await request.json())["update_id"], secret))
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/hook", accept)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", posts
    finally:
        await runner.cleanup()


async def test_webhook_repeats_failed_posts_in_order(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    telegram.core.updates.retry = 0.01
    first = telegram.core.updates.last
    async with webhook_site([500, 503, 302]) as (url, posts):
        await bot.set_webhook(url, secret_token="s3cret-_", allowed_updates=["message"])
        telegram.users.say(anna, anna, "a")
        await telegram.wait_for(lambda: not telegram.core.updates.pending)
    attempts = [(500, first), (503, first), (302, first), (200, first), (200, first + 1)]
    assert posts == [(status, update, "s3cret-_") for status, update in attempts]


@pytest.mark.parametrize(
    ("url", "secret", "reason"),
    [
        ("nonsense", "", "invalid webhook URL specified"),
        ("http://example.org/", "", "bad webhook: An HTTPS URL must be provided for webhook"),
        ("http://127.0.0.1:1/", "секрет", "secret token contains unallowed characters"),
    ],
)
async def test_refused_webhook(bot: Bot, url: str, secret: str, reason: str) -> None:
    assert reason in await refusal(bot.set_webhook(url, secret_token=secret or None))


async def test_replies_quotations_and_forwards(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    await new_updates(bot)
    first = telegram.users.say(anna, anna, "🏛 eins zwei drei")
    telegram.users.say(anna, anna, "translate", reply_to=first, quote="zwei")
    telegram.users.forward(anna, anna, "/help", origin=telegram.users.channel_origin("News"))
    with pytest.raises(ValueError, match="only a part"):
        telegram.users.say(anna, anna, "translate", reply_to=first, quote="vier")
    _, (_, reply), (_, forward) = await new_updates(bot)
    assert reply.reply_to_message.text == "🏛 eins zwei drei"
    assert (reply.quote.text, reply.quote.position, reply.quote.is_manual) == ("zwei", 8, True)
    assert (forward.forward_origin.type, forward.forward_origin.chat.title, forward.text) == (
        "channel",
        "News",
        "/help",
    )


async def test_albums_and_media(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    await new_updates(bot)
    telegram.users.send_media(anna, anna, "photo", caption="Look", album="5")
    telegram.users.send_media(anna, anna, "photo", album="5")
    telegram.users.send_media(anna, anna, "voice")
    photos, voice = (updates := await new_updates(bot))[:2], updates[2]
    assert [(photo.content_type, photo.media_group_id, photo.caption) for _, photo in photos] == [
        ("photo", "5", "Look"),
        ("photo", "5", None),
    ]
    assert (voice[1].content_type, voice[1].media_group_id) == ("voice", None)


async def test_long_text_is_cut_by_the_client(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    await new_updates(bot)
    text = "слово " * 2000
    telegram.users.paste(anna, anna, text)
    parts = [message.text for _, message in await new_updates(bot)]
    assert all(2048 <= len(part) <= 4096 for part in parts[:-1])
    assert " ".join(parts).split() == text.split()


async def test_senders_that_are_chats(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    group, channel = telegram.users.group("Reading", [anna]), telegram.users.channel("News")
    telegram.core.privacy = False
    await new_updates(bot)
    telegram.users.say_as_chat(group, "as the group")
    telegram.users.say_as_chat(group, "as a channel", sender=channel)
    telegram.users.say_as_chat(group, "a post", sender=channel, automatic=True)
    admin, other, post = [message for _, message in await new_updates(bot)]
    assert (admin.from_user.username, admin.sender_chat.id) == ("GroupAnonymousBot", group)
    assert (other.from_user.username, other.sender_chat.id) == ("Channel_Bot", channel)
    assert (post.from_user.id, post.is_automatic_forward, post.sender_chat.id) == (777000, True, channel)
