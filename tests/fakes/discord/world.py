"""Users, guilds, members and channels, and who may do what where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.discord.errors import refusal
from tests.fakes.discord.journal import Clock

TEXT, DM, PUBLIC_THREAD = 0, 1, 11
PERMISSIONS = {
    "view_channel": 1 << 10,
    "send_messages": 1 << 11,
    "manage_messages": 1 << 13,
    "attach_files": 1 << 15,
    "read_message_history": 1 << 16,
    "use_application_commands": 1 << 31,
    "send_messages_in_threads": 1 << 38,
}
DEFAULT_PERMISSIONS = sum(PERMISSIONS.values()) & ~PERMISSIONS["manage_messages"]
"""What every member of a guild may do."""
OWNER_ID = "1"
"""Who owns all guilds; never seen."""


def permission_bits(names: Iterable[str]) -> int:
    """The bits of these permissions."""
    return sum(PERMISSIONS[name] for name in set(names))


@dataclass(kw_only=True)
class User:
    """An account."""

    id: int
    name: str
    bot: bool = False
    locale: str = "en-US"

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
            "roles": [str(role) for role in self.roles], "joined_at": self.joined_at, "nick": None, "avatar": None,
            "deaf": False, "mute": False, "flags": 0, "pending": False, "premium_since": None,
        }  # fmt: skip
        return {**body, "user": self.user.json()} if with_user else body


@dataclass
class Guild:
    """A server with its members and roles."""

    id: int
    name: str
    roles: dict[int, str] = field(default_factory=dict)
    """Names by id; the role with the guild's own id is everyone's."""
    members: dict[int, Member] = field(default_factory=dict)


@dataclass(kw_only=True)
class Channel:
    """A text channel, a thread or a direct conversation."""

    id: int
    kind: int
    created_at: str
    name: str = ""
    guild: Guild | None = None
    parent: Channel | None = None
    recipients: list[int] = field(default_factory=list)
    """The two of a direct conversation."""
    overwrites: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Allowed and denied permissions, by member."""
    archived: bool = False
    last_message: int | None = None
    """Id of the newest message ever sent there."""


class World:
    """All users, guilds and channels."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.bot = self.add_user("bot", bot=True)

    def add_user(self, name: str, *, bot: bool = False, locale: str = "en-US") -> User:
        """A new account."""
        user = User(id=self.clock.snowflake(), name=name, bot=bot, locale=locale)
        self.users[user.id] = user
        return user

    def add_guild(self, name: str) -> Guild:
        """A new guild with the bot in it."""
        guild = Guild(self.clock.snowflake(), name)
        guild.roles[guild.id] = "@everyone"
        self.guilds[guild.id] = guild
        self.add_member(guild, self.bot)
        return guild

    def add_member(self, guild: Guild, user: User) -> None:
        """Let a user join a guild."""
        guild.members[user.id] = Member(user, self.clock.iso())

    def add_channel(self, kind: int, **fields: Any) -> Channel:
        """A new channel."""
        channel = Channel(id=self.clock.snowflake(), kind=kind, created_at=self.clock.iso(), **fields)
        self.channels[channel.id] = channel
        return channel

    def direct_channel(self, user_id: int) -> Channel:
        """The direct conversation of a user with the bot, created when there is none."""
        recipients = [self.bot.id, user_id]
        for channel in self.channels.values():
            if channel.recipients == recipients:
                return channel
        return self.add_channel(DM, recipients=recipients)

    def permissions(self, user_id: int, channel: Channel) -> int:
        """The permissions of a user in a channel; none where they are no member or do not see it."""
        if channel.guild is None:
            return DEFAULT_PERMISSIONS if user_id in channel.recipients else 0
        if user_id not in channel.guild.members:
            return 0
        allowed, denied = (channel.parent or channel).overwrites.get(user_id, (0, 0))
        permissions = DEFAULT_PERMISSIONS & ~denied | allowed
        return permissions if permissions & PERMISSIONS["view_channel"] else 0

    def may(self, user_id: int, channel: Channel, *names: str) -> bool:
        """Whether a user sees a channel and has all of these permissions there."""
        wanted = permission_bits(("view_channel", *names))
        return self.permissions(user_id, channel) & wanted == wanted

    def channel_for_bot(self, channel_id: int, *names: str) -> Channel:
        """A channel in which the bot has these permissions; refused otherwise, as Discord does."""
        channel = self.channels.get(channel_id)
        if channel is None:
            raise refusal(10003)
        if not self.may(self.bot.id, channel):
            raise refusal(50001)
        if not self.may(self.bot.id, channel, *names):
            raise refusal(50013)
        return channel

    def channel_json(self, channel: Channel) -> dict[str, Any]:
        """A channel as the bot receives it."""
        body: dict[str, Any] = {"id": str(channel.id), "type": channel.kind, "flags": 0}
        body["last_message_id"] = channel.last_message and str(channel.last_message)
        if channel.guild is None:
            people = [self.users[user].json() for user in channel.recipients if user != self.bot.id]
            return {**body, "recipients": people}
        body |= {"guild_id": str(channel.guild.id), "name": channel.name, "rate_limit_per_user": 0}
        body["parent_id"] = str(channel.parent.id) if channel.parent else None
        if channel.kind == PUBLIC_THREAD:
            metadata = {
                "archived": channel.archived, "locked": False, "auto_archive_duration": 1440,
                "archive_timestamp": channel.created_at, "create_timestamp": channel.created_at,
            }  # fmt: skip
            counts = {"message_count": 0, "total_message_sent": 0, "member_count": 1}
            return {**body, **counts, "owner_id": OWNER_ID, "thread_metadata": metadata}
        overwrites = [
            {"id": str(member), "type": 1, "allow": str(allowed), "deny": str(denied)}
            for member, (allowed, denied) in channel.overwrites.items()
        ]
        return {**body, "position": 0, "nsfw": False, "topic": None, "permission_overwrites": overwrites}

    def guild_json(self, guild: Guild) -> dict[str, Any]:
        """A guild as the bot receives it when it becomes available: with itself as the only member."""
        channels = [channel for channel in self.channels.values() if channel.guild is guild]
        roles = [
            {
                "id": str(role), "name": name, "permissions": str(DEFAULT_PERMISSIONS), "position": position,
                "hoist": False, "managed": False, "mentionable": True, "flags": 0, "icon": None, "unicode_emoji": None,
                "color": 0, "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            }
            for position, (role, name) in enumerate(guild.roles.items())
        ]  # fmt: skip
        return {
            "id": str(guild.id), "name": guild.name, "owner_id": OWNER_ID, "icon": None, "unavailable": False,
            "member_count": len(guild.members), "large": False, "joined_at": self.clock.iso(),
            "members": [guild.members[self.bot.id].json()], "roles": roles,
            "channels": [self.channel_json(c) for c in channels if c.kind != PUBLIC_THREAD],
            "threads": [self.channel_json(c) for c in channels if c.kind == PUBLIC_THREAD and not c.archived],
            "emojis": [], "stickers": [], "features": [], "voice_states": [], "presences": [], "stage_instances": [],
            "guild_scheduled_events": [], "soundboard_sounds": [], "preferred_locale": "en-US", "premium_tier": 0,
            "verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0, "mfa_level": 0,
            "nsfw_level": 0, "system_channel_flags": 0, "afk_timeout": 300,
        }  # fmt: skip
