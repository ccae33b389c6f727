"""Routes of messages and reactions in channels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.fakes.discord import bodies
from tests.fakes.discord.calls import NO_CONTENT, Answer, Call
from tests.fakes.discord.clock import made_at
from tests.fakes.discord.errors import Form, refusal, too_soon
from tests.fakes.discord.messages import Message
from tests.fakes.discord.state import CATEGORY, DM, THREADS, Channel

if TYPE_CHECKING:
    from tests.fakes.discord.server import DiscordFake

OLD_AFTER = 3600.0
PATIENT = ("manage_messages", "manage_channels")
"""Who may do one of these does not have to wait in a slow channel."""


def _readable(fake: DiscordFake, message: Message) -> dict[str, object]:
    return fake.messages.json(message, with_content="message_content" in fake.portal_intents)


def _check_may_send(fake: DiscordFake, channel: Channel, call: Call) -> None:
    world, bot, body = fake.world, fake.world.bot.id, call.form()
    if channel.kind == CATEGORY:
        raise refusal(50008)
    if channel.kind == DM:
        other = next(u for u in channel.people if u != bot)
        if world.users[other].bot or not world.users[other].accepts_dms:
            raise refusal(50007)
        if not any(bot in g.members and other in g.members for g in world.guilds.values()):
            raise refusal(50278)
        return
    if channel.locked and not world.may(bot, channel, "manage_threads"):
        raise refusal(160005)
    needed = ["send_messages_in_threads" if channel.kind in THREADS else "send_messages"]
    needed += ["embed_links"] if body.get("embeds") else []
    needed += ["attach_files"] if call.files else []
    if not world.may(bot, channel, *needed):
        raise refusal(50013)
    if body.get("message_reference") and not world.may(bot, channel, "read_message_history"):
        raise refusal(160002)
    if channel.slowmode and not any(world.may(bot, channel, right) for right in PATIENT):
        last = max((m.created for m in fake.messages.there(channel) if m.author == bot), default=-math.inf)
        if (left := last + channel.slowmode - fake.clock.now()) > 0:
            raise too_soon(20016, "This action cannot be performed due to slowmode rate limit.", left)


async def create(fake: DiscordFake, call: Call) -> Answer:
    """A new message, or the one there is with the same nonce."""
    channel, body = fake.world.channel_for_bot(call.id("channel")), call.form()
    bodies.check_body(body)
    if bodies.is_empty(body, len(call.files)):
        raise refusal(50006)
    _check_may_send(fake, channel, call)
    message = fake.messages.twin(fake.world.bot.id, body)
    if message is None:
        message = fake.messages.create(channel, fake.world.bot.id, body, call.files)
    return 200, _readable(fake, message)


async def edit(fake: DiscordFake, call: Call) -> Answer:
    """Changes a message of the bot's own."""
    channel, body = fake.world.channel_for_bot(call.id("channel")), call.form()
    message = fake.messages.find(call.id("message"), channel)
    if message.author != fake.world.bot.id:
        raise refusal(50005)
    if channel.archived:
        raise refusal(50083)
    bodies.check_body({**body, "flags": body.get("flags") or message.flags & bodies.IS_COMPONENTS_V2})
    if fake.messages.would_be_empty(message, body, len(call.files)):
        raise refusal(50006)
    if fake.clock.now() - made_at(message.id) > OLD_AFTER and (wait := fake.limits.admit_old_edit(channel.id)):
        text = "Maximum number of edits to messages older than 1 hour reached. Try again later"
        raise too_soon(30046, text, wait)
    return 200, _readable(fake, fake.messages.edit(message, body, call.files))


async def delete(fake: DiscordFake, call: Call) -> Answer:
    """Takes a message away."""
    channel = fake.world.channel_for_bot(call.id("channel"))
    message = fake.messages.find(call.id("message"), channel)
    if message.author != fake.world.bot.id:
        if channel.kind == DM:
            raise refusal(50003)
        if not fake.world.may(fake.world.bot.id, channel, "manage_messages"):
            raise refusal(50013)
    fake.messages.delete(message)
    return NO_CONTENT


async def read(fake: DiscordFake, call: Call) -> Answer:
    """One message."""
    channel = fake.world.channel_for_bot(call.id("channel"), "read_message_history")
    return 200, _readable(fake, fake.messages.find(call.id("message"), channel))


async def history(fake: DiscordFake, call: Call) -> Answer:
    """Messages of a channel, newest first; none where the bot may not read what was before."""
    channel = fake.world.channel_for_bot(call.id("channel"))
    limit, form = call.query.get("limit", "50"), Form()
    form.number(int(limit) if limit.isdigit() else limit, ("limit",), 1, 100)
    form.check()
    if not fake.world.may(fake.world.bot.id, channel, "read_message_history"):
        return 200, []
    there = [m for m in fake.messages.there(channel) if m.seen_only_by is None]
    there.sort(key=lambda m: m.id)
    if "around" in call.query:
        middle = sum(m.id < int(call.query["around"]) for m in there)
        return 200, [_readable(fake, m) for m in there[max(0, middle - int(limit) // 2) :][: int(limit)][::-1]]
    there = [m for m in there if m.id < int(call.query.get("before", 1 << 63))]
    if "after" in call.query:
        there = [m for m in there if m.id > int(call.query["after"])][: int(limit)]
    return 200, [_readable(fake, m) for m in there[-int(limit) :][::-1]]


def _reacting(fake: DiscordFake, call: Call, *rights: str) -> tuple[Message, str]:
    channel = fake.world.channel_for_bot(call.id("channel"), *rights)
    emoji = unquote(call.path["emoji"])
    if emoji.isascii():
        raise refusal(10014)
    return fake.messages.find(call.id("message"), channel), emoji


def react(fake: DiscordFake, message: Message, emoji: str, user: int, *, take_away: bool = False) -> None:
    """Adds or removes a reaction, and tells of it."""
    users = message.reactions.setdefault(emoji, [])
    if (user in users) is not take_away:
        return
    (users.remove if take_away else users.append)(user)
    if not users:
        del message.reactions[emoji]
    guild = message.channel.guild
    data = {
        "user_id": str(user), "channel_id": str(message.channel.id), "message_id": str(message.id), "burst": False,
        "emoji": {"id": None, "name": emoji}, "type": 0, "message_author_id": str(message.author),
        **({"guild_id": str(guild.id)} if guild else {}),
    }  # fmt: skip
    event = "MESSAGE_REACTION_REMOVE" if take_away else "MESSAGE_REACTION_ADD"
    fake.gateway.tell(event, data, guild, message.channel)


async def add_reaction(fake: DiscordFake, call: Call) -> Answer:
    """The bot reacts to a message."""
    message, emoji = _reacting(fake, call, "read_message_history")
    if emoji not in message.reactions:
        if not fake.world.may(fake.world.bot.id, message.channel, "add_reactions"):
            raise refusal(50013)
        if len(message.reactions) >= 20:
            raise refusal(30010)
    react(fake, message, emoji, fake.world.bot.id)
    return NO_CONTENT


async def remove_reaction(fake: DiscordFake, call: Call) -> Answer:
    """The bot takes its reaction back."""
    message, emoji = _reacting(fake, call)
    react(fake, message, emoji, fake.world.bot.id, take_away=True)
    return NO_CONTENT


ROUTES = {
    "POST /channels/{channel}/messages": create,
    "GET /channels/{channel}/messages": history,
    "GET /channels/{channel}/messages/{message}": read,
    "PATCH /channels/{channel}/messages/{message}": edit,
    "DELETE /channels/{channel}/messages/{message}": delete,
    "PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me": add_reaction,
    "DELETE /channels/{channel}/messages/{message}/reactions/{emoji}/@me": remove_reaction,
}
