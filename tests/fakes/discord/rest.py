"""The REST routes that our bot uses, apart from how requests are limited and disturbed."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes.discord.errors import refusal
from tests.fakes.discord.messages import File, Message
from tests.fakes.discord.validation import FILE_LIMIT, check_message, is_empty
from tests.fakes.discord.world import DM, PUBLIC_THREAD, Channel

if TYPE_CHECKING:
    from tests.fakes.discord.server import DiscordFake


@dataclass
class Call:
    """A request that has been read: parts of its path, its query, its body and its files."""

    path: dict[str, str]
    query: dict[str, str]
    body: Any = None
    files: list[File] = field(default_factory=list)

    def id(self, name: str) -> int:
        """A part of the path that is an id."""
        return int(self.path[name])


Answer = tuple[int, Any]
"""Status, and what to send as JSON; None for an empty body."""
Handler = Callable[["DiscordFake", Call], Awaitable[Answer]]


async def read_call(request: web.Request, fake: DiscordFake) -> Call:
    """Read a request, JSON or multipart.

    Raises:
        ApiError: it is too large, or has too many files.
    """
    call = Call(dict(request.match_info), dict(request.query))
    try:
        if request.content_type == "multipart/form-data":
            await _read_multipart(request, call, fake)
        elif raw := await request.read():
            call.body = json.loads(raw)
    except web.HTTPRequestEntityTooLarge:
        raise refusal(40005) from None
    return call


async def _read_multipart(request: web.Request, call: Call, fake: DiscordFake) -> None:
    parts = await request.post()
    call.body = json.loads(str(parts["payload_json"]))
    described = {str(attachment["id"]): attachment for attachment in call.body["attachments"]}
    new: set[str] = set()
    for name, part in parts.items():
        matched = re.fullmatch(r"files\[(\d+)\]", name)
        if matched is None or not isinstance(part, web.FileField):
            continue
        data = part.file.read()
        if len(data) > FILE_LIMIT:
            raise refusal(40005)
        new.add(matched[1])
        filename = described[matched[1]]["filename"]
        call.files.append(File(id=fake.clock.snowflake(), filename=filename, data=data, content_type=part.content_type))
    if len(new) > 10:
        raise refusal(30015)
    call.body["attachments"] = [a for a in call.body["attachments"] if str(a["id"]) not in new]


# The bot itself.


async def current_user(fake: DiscordFake, call: Call) -> Answer:
    """Who the bot is."""
    return 200, {**fake.world.bot.json(), "verified": True, "mfa_enabled": False, "locale": "en-US", "flags": 0}


async def current_application(fake: DiscordFake, call: Call) -> Answer:
    """The bot's application."""
    owner = {**fake.world.bot.json(), "id": "1", "username": "owner", "bot": False}
    return 200, {
        "id": str(fake.application_id), "name": fake.world.bot.name, "description": "", "icon": None, "owner": owner,
        "bot_public": True, "bot_require_code_grant": False, "verify_key": "", "flags": fake.application_flags,
    }  # fmt: skip


async def gateway_info(fake: DiscordFake, call: Call) -> Answer:
    """Where the gateway is, and how many shards to open."""
    limit = {"total": 1000, "remaining": 999, "reset_after": 14_400_000, "max_concurrency": 1}
    return 200, {"url": fake.gateway_url, "shards": fake.shards, "session_start_limit": limit}


async def overwrite_commands(fake: DiscordFake, call: Call) -> Answer:
    """Register all commands, everywhere or in a guild."""
    if call.id("application") != fake.application_id:
        raise refusal(20012)
    guild_id = call.id("guild") if "guild" in call.path else None
    if guild_id is not None and guild_id not in fake.world.guilds:
        raise refusal(50001)
    return 200, fake.commands.overwrite(guild_id, call.body)


# Messages in channels.


def _message_json(fake: DiscordFake, message: Message) -> dict[str, object]:
    return fake.messages.json(message, with_content="message_content" in fake.portal_intents)


def _own_message(fake: DiscordFake, call: Call, channel: Channel) -> Message:
    message = fake.messages.find(call.id("message"), channel)
    if message.author != fake.world.bot.id:
        raise refusal(50005)
    return message


def _check_may_send(fake: DiscordFake, channel: Channel, call: Call) -> None:
    if channel.kind == DM:
        return
    world, bot = fake.world, fake.world.bot.id
    needed = ["send_messages_in_threads" if channel.kind == PUBLIC_THREAD else "send_messages"]
    needed += ["attach_files"] if call.files else []
    if not world.may(bot, channel, *needed):
        raise refusal(50013)
    if call.body.get("message_reference") and not world.may(bot, channel, "read_message_history"):
        raise refusal(160002)


async def create_message(fake: DiscordFake, call: Call) -> Answer:
    """A new message, or the earlier one with the same nonce."""
    channel = fake.world.channel_for_bot(call.id("channel"))
    check_message(call.body)
    if is_empty(call.body, len(call.files)):
        raise refusal(50006)
    _check_may_send(fake, channel, call)
    message = fake.messages.with_same_nonce(fake.world.bot.id, call.body)
    if message is None:
        message = fake.messages.create(channel, fake.world.bot.id, call.body, call.files)
    return 200, _message_json(fake, message)


async def edit_message(fake: DiscordFake, call: Call) -> Answer:
    """Edit a message of the bot."""
    channel = fake.world.channel_for_bot(call.id("channel"))
    message = _own_message(fake, call, channel)
    if channel.archived:
        raise refusal(50083)
    check_message(call.body)
    return 200, _message_json(fake, fake.messages.edit(message, call.body, call.files))


async def delete_message(fake: DiscordFake, call: Call) -> Answer:
    """Delete a message of the bot."""
    fake.messages.delete(_own_message(fake, call, fake.world.channel_for_bot(call.id("channel"))))
    return 204, None


async def read_message(fake: DiscordFake, call: Call) -> Answer:
    """One message."""
    channel = fake.world.channel_for_bot(call.id("channel"), "read_message_history")
    return 200, _message_json(fake, fake.messages.find(call.id("message"), channel))


async def read_history(fake: DiscordFake, call: Call) -> Answer:
    """The first messages of a channel after one of them, newest first."""
    channel = fake.world.channel_for_bot(call.id("channel"), "read_message_history")
    after, limit = int(call.query.get("after", 0)), int(call.query.get("limit", 50))
    messages = [m for m in fake.messages.in_channel(channel) if m.id > after and m.visible_to is None]
    return 200, [_message_json(fake, message) for message in reversed(messages[:limit])]


async def read_member(fake: DiscordFake, call: Call) -> Answer:
    """One member of a guild."""
    guild = fake.world.guilds.get(call.id("guild"))
    if guild is None:
        raise refusal(10004)
    if call.id("user") not in guild.members:
        raise refusal(10007)
    return 200, guild.members[call.id("user")].json()


# Interactions.


async def respond(fake: DiscordFake, call: Call) -> Answer:
    """The first response to an interaction."""
    response = fake.interactions.respond(call.id("interaction"), call.path["token"], call.body)
    return (200, response) if call.query.get("with_response") == "true" else (204, None)


async def follow_up(fake: DiscordFake, call: Call) -> Answer:
    """One more message in answer to an interaction."""
    interaction = fake.interactions.by_token(call.id("application"), call.path["token"])
    check_message(call.body)
    message = fake.interactions.follow_up(interaction, call.body, call.files)
    return 200, fake.messages.json(message, with_content=True)


def _answer_message(fake: DiscordFake, call: Call) -> Message:
    interaction = fake.interactions.by_token(call.id("application"), call.path["token"])
    return fake.interactions.find_message(interaction, call.path["message"])


async def read_answer(fake: DiscordFake, call: Call) -> Answer:
    """A message sent in answer to an interaction."""
    return 200, fake.messages.json(_answer_message(fake, call), with_content=True)


async def edit_answer(fake: DiscordFake, call: Call) -> Answer:
    """Edit a message sent in answer to an interaction."""
    message = _answer_message(fake, call)
    check_message(call.body)
    return 200, fake.messages.json(fake.messages.edit(message, call.body, call.files), with_content=True)


async def delete_answer(fake: DiscordFake, call: Call) -> Answer:
    """Delete a message sent in answer to an interaction."""
    fake.messages.delete(_answer_message(fake, call))
    return 204, None


ROUTES: dict[str, Handler] = {
    "GET /users/@me": current_user,
    "GET /oauth2/applications/@me": current_application,
    "GET /gateway/bot": gateway_info,
    "PUT /applications/{application}/commands": overwrite_commands,
    "PUT /applications/{application}/guilds/{guild}/commands": overwrite_commands,
    "GET /guilds/{guild}/members/{user}": read_member,
    "GET /channels/{channel}/messages": read_history,
    "POST /channels/{channel}/messages": create_message,
    "GET /channels/{channel}/messages/{message}": read_message,
    "PATCH /channels/{channel}/messages/{message}": edit_message,
    "DELETE /channels/{channel}/messages/{message}": delete_message,
    "POST /interactions/{interaction}/{token}/callback": respond,
    "POST /webhooks/{application}/{token}": follow_up,
    "GET /webhooks/{application}/{token}/messages/{message}": read_answer,
    "PATCH /webhooks/{application}/{token}/messages/{message}": edit_answer,
    "DELETE /webhooks/{application}/{token}/messages/{message}": delete_answer,
}
