"""People, groups, topics, presses, commands: what a bot may see and do there."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNotFound,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    ReactionTypeEmoji,
    ReplyParameters,
)

from tests.fakes.telegram.server import TOKEN, FakeTelegram
from tests.integration.fakes.telegram.conftest import Refusal


async def news(bot: Bot) -> list[tuple[str, Any]]:
    """Kind and content of every new update, which are confirmed by this."""
    updates = await bot.get_updates()
    if updates:
        await bot.get_updates(offset=updates[-1].update_id + 1)
    return [(update.event_type, update.event) for update in updates]


async def test_tokens_and_methods(telegram: FakeTelegram, bot: Bot) -> None:
    assert (await bot.get_me()).username == "consilium_bot"
    other = Bot("42:other", AiohttpSession(api=TelegramAPIServer.from_base(telegram.url)))
    with pytest.raises(TelegramUnauthorizedError):
        await other.get_me()
    await other.session.close()
    with pytest.raises(TelegramNotFound, match="Not Found"):
        await bot.get_my_star_balance()
    with pytest.raises(TelegramServerError, match="knows nothing of business_connection_id"):
        await bot.send_message(1, "x", business_connection_id="b")
    assert telegram.records.unknown_methods == ["getmystarbalance"]
    async with aiohttp.ClientSession() as client:
        for path in ("/", "/bot42", f"/file/bot{TOKEN}/documents/none", f"/file/bot42:other/{TOKEN}"):
            async with client.get(telegram.url + path) as response:
                assert (response.status, (await response.json())["description"]) == (404, "Not Found")


async def test_who_can_be_written_to(telegram: FakeTelegram, bot: Bot, anna: int, refusal: Refusal) -> None:
    assert "chat not found" in await refusal(bot.send_message(123456, "x"))
    assert "chat_id is empty" in await refusal(bot.send_message("", "x"))
    boris = telegram.users.person("Boris")
    assert "chat not found" in await refusal(bot.send_message(boris, "x"))
    group = telegram.users.group("Group", [anna, boris])
    with pytest.raises(TelegramForbiddenError, match="Forbidden: bot can't initiate conversation with a user"):
        await bot.send_message(boris, "x")
    telegram.users.start(boris)
    assert await bot.send_message(boris, "x")
    telegram.users.block(boris)
    sent = telegram.users.answers(boris)[0].id
    for call in (
        bot.send_message(boris, "x"), bot.send_chat_action(boris, "typing"), bot.send_message_draft(boris, 1, text="x"),
        bot.edit_message_text("y", chat_id=boris, message_id=sent),
    ):  # fmt: skip
        assert (await refusal(call)).endswith("Forbidden: bot was blocked by the user")
    with pytest.raises(ValueError, match="blocked"):
        telegram.users.say(boris, boris, "x")
    with pytest.raises(ValueError, match="in pieces"):
        telegram.users.say(anna, anna, "a" * 4097)
    telegram.users.block(boris, blocked=False)
    assert await bot.send_chat_action(boris, "typing")
    assert "wrong parameter action in request" in await refusal(bot.send_chat_action(boris, "dancing"))
    statuses = [event.new_chat_member.status for kind, event in await news(bot) if kind == "my_chat_member"]
    assert statuses == ["member", "kicked", "member"]
    telegram.users.bot_status(group, "restricted", anna)
    assert "not enough rights to send text messages to the chat" in await refusal(bot.send_message(group, "x"))
    assert (await bot.get_chat_member(group, bot.id)).status == "restricted"
    telegram.users.bot_status(group, "kicked", anna)
    assert "Forbidden: bot was kicked from the supergroup chat" in await refusal(bot.send_message(group, "x"))


async def test_a_group_migrates(telegram: FakeTelegram, bot: Bot, anna: int, refusal: Refusal) -> None:
    old = telegram.users.group("Group", [anna], kind="group")
    sent = await bot.send_message(old, "x")
    new = telegram.users.migrate(old)
    with pytest.raises(TelegramMigrateToChat) as caught:
        await bot.send_message(old, "x")
    assert caught.value.migrate_to_chat_id == new
    edit = bot.edit_message_text("y", chat_id=old, message_id=sent.message_id)
    assert "message can't be edited" in await refusal(edit)
    assert (await bot.send_message(new, "x")).message_id == 2
    moved = [event for kind, event in await news(bot) if kind == "message"][-2:]
    assert [(m.chat.id, m.migrate_to_chat_id, m.migrate_from_chat_id) for m in moved] == [
        (old, new, None),
        (new, None, old),
    ]


async def test_message_ids(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    users = telegram.users
    boris, group = users.person("Boris"), users.group("Group", [anna], kind="group")
    supers = [users.group("Super", [anna]) for _ in range(2)]
    ids = [users.start(boris), users.say(group, anna, "x"), (await bot.send_message(anna, "x")).message_id]
    assert ids == [2, 3, 4]
    assert [users.say(chat, anna, "x") for chat in (*supers, supers[0])] == [1, 1, 2]


async def test_a_bot_under_privacy_sees_what_is_meant_for_it(telegram: FakeTelegram, bot: Bot, anna: int) -> None:
    users, group = telegram.users, telegram.users.group("Group", [anna])
    own = (await bot.send_message(group, "x")).message_id
    users.say(group, anna, "among us")
    users.say(group, anna, "/mode@other_bot sport")
    users.say(group, anna, "/mode@Consilium_bot sport")
    users.say(group, anna, "/mode sport")
    users.mention(group, anna, "hello")
    answer = users.say(group, anna, "and now?", reply_to=own)
    users.edit(group, answer, "and then?")
    users.edit(group, users.say(group, anna, "among us"), "still among us")
    seen = [(kind, event) for kind, event in await news(bot) if "message" in kind][1:]
    texts = ["/mode@Consilium_bot sport", "/mode sport", "@consilium_bot hello", "and now?", "and then?"]
    assert [event.text for _, event in seen] == texts
    assert [kind for kind, _ in seen][-2:] == ["message", "edited_message"]
    assert [entity.type for _, event in seen for entity in event.entities or []] == [
        "bot_command",
        "bot_command",
        "mention",
    ]
    assert seen[-1][1].reply_to_message.message_id == own
    users.bot_status(group, "administrator", anna)
    users.say(group, anna, "to all")
    telegram.core.privacy = False
    users.bot_status(group, "member", anna)
    users.say(group, anna, "to all")
    assert [event.text for kind, event in await news(bot) if kind == "message"] == ["to all", "to all"]
    stranger = users.person("Boris")
    with pytest.raises(ValueError, match="can't write here"):
        users.say(group, stranger, "x")


async def test_topics(telegram: FakeTelegram, bot: Bot, anna: int, refusal: Refusal) -> None:
    forum = telegram.users.group("Forum", [anna], forum=True, username="the_forum")
    topic = telegram.users.topic(forum, anna, "Sport")
    asked = telegram.users.say(forum, anna, "/ask", thread=topic)
    event = (await news(bot))[-1][1]
    assert (event.message_thread_id, event.is_topic_message, event.chat.is_forum) == (topic, True, True)
    assert event.reply_to_message.forum_topic_created.name == "Sport"
    assert "message thread not found" in await refusal(bot.send_message(forum, "x", message_thread_id=topic + 1))
    assert "message thread not found" in await refusal(bot.send_message(anna, "x", message_thread_id=topic))
    sent = await bot.send_message("@The_Forum", "x", message_thread_id=topic)
    assert (sent.message_thread_id, sent.is_topic_message) == (topic, True)
    answered = await bot.send_message(forum, "y", reply_parameters=ReplyParameters(message_id=asked))
    assert answered.message_thread_id == topic
    assert [message.text for message in telegram.users.answers(forum, topic)] == ["x", "y"]
    assert [message.text for message in telegram.users.messages(forum)] == ["/ask", "x", "y"]
    telegram.users.drop_topic(forum, topic)
    assert "message thread not found" in await refusal(bot.send_message(forum, "x", message_thread_id=topic))
    assert telegram.users.messages(forum) == []


async def test_replies_in_a_plain_supergroup_carry_a_thread_that_takes_nothing(
    telegram: FakeTelegram, bot: Bot, anna: int
) -> None:
    group = telegram.users.group("Group", [anna])
    root = (await bot.send_message(group, "x")).message_id
    telegram.users.say(group, anna, "why?", reply_to=root)
    event = (await news(bot))[-1][1]
    assert (event.message_thread_id, event.is_topic_message) == (root, None)
    assert (await bot.send_message(group, "so", message_thread_id=root)).message_thread_id is None


async def test_presses(telegram: FakeTelegram, bot: Bot, anna: int, refusal: Refusal) -> None:
    users = telegram.users
    buttons = [[InlineKeyboardButton(text="Спорт", callback_data="mode:sport")]]
    sent = await bot.send_message(anna, "Which?", reply_markup=InlineKeyboardMarkup(inline_keyboard=buttons))
    query = users.press(anna, anna, "Спорт")
    event = (await news(bot))[-1][1]
    assert (event.id, event.data, event.message.message_id) == (query, "mode:sport", sent.message_id)
    assert "MESSAGE_TOO_LONG" in await refusal(bot.answer_callback_query(query, "a" * 201))
    assert users.answered(query) is None
    assert await bot.answer_callback_query(query, "Done", show_alert=True)
    assert users.answered(query) == {"text": "Done", "show_alert": True}
    old = "query is too old and response timeout expired or query ID is invalid"
    assert old in await refusal(bot.answer_callback_query(query))
    late = users.press(anna, anna, "mode:sport", sent.message_id)
    users.expire(late)
    assert old in await refusal(bot.answer_callback_query(late))
    assert old in await refusal(bot.answer_callback_query("77"))
    with pytest.raises(ValueError, match="no button"):
        users.press(anna, anna, "Physics")


async def test_chats_and_members(telegram: FakeTelegram, bot: Bot, anna: int, refusal: Refusal) -> None:
    boris = telegram.users.person("Boris")
    group = telegram.users.group("Group", [anna])
    telegram.users.bot_status(group, "administrator", anna)
    assert (await bot.get_chat(group)).title == "Group"
    assert (await bot.get_chat(anna)).first_name == "Anna"
    statuses = [(await bot.get_chat_member(group, user)).status for user in (anna, boris, bot.id)]
    telegram.users.join(group, boris)
    statuses.append((await bot.get_chat_member(group, boris)).status)
    assert statuses == ["creator", "left", "administrator", "member"]
    assert "user not found" in await refusal(bot.get_chat_member(group, 5))
    assert "invalid user_id specified" in await refusal(bot.get_chat_member(group, 0))
    telegram.users.bot_status(group, "left", anna)
    assert "bot is not a member of the supergroup chat" in await refusal(bot.get_chat(group))


async def test_reactions(telegram: FakeTelegram, bot: Bot, anna: int, refusal: Refusal) -> None:
    hers = telegram.users.say(anna, anna, "thanks")
    eyes, like, odd = (ReactionTypeEmoji(emoji=emoji) for emoji in "👀👍🥦")
    await bot.set_message_reaction(anna, hers, reaction=[eyes])
    assert telegram.users.messages(anna)[-1].reaction == ["👀"]
    assert "REACTION_INVALID" in await refusal(bot.set_message_reaction(anna, hers, reaction=[odd]))
    assert "REACTIONS_TOO_MANY" in await refusal(bot.set_message_reaction(anna, hers, reaction=[eyes, like]))
    assert "message to react not found" in await refusal(bot.set_message_reaction(anna, 999, reaction=[eyes]))
    await bot.set_message_reaction(anna, hers)
    assert telegram.users.messages(anna)[-1].reaction == []


async def test_commands_by_scope_and_language(telegram: FakeTelegram, bot: Bot, anna: int, refusal: Refusal) -> None:
    mode = [BotCommand(command="mode", description="Choose how to think")]
    group, chat = BotCommandScopeAllGroupChats(), BotCommandScopeChat(chat_id=anna)
    await bot.set_my_commands(mode)
    await bot.set_my_commands(mode * 2, scope=group, language_code="ru")
    await bot.set_my_commands(mode * 3, scope=chat)
    counts = [
        len(await bot.get_my_commands(scope=s, language_code=x)) for s in (None, group, chat) for x in (None, "ru")
    ]
    assert counts == [1, 0, 0, 2, 3, 0]
    await bot.delete_my_commands()
    assert await bot.get_my_commands() == []
    for command, description, why in (
        ("Mode", "x", "BOT_COMMAND_INVALID"),
        ("режим", "x", "BOT_COMMAND_INVALID"),
        ("a" * 33, "x", "command length must not exceed 32"),
        ("/", "x", "command must be non-empty"),
        ("mode", " ", "command description must be non-empty"),
        ("mode", "x" * 257, "command description length must not exceed 256"),
    ):
        wrong = [BotCommand(command=command, description=description)]
        assert (await refusal(bot.set_my_commands(wrong))).endswith(f"Bad Request: {why}")
    assert "BOT_COMMANDS_TOO_MUCH" in await refusal(bot.set_my_commands(mode * 101))
    assert "invalid language code" in await refusal(bot.set_my_commands(mode, language_code="rus"))
    assert "chat not found" in await refusal(bot.set_my_commands(mode, scope=BotCommandScopeChat(chat_id=5)))


async def test_name_and_descriptions(bot: Bot, refusal: Refusal) -> None:
    await bot.set_my_description("All of it", language_code="en")
    await bot.set_my_description("Всё")
    await bot.set_my_short_description("In short")
    assert (await bot.get_my_description(language_code="en")).description == "All of it"
    assert (await bot.get_my_description(language_code="de")).description == "Всё"
    assert (await bot.get_my_short_description()).short_description == "In short"
    assert (await bot.get_my_name()).name == "Consilium"
    assert "DESCRIPTION_TOO_LONG" in await refusal(bot.set_my_description("a" * 513))
    assert "NAME_TOO_LONG" in await refusal(bot.set_my_name("a" * 65))
