"""The people's side: what they set up, say, see and do. Everything takes and gives plain JSON, ids as text."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tests.fakes.discord.bodies import CONTENT_LIMIT
from tests.fakes.discord.messages import PINNED, File, Message
from tests.fakes.discord.options import CannotDo
from tests.fakes.discord.permissions import mask
from tests.fakes.discord.rest_channels import open_thread, tell_typing
from tests.fakes.discord.rest_messages import react
from tests.fakes.discord.state import CATEGORY, DM, PRIVATE_THREAD, PUBLIC_THREAD, TEXT, Channel, Guild, Role, User
from tests.fakes.discord.trouble import Trouble
from tests.fakes.discord.using import Using

if TYPE_CHECKING:
    from tests.fakes.discord.server import DiscordFake

Id = str | int
T = TypeVar("T")


class People(Using, Trouble):
    """Whatever people do. What their client would not let them do raises `CannotDo`."""

    def __init__(self, fake: DiscordFake) -> None:
        self._fake = fake

    # What there is.

    def bot(self) -> str:
        """The bot's own id."""
        return str(self._fake.world.bot.id)

    def user(self, name: str, *, locale: str = "en-US", accepts_dms: bool = True) -> str:
        """A new account; its id."""
        user = self._fake.world.add_user(name, locale=locale)
        user.accepts_dms = accepts_dms
        return str(user.id)

    def guild(self, name: str, *, owner: Id | None = None, with_bot: bool = True) -> str:
        """A new guild, of a new owner unless one is given; its id."""
        world = self._fake.world
        guild = world.add_guild(name, self._user(owner) if owner else world.add_user(f"owner of {name}"))
        if with_bot:
            world.add_member(guild, world.bot)
            self._fake.gateway.tell("GUILD_CREATE", world.guild_json(guild), guild)
        return str(guild.id)

    def channel(self, guild: Id, name: str, *, slowmode: int = 0, category: bool = False) -> str:
        """A new text channel (or category); its id."""
        of = self._guild(guild)
        kind = CATEGORY if category else TEXT
        channel = self._fake.world.add_channel(kind, name=name, guild=of, slowmode=slowmode)
        self._fake.gateway.tell("CHANNEL_CREATE", self._fake.world.channel_json(channel), of)
        return str(channel.id)

    def join(self, guild: Id, user: Id) -> None:
        """A user becomes a member."""
        of = self._guild(guild)
        member = self._fake.world.add_member(of, self._user(user))
        self._fake.gateway.tell("GUILD_MEMBER_ADD", {**member.json(), "guild_id": str(of.id)}, of)

    def leave(self, guild: Id, user: Id) -> None:
        """A user, or the bot, is a member no more."""
        of, who = self._guild(guild), self._user(user)
        del of.members[who.id]
        if who is self._fake.world.bot:
            self._fake.gateway.tell("GUILD_DELETE", {"id": str(of.id)}, of)
        else:
            self._fake.gateway.tell("GUILD_MEMBER_REMOVE", {"guild_id": str(of.id), "user": who.json()}, of)

    def role(self, guild: Id, name: str, *, permissions: list[str] | None = None) -> str:
        """A new role; its id."""
        of = self._guild(guild)
        role = Role(self._fake.clock.snowflake(), name, mask(permissions or []), len(of.roles))
        of.roles[role.id] = role
        self._fake.gateway.tell("GUILD_ROLE_CREATE", {"guild_id": str(of.id), "role": role.json()}, of)
        return str(role.id)

    def give_role(self, guild: Id, user: Id, role: Id) -> None:
        """A member gets a role."""
        of = self._guild(guild)
        member = of.members[int(user)]
        member.roles.append(int(role))
        self._fake.gateway.tell("GUILD_MEMBER_UPDATE", {**member.json(), "guild_id": str(of.id)}, of)

    def permit(self, channel: Id, who: Id, *, allow: list[str] | None = None, deny: list[str] | None = None) -> None:
        """What a role or a member may and may not do in a channel, in place of what was said before."""
        place = self._channel(channel)
        place.overwrites[int(who)] = (mask(allow or []), mask(deny or []))
        self._fake.gateway.tell("CHANNEL_UPDATE", self._fake.world.channel_json(place), place.guild)

    def delete_channel(self, channel: Id) -> None:
        """A channel is gone, with its messages."""
        place = self._fake.world.channels.pop(int(channel))
        self._fake.gateway.tell("CHANNEL_DELETE", self._fake.world.channel_json(place), place.guild)

    def thread(self, channel: Id, user: Id, name: str, *, message: Id | None = None, private: bool = False) -> str:
        """A person opens a thread, at a message if one is given; its id."""
        kind = PRIVATE_THREAD if private else PUBLIC_THREAD
        at = {"id": int(message)} if message else {}
        return str(open_thread(self._fake, self._channel(channel), int(user), name, kind, **at).id)

    def archive(self, thread: Id, *, locked: bool = False) -> None:
        """A thread is archived."""
        place = self._channel(thread)
        place.archived, place.locked = True, locked
        self._fake.gateway.tell("THREAD_UPDATE", self._fake.world.channel_json(place), place.guild)

    def dm(self, user: Id) -> str:
        """The direct conversation of a user with the bot; its id."""
        return str(self._fake.world.direct(self._fake.world.bot.id, self._user(user).id).id)

    def accept_dms(self, user: Id, yes: bool) -> None:
        """Whether a user lets bots write to him."""
        self._user(user).accepts_dms = yes

    # What they say.

    def say(
        self,
        channel: Id,
        user: Id,
        text: str = "",
        *,
        mentions: list[Id] | None = None,
        reply_to: Id | None = None,
        ping: bool = True,
        attachments: list[dict[str, str]] | None = None,
    ) -> str:
        """A person writes; the message's id. Mentions are put in front of the text; attachments are
        `{"filename", "text" or "base64", "content_type"}`."""
        place, who = self._channel(channel), self._user(user)
        right = "send_messages_in_threads" if place.kind in (PUBLIC_THREAD, PRIVATE_THREAD) else "send_messages"
        if not self._fake.world.may(who.id, place, right):
            raise CannotDo(f"{who.name} may not write there")
        content = " ".join([*(f"<@{m}>" for m in mentions or []), text]).strip()
        if len(content) > CONTENT_LIMIT or not (content or attachments):
            raise CannotDo("a message has 1 to 2000 characters")
        files = [self._file(a) for a in attachments or []]
        body: dict[str, Any] = {"content": content}
        if reply_to is not None:
            body["message_reference"] = {"message_id": str(reply_to)}
            body["allowed_mentions"] = {"parse": ["users", "roles", "everyone"], "replied_user": ping}
        return str(self._fake.messages.create(place, who.id, body, files).id)

    def tell_bot(self, user: Id, text: str = "", **more: Any) -> str:
        """A person writes to the bot directly; the message's id."""
        return self.say(self.dm(user), user, text, **more)

    def edit(self, user: Id, message: Id, text: str) -> None:
        """A person changes a message of his."""
        found = self._own(user, message)
        self._fake.messages.edit(found, {"content": text})

    def pin(self, user: Id, message: Id) -> None:
        """A person pins a message: it changes without being edited, and a message of Discord's own says so."""
        found = self._fake.messages.find(int(message))
        if found.channel.kind != DM and not self._fake.world.may(int(user), found.channel, "manage_messages"):
            raise CannotDo("may not pin there")
        found.pinned = True
        self._fake.messages.changed(found)
        note = {"message_reference": {"message_id": str(message)}, "allowed_mentions": {"parse": []}}
        self._fake.messages.create(found.channel, int(user), note, kind=PINNED)

    def unfurl(self, message: Id, title: str) -> None:
        """Discord has found what a link in a message leads to: it changes without being edited."""
        found = self._fake.messages.find(int(message))
        found.embeds = [{"type": "link", "title": title}]
        self._fake.messages.changed(found)

    def delete(self, user: Id, message: Id) -> None:
        """A person takes a message away: his own, or any where he may; the ephemeral one he was sent."""
        found = self._fake.messages.find(int(message), ephemeral=True)
        mine = int(user) in (found.author, found.seen_only_by)
        if not mine and not self._fake.world.may(int(user), found.channel, "manage_messages"):
            raise CannotDo("not his to delete")
        self._fake.messages.delete(found)

    def type(self, channel: Id, user: Id) -> None:
        """A person is writing."""
        tell_typing(self._fake, self._channel(channel), int(user))

    def react(self, user: Id, message: Id, emoji: str) -> None:
        """A person reacts."""
        react(self._fake, self._fake.messages.find(int(message)), emoji, int(user))

    # What they see.

    def visible(self, channel: Id, viewer: Id | None = None) -> list[dict[str, Any]]:
        """The messages there now, oldest first; ephemeral ones only for whom they are."""
        place = self._channel(channel)
        if viewer is not None and not self._fake.world.sees(int(viewer), place):
            return []
        there = self._fake.messages.there(place)
        shown = [m for m in there if m.seen_only_by is None or (viewer and m.seen_only_by == int(viewer))]
        return [self._fake.messages.seen(m) for m in shown]

    def message(self, message: Id) -> dict[str, Any]:
        """A message as it stands, or stood when it was deleted."""
        return self._fake.messages.seen(self._fake.messages.all[int(message)])

    def states(self, message: Id) -> list[dict[str, Any]]:
        """Every state a message had, in order."""
        return [e for e in self._fake.journal.of("message") if e["id"] == str(message)]

    async def wait_message(
        self,
        channel: Id,
        *,
        contains: str = "",
        author: Id | None = None,
        viewer: Id | None = None,
        after: Id = 0,
        within: float = 10.0,
    ) -> dict[str, Any]:
        """The first message there with this text, of this author (the bot unless said), newer than `after`."""
        wanted = str(author or self.bot())

        def look() -> dict[str, Any] | None:
            for seen in self.visible(channel, viewer):
                fresh = int(seen["id"]) > int(after) and not seen["loading"]
                if fresh and seen["author"] == wanted and contains in seen["content"]:
                    return seen
            return None

        found = await self._fake.journal.wait_for(look, within)
        assert found is not None
        return found

    async def wait_for(self, look: Callable[[], T], *, within: float = 10.0) -> T:
        """What `look` finds, as soon as it finds anything true."""
        return await self._fake.journal.wait_for(look, within)

    def journal(self, kind: str | None = None, *, since: int = 0) -> list[dict[str, Any]]:
        """Everything that happened from entry `since` on, or what is of one kind."""
        return [e for e in self._fake.journal.entries[since:] if kind in (None, e["kind"])]

    # Finding things.

    def _user(self, user: Id) -> User:
        return self._fake.world.users[int(user)]

    def _guild(self, guild: Id) -> Guild:
        return self._fake.world.guilds[int(guild)]

    def _channel(self, channel: Id) -> Channel:
        return self._fake.world.channels[int(channel)]

    def _own(self, user: Id, message: Id) -> Message:
        found = self._fake.messages.find(int(message))
        if found.author != int(user):
            raise CannotDo("not his message")
        return found

    def _file(self, given: dict[str, str]) -> File:
        data = base64.b64decode(given["base64"]) if "base64" in given else given["text"].encode()
        kind = given.get("content_type", "text/plain; charset=utf-8")
        return File(self._fake.clock.snowflake(), given["filename"], data, kind)
