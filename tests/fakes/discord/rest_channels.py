"""Routes of the bot itself, its guilds, channels, threads and direct conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.discord.bodies import HAS_THREAD
from tests.fakes.discord.calls import NO_CONTENT, Answer, Call
from tests.fakes.discord.errors import Form, refusal
from tests.fakes.discord.messages import THREAD_CREATED
from tests.fakes.discord.state import DM, PRIVATE_THREAD, PUBLIC_THREAD, THREADS, Channel, Guild

if TYPE_CHECKING:
    from tests.fakes.discord.server import DiscordFake

ARCHIVE_AFTER = (60, 1440, 4320, 10080)


async def me(fake: DiscordFake, call: Call) -> Answer:
    """Who the bot is."""
    return 200, {**fake.world.bot.json(), "verified": True, "mfa_enabled": False, "locale": "en-US", "flags": 0}


async def application(fake: DiscordFake, call: Call) -> Answer:
    """The bot's application."""
    owner = {**fake.world.bot.json(), "id": "1", "username": "owner", "bot": False}
    return 200, {
        "id": str(fake.application_id), "name": fake.world.bot.name, "description": "", "icon": None, "owner": owner,
        "bot_public": True, "bot_require_code_grant": False, "verify_key": "", "flags": fake.application_flags,
    }  # fmt: skip


async def gateway_bot(fake: DiscordFake, call: Call) -> Answer:
    """Where the gateway is, and how many shards to open."""
    limit = {"total": 1000, "remaining": 999, "reset_after": 14_400_000, "max_concurrency": fake.max_concurrency}
    return 200, {"url": fake.gateway_url, "shards": fake.shards, "session_start_limit": limit}


async def user(fake: DiscordFake, call: Call) -> Answer:
    """Any user."""
    found = fake.world.users.get(call.id("user"))
    if found is None:
        raise refusal(10013)
    return 200, found.json()


def _guild(fake: DiscordFake, call: Call) -> Guild:
    guild = fake.world.guilds.get(call.id("guild"))
    if guild is None or fake.world.bot.id not in guild.members:
        raise refusal(10004)
    return guild


async def guild(fake: DiscordFake, call: Call) -> Answer:
    """A guild the bot is in."""
    return 200, fake.world.guild_json(_guild(fake, call))


async def guild_channels(fake: DiscordFake, call: Call) -> Answer:
    """The channels of a guild."""
    return 200, fake.world.guild_json(_guild(fake, call))["channels"]


async def member(fake: DiscordFake, call: Call) -> Answer:
    """A member of a guild."""
    found = _guild(fake, call).members.get(call.id("user"))
    if found is None:
        raise refusal(10007)
    return 200, found.json()


async def open_direct(fake: DiscordFake, call: Call) -> Answer:
    """The direct conversation with a user, made when there is none."""
    recipient = str(call.form().get("recipient_id") or "")
    if not recipient.isdigit() or int(recipient) not in fake.world.users or int(recipient) == fake.world.bot.id:
        raise refusal(50033)
    return 200, fake.world.channel_json(fake.world.direct(fake.world.bot.id, int(recipient)))


async def channel(fake: DiscordFake, call: Call) -> Answer:
    """A channel the bot sees."""
    return 200, fake.world.channel_json(fake.world.channel_for_bot(call.id("channel")))


async def change_channel(fake: DiscordFake, call: Call) -> Answer:
    """Renames, archives, locks; a thread by its owner or who manages threads."""
    found, body = fake.world.channel_for_bot(call.id("channel")), call.form()
    if found.kind == DM:
        raise refusal(50003)
    own = found.kind in THREADS and found.owner_id == fake.world.bot.id and not body.get("locked")
    needed = "manage_threads" if found.kind in THREADS else "manage_channels"
    if not own and not fake.world.may(fake.world.bot.id, found, needed):
        raise refusal(50013)
    if found.archived and set(body) - {"archived", "locked"}:
        raise refusal(50083)
    form = Form()
    form.text(body.get("name"), ("name",), 1, 100)
    form.check()
    found.name = body.get("name") or found.name
    found.archived, found.locked = body.get("archived", found.archived), body.get("locked", found.locked)
    data = fake.world.channel_json(found)
    fake.gateway.tell("THREAD_UPDATE" if found.kind in THREADS else "CHANNEL_UPDATE", data, found.guild)
    return 200, data


async def typing(fake: DiscordFake, call: Call) -> Answer:
    """The bot is writing."""
    found = fake.world.channel_for_bot(call.id("channel"), "send_messages")
    fake.journal.add("typing", channel=str(found.id), user=str(fake.world.bot.id))
    tell_typing(fake, found, fake.world.bot.id)
    return NO_CONTENT


def tell_typing(fake: DiscordFake, place: Channel, who: int) -> None:
    """Somebody is writing."""
    data: dict[str, Any] = {"channel_id": str(place.id), "user_id": str(who), "timestamp": int(fake.clock.now())}
    if place.guild:
        data |= {"guild_id": str(place.guild.id), "member": place.guild.members[who].json()}
    fake.gateway.tell("TYPING_START", data, place.guild, place)


def open_thread(fake: DiscordFake, parent: Channel, owner: int, name: str, kind: int, **what: Any) -> Channel:
    """A new thread, told to whom it concerns."""
    thread = fake.world.add_channel(kind, name=name, guild=parent.guild, parent=parent, owner_id=owner, people=[owner])
    for key, value in what.items():
        setattr(thread, key, value)
    if "id" in what:
        fake.world.channels = {c.id: c for c in fake.world.channels.values()}
    data = {**fake.world.channel_json(thread), "newly_created": True}
    fake.gateway.tell("THREAD_CREATE", data, parent.guild, thread)
    return thread


def _check_thread(fake: DiscordFake, call: Call, kinds: tuple[int, ...]) -> tuple[Channel, dict[str, Any]]:
    parent, body = fake.world.channel_for_bot(call.id("channel")), call.form()
    if parent.kind == DM or parent.kind in THREADS:
        raise refusal(50024)
    form = Form()
    form.text(body.get("name"), ("name",), 1, 100, needed=True)
    if body.get("auto_archive_duration") is not None:
        form.one_of(body["auto_archive_duration"], ("auto_archive_duration",), ARCHIVE_AFTER)
    if "type" in body:
        form.one_of(body["type"], ("type",), kinds)
    form.check()
    private = body.get("type", kinds[0]) == PRIVATE_THREAD
    if not fake.world.may(fake.world.bot.id, parent, f"create_{'private' if private else 'public'}_threads"):
        raise refusal(50013)
    return parent, body


async def start_thread(fake: DiscordFake, call: Call) -> Answer:
    """A thread of its own; private unless said otherwise."""
    parent, body = _check_thread(fake, call, (PRIVATE_THREAD, PUBLIC_THREAD))
    kind, after = body.get("type", PRIVATE_THREAD), body.get("auto_archive_duration") or 1440
    thread = open_thread(fake, parent, fake.world.bot.id, body["name"], kind, auto_archive=after)
    if kind == PUBLIC_THREAD:
        fake.messages.create(parent, fake.world.bot.id, {"content": body["name"]}, kind=THREAD_CREATED)
    return 201, fake.world.channel_json(thread)


async def start_thread_at(fake: DiscordFake, call: Call) -> Answer:
    """A thread that hangs on a message, whose id it has."""
    parent, body = _check_thread(fake, call, (PUBLIC_THREAD,))
    message = fake.messages.find(call.id("message"), parent)
    if message.flags & HAS_THREAD:
        raise refusal(160004)
    after = body.get("auto_archive_duration") or 1440
    who = fake.world.bot.id
    thread = open_thread(fake, parent, who, body["name"], PUBLIC_THREAD, id=message.id, auto_archive=after)
    message.flags |= HAS_THREAD
    fake.messages.changed(message)
    return 201, fake.world.channel_json(thread)


async def join_thread(fake: DiscordFake, call: Call) -> Answer:
    """The bot enters a thread."""
    found = fake.world.channel_for_bot(call.id("channel"))
    if found.kind not in THREADS:
        raise refusal(50024)
    if found.archived:
        raise refusal(50083)
    if fake.world.bot.id not in found.people:
        found.people.append(fake.world.bot.id)
    return NO_CONTENT


ROUTES = {
    "GET /users/@me": me,
    "GET /oauth2/applications/@me": application,
    "GET /gateway/bot": gateway_bot,
    "GET /users/{user}": user,
    "GET /guilds/{guild}": guild,
    "GET /guilds/{guild}/channels": guild_channels,
    "GET /guilds/{guild}/members/{user}": member,
    "POST /users/@me/channels": open_direct,
    "GET /channels/{channel}": channel,
    "PATCH /channels/{channel}": change_channel,
    "POST /channels/{channel}/typing": typing,
    "POST /channels/{channel}/threads": start_thread,
    "POST /channels/{channel}/messages/{message}/threads": start_thread_at,
    "PUT /channels/{channel}/thread-members/@me": join_thread,
}
