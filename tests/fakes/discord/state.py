"""Who and what there is: users, guilds, roles, members, channels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.discord.clock import Clock
from tests.fakes.discord.errors import refusal
from tests.fakes.discord.permissions import ALL, BITS, USUAL, mask, resolve

TEXT, DM, VOICE, CATEGORY, PUBLIC_THREAD, PRIVATE_THREAD = 0, 1, 2, 4, 11, 12
THREADS = (PUBLIC_THREAD, PRIVATE_THREAD)


@dataclass
class User:
    """An account. `accepts_dms` is what its privacy settings say of bots."""

    id: int
    name: str
    bot: bool = False
    locale: str = "en-US"
    accepts_dms: bool = True

    def json(self) -> dict[str, Any]:
        """As Discord writes a user."""
        return {
            "id": str(self.id), "username": self.name, "discriminator": "0", "global_name": None, "avatar": None,
            "bot": self.bot, "public_flags": 0,
        }  # fmt: skip


@dataclass
class Member:
    """A user in a guild."""

    user: User
    joined_at: str
    roles: list[int] = field(default_factory=list)

    def json(self, *, with_user: bool = True) -> dict[str, Any]:
        """As Discord writes a member."""
        body = {
            "roles": [str(r) for r in self.roles], "joined_at": self.joined_at, "nick": None, "avatar": None,
            "deaf": False, "mute": False, "flags": 0, "pending": False, "premium_since": None,
        }  # fmt: skip
        return {**body, "user": self.user.json()} if with_user else body


@dataclass
class Role:
    """A role of a guild; the one with the guild's own id is everyone's."""

    id: int
    name: str
    permissions: int
    position: int = 0

    def json(self) -> dict[str, Any]:
        """As Discord writes a role."""
        return {
            "id": str(self.id), "name": self.name, "permissions": str(self.permissions), "position": self.position,
            "hoist": False, "managed": False, "mentionable": True, "flags": 0, "icon": None, "unicode_emoji": None,
            "color": 0, "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        }  # fmt: skip


@dataclass
class Channel:
    """A text channel, thread, category or direct conversation."""

    id: int
    kind: int
    name: str = ""
    guild: Guild | None = None
    parent: Channel | None = None
    overwrites: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Allowed and denied, by role or member."""
    people: list[int] = field(default_factory=list)
    """Of a direct conversation or a thread: who is in it."""
    owner_id: int | None = None
    slowmode: int = 0
    archived: bool = False
    locked: bool = False
    auto_archive: int = 1440
    created_at: str = ""
    last_message_id: int | None = None
    messages: int = 0

    def json(self, bot: User, users: dict[int, User]) -> dict[str, Any]:
        """As Discord writes a channel to the bot."""
        body: dict[str, Any] = {"id": str(self.id), "type": self.kind, "flags": 0}
        body["last_message_id"] = str(self.last_message_id) if self.last_message_id else None
        if self.kind == DM:
            return {**body, "recipients": [users[u].json() for u in self.people if u != bot.id]}
        assert self.guild is not None
        body |= {"guild_id": str(self.guild.id), "name": self.name, "rate_limit_per_user": self.slowmode}
        body["parent_id"] = str(self.parent.id) if self.parent else None
        if self.kind in THREADS:
            metadata = {
                "archived": self.archived, "locked": self.locked, "auto_archive_duration": self.auto_archive,
                "archive_timestamp": self.created_at, "create_timestamp": self.created_at, "invitable": True,
            }  # fmt: skip
            counts = {"message_count": self.messages, "total_message_sent": self.messages}
            member = {"id": str(self.id), "user_id": str(bot.id), "join_timestamp": self.created_at, "flags": 0}
            return {
                **body, **counts, "owner_id": str(self.owner_id), "member_count": len(self.people),
                "thread_metadata": metadata, **({"member": member} if bot.id in self.people else {}),
            }  # fmt: skip
        return {
            **body, "position": 0, "nsfw": False, "topic": None,
            "permission_overwrites": [
                {"id": str(who), "type": int(who not in self.guild.roles), "allow": str(allow), "deny": str(deny)}
                for who, (allow, deny) in self.overwrites.items()
            ],
        }  # fmt: skip


@dataclass
class Guild:
    """A server with its roles and members."""

    id: int
    name: str
    owner_id: int
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)


class World:
    """All of it, and who may do what where."""

    def __init__(self, clock: Clock, bot_name: str) -> None:
        self.clock = clock
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.bot = self.add_user(bot_name, bot=True)

    def add_user(self, name: str, *, bot: bool = False, locale: str = "en-US") -> User:
        """A new account."""
        user = User(self.clock.snowflake(), name, bot, locale)
        self.users[user.id] = user
        return user

    def add_guild(self, name: str, owner: User) -> Guild:
        """A new guild of this owner."""
        guild = Guild(self.clock.spread_snowflake(), name, owner.id)
        guild.roles[guild.id] = Role(guild.id, "@everyone", USUAL)
        self.guilds[guild.id] = guild
        self.add_member(guild, owner)
        return guild

    def add_member(self, guild: Guild, user: User) -> Member:
        """A user comes into a guild."""
        guild.members[user.id] = member = Member(user, self.clock.iso())
        return member

    def add_channel(self, kind: int, **what: Any) -> Channel:
        """A new channel."""
        channel = Channel(self.clock.snowflake(), kind, created_at=self.clock.iso(), **what)
        self.channels[channel.id] = channel
        return channel

    def direct(self, one: int, other: int) -> Channel:
        """The direct conversation of two, made when there is none."""
        for channel in self.channels.values():
            if channel.kind == DM and set(channel.people) == {one, other}:
                return channel
        return self.add_channel(DM, people=[one, other])

    def permissions(self, user_id: int, channel: Channel) -> int:
        """What a user may do in a channel; nothing where he is not."""
        if channel.kind == DM:
            return USUAL if user_id in channel.people else 0
        guild = channel.guild
        if guild is None or (member := guild.members.get(user_id)) is None:
            return 0
        if guild.owner_id == user_id:
            return ALL
        if channel.kind == PRIVATE_THREAD and user_id not in channel.people:
            return 0
        base = guild.roles[guild.id].permissions
        for role in member.roles:
            base |= guild.roles[role].permissions
        rules = channel.parent.overwrites if channel.kind in THREADS and channel.parent else channel.overwrites
        of_roles = [rules[r] for r in member.roles if r in rules]
        allowed = sum(bit for bit in BITS.values() if any(allow & bit for allow, _ in of_roles))
        denied = sum(bit for bit in BITS.values() if any(deny & bit for _, deny in of_roles))
        return resolve(base, [rules.get(guild.id, (0, 0)), (allowed, denied), rules.get(user_id, (0, 0))])

    def may(self, user_id: int, channel: Channel, *names: str) -> bool:
        """Whether a user may do all of these in a channel, and see it."""
        wanted = mask(("view_channel", *names))
        return self.permissions(user_id, channel) & wanted == wanted

    def sees(self, user_id: int, channel: Channel) -> bool:
        """Whether a channel is there for a user."""
        return self.may(user_id, channel)

    def channel_for_bot(self, channel_id: int, *names: str) -> Channel:
        """A channel in which the bot may do these; otherwise refused as Discord does."""
        channel = self.channels.get(channel_id)
        if channel is None:
            raise refusal(10003)
        if not self.sees(self.bot.id, channel):
            raise refusal(50001)
        if not self.may(self.bot.id, channel, *names):
            raise refusal(50013)
        return channel

    def channel_json(self, channel: Channel) -> dict[str, Any]:
        """A channel as the bot gets it."""
        return channel.json(self.bot, self.users)

    def guild_json(self, guild: Guild) -> dict[str, Any]:
        """A guild as the bot gets it when it becomes available: with itself as the only member."""
        channels = [c for c in self.channels.values() if c.guild is guild]
        threads = [c for c in channels if c.kind in THREADS and not c.archived and self.sees(self.bot.id, c)]
        return {
            "id": str(guild.id), "name": guild.name, "owner_id": str(guild.owner_id), "icon": None,
            "unavailable": False, "member_count": len(guild.members), "large": len(guild.members) > 250,
            "joined_at": self.clock.iso(),
            "members": [guild.members[self.bot.id].json()] if self.bot.id in guild.members else [],
            "roles": [r.json() for r in guild.roles.values()], "emojis": [], "stickers": [], "features": [],
            "channels": [self.channel_json(c) for c in channels if c.kind not in THREADS],
            "threads": [self.channel_json(c) for c in threads],
            "voice_states": [], "presences": [], "stage_instances": [], "guild_scheduled_events": [],
            "soundboard_sounds": [], "preferred_locale": "en-US", "premium_tier": 0, "verification_level": 0,
            "default_message_notifications": 0, "explicit_content_filter": 0, "mfa_level": 0, "nsfw_level": 0,
            "system_channel_flags": 0, "afk_timeout": 300,
        }  # fmt: skip
