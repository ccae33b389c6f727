"""Slash commands the bot has registered, and interactions: answered once and in time, followed up for a while."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.discord.errors import Form, refusal
from tests.fakes.discord.messages import COMMAND_ANSWER, DEFAULT, File, Message
from tests.fakes.discord.validation import (
    EPHEMERAL,
    FILE_LIMIT,
    LOADING,
    check_choices,
    check_commands,
    check_message,
    check_modal,
    is_empty,
)
from tests.fakes.discord.world import Channel, User

if TYPE_CHECKING:
    from tests.fakes.discord.server import DiscordFake

SLASH, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5
"""Kinds of interactions."""
REPLY, DEFER, DEFER_UPDATE, CHOICES, OPEN_MODAL = 4, 5, 6, 8, 9
"""Kinds of responses that the fake knows."""
ALLOWED_RESPONSES = {
    SLASH: (REPLY, DEFER, OPEN_MODAL),
    COMPONENT: (REPLY, DEFER, DEFER_UPDATE, OPEN_MODAL),
    AUTOCOMPLETE: (CHOICES,),
    MODAL: (REPLY, DEFER, DEFER_UPDATE),
}
REPLY_DEADLINE = 3.0
"""Seconds within which an interaction has to be answered."""
TOKEN_LIFETIME = 15 * 60.0
"""Seconds for which it may be followed up."""


class Commands:
    """The commands the bot has registered, everywhere and in guilds."""

    def __init__(self, fake: DiscordFake) -> None:
        self._fake = fake
        self._by_guild: dict[int | None, list[dict[str, Any]]] = {}

    def overwrite(self, guild_id: int | None, commands: Any) -> list[dict[str, Any]]:
        """Register commands in place of all there were; none of them if one is wrong. A name keeps its id."""
        check_commands(commands)
        ids = {command["name"]: command["id"] for command in self.registered(guild_id)}
        application, guild = str(self._fake.application_id), {"guild_id": str(guild_id)} if guild_id else {}
        self._by_guild[guild_id] = [
            {
                "nsfw": False, "default_member_permissions": None, "dm_permission": True, **command, **guild,
                "id": ids.get(command["name"]) or str(self._fake.clock.snowflake()), "application_id": application,
                "version": str(self._fake.clock.snowflake()),
            }
            for command in commands
        ]  # fmt: skip
        self._fake.journal.add("commands", guild=guild_id and str(guild_id), names=[c["name"] for c in commands])
        return self._by_guild[guild_id]

    def registered(self, guild_id: int | None) -> list[dict[str, Any]]:
        """The commands of a guild; None for those that are everywhere."""
        return self._by_guild.get(guild_id, [])

    def find(self, name: str, guild_id: int | None) -> dict[str, Any] | None:
        """The command of this name: a guild's own before one that is everywhere."""
        available = [*(self.registered(guild_id) if guild_id else []), *self.registered(None)]
        return next((command for command in available if command["name"] == name), None)


@dataclass(kw_only=True)
class Interaction:
    """A command, a component or a form that a person used, or an option they are typing into."""

    id: int
    kind: int
    user: User
    channel: Channel
    created: float
    token: str = field(default_factory=lambda: secrets.token_urlsafe(40))
    command: str = ""
    message: Message | None = None
    """The message whose component was used."""
    response: int | None = None
    """The kind of the first response, once there is one."""
    original: Message | None = None
    """What `@original` means."""
    sent: list[Message] = field(default_factory=list)
    """All messages sent in answer."""
    modal: dict[str, Any] | None = None
    choices: list[dict[str, Any]] | None = None


class Interactions:
    """All interactions ever started."""

    def __init__(self, fake: DiscordFake) -> None:
        self._fake = fake
        self.all: dict[int, Interaction] = {}

    def start(self, kind: int, user: User, channel: Channel, data: dict[str, Any], **fields: Any) -> Interaction:
        """A new interaction, sent to the bot."""
        clock = self._fake.clock
        interaction = Interaction(
            id=clock.snowflake(), kind=kind, user=user, channel=channel, created=clock.now(), **fields
        )
        self.all[interaction.id] = interaction
        about = {"id": str(interaction.id), "user": str(user.id), "channel": str(channel.id)}
        self._fake.journal.add("interaction", type=kind, data=data, **about)
        self._fake.gateway.send_event("INTERACTION_CREATE", self._payload(interaction, data), channel.guild)
        # Whoever waits for it to fail looks again then.
        asyncio.get_running_loop().call_later(REPLY_DEADLINE + 0.01, self._fake.journal.notify)
        return interaction

    def _payload(self, interaction: Interaction, data: dict[str, Any]) -> dict[str, Any]:
        world, channel, user = self._fake.world, interaction.channel, interaction.user
        guild, permissions = channel.guild, str(world.permissions(user.id, channel))
        payload: dict[str, Any] = {
            "id": str(interaction.id), "application_id": str(self._fake.application_id), "type": interaction.kind,
            "token": interaction.token, "version": 1, "data": data, "channel_id": str(channel.id),
            "locale": user.locale, "entitlements": [], "context": 0 if guild else 1,
            "channel": {**world.channel_json(channel), "permissions": permissions},
            "app_permissions": str(world.permissions(world.bot.id, channel)),
            "authorizing_integration_owners": {"0": str(guild.id) if guild else "0"},
            "attachment_size_limit": FILE_LIMIT,
        }  # fmt: skip
        if guild:
            member = {**guild.members[user.id].json(), "permissions": permissions}
            about = {"id": str(guild.id), "locale": "en-US", "features": []}
            payload |= {"guild_id": str(guild.id), "guild": about, "guild_locale": "en-US", "member": member}
        else:
            payload["user"] = user.json()
        if interaction.message is not None:
            payload["message"] = self._fake.messages.json(interaction.message, with_content=True)
        return payload

    def is_overdue(self, interaction: Interaction) -> bool:
        """Whether nobody answered in time."""
        return interaction.response is None and self._fake.clock.now() - interaction.created > REPLY_DEADLINE

    def respond(self, interaction_id: int, token: str, body: dict[str, Any]) -> dict[str, Any]:
        """The first response to an interaction; what Discord answers with `with_response`."""
        interaction = self.all.get(interaction_id)
        if interaction is None or interaction.token != token or self.is_overdue(interaction):
            raise refusal(10062)
        if interaction.response is not None:
            raise refusal(40060)
        kind, data, form = body.get("type"), body.get("data") or {}, Form()
        form.one_of(kind, ("type",), ALLOWED_RESPONSES[interaction.kind])
        if kind == CHOICES:
            check_choices(form, data.get("choices"), ("data", "choices"))
        elif kind == OPEN_MODAL:
            check_modal(form, data, ("data",))
        form.check()
        if kind == REPLY:
            check_message(data, ("data",))
        self._apply_response(interaction, kind, data)
        interaction.response = kind
        self._fake.journal.add("answer", interaction=str(interaction.id), type=kind)
        about: dict[str, Any] = {"id": str(interaction.id), "type": interaction.kind}
        if kind in (REPLY, DEFER) and interaction.original is not None:
            about["response_message_id"] = str(interaction.original.id)
            about["response_message_loading"] = kind == DEFER
            about["response_message_ephemeral"] = interaction.original.visible_to is not None
        return {"interaction": about, "resource": {"type": kind}}

    def _apply_response(self, interaction: Interaction, kind: Any, data: dict[str, Any]) -> None:
        flags = (data.get("flags") or 0) & EPHEMERAL
        if kind == REPLY:
            interaction.original = self.send(interaction, data, [], flags)
        elif kind == DEFER:
            interaction.original = self.send(interaction, {}, [], flags | LOADING)
        elif kind == DEFER_UPDATE:
            interaction.original = interaction.message
        elif kind == OPEN_MODAL:
            interaction.modal = data
        else:
            interaction.choices = data["choices"]

    def by_token(self, application_id: int, token: str) -> Interaction:
        """The interaction of a follow-up, if its token is valid."""
        for interaction in self.all.values():
            if interaction.token == token:
                break
        else:
            raise refusal(50027)
        if self._fake.clock.now() - interaction.created > TOKEN_LIFETIME:
            raise refusal(50027)
        if interaction.response is None or interaction.kind == AUTOCOMPLETE:
            raise refusal(10015)
        if application_id != self._fake.application_id:
            raise refusal(10015)
        return interaction

    def find_message(self, interaction: Interaction, message_id: str) -> Message:
        """A message that an interaction's token gives access to: one sent in answer, or the one that was pressed."""
        if message_id == "@original":
            if interaction.original is None or interaction.original.deleted:
                raise refusal(10008)
            return interaction.original
        message = self._fake.messages.find(int(message_id), interaction.channel, ephemeral=True)
        if message not in interaction.sent and message is not interaction.message:
            raise refusal(10008)
        return message

    def follow_up(self, interaction: Interaction, body: dict[str, Any], files: list[File]) -> Message:
        """One more message; the first after a deferral fills the message that says the bot is thinking."""
        original = interaction.original
        if original is not None and original.flags & LOADING and not original.deleted:
            return self._fake.messages.edit(original, body, files)
        return self.send(interaction, body, files, (body.get("flags") or 0) & EPHEMERAL)

    def send(self, interaction: Interaction, body: dict[str, Any], files: list[File], flags: int) -> Message:
        """A message in answer, which says what it answers."""
        if not flags & LOADING and is_empty(body, len(files)):
            raise refusal(50006)
        application = str(self._fake.application_id)
        about: dict[str, Any] = {
            "id": str(interaction.id), "type": interaction.kind, "user": interaction.user.json(),
            "authorizing_integration_owners": {},
            **({"interacted_message_id": str(interaction.message.id)} if interaction.message else {}),
        }  # fmt: skip
        message = self._fake.messages.create(
            interaction.channel,
            self._fake.world.bot.id,
            body,
            files,
            interaction={"webhook_id": application, "application_id": application, "interaction_metadata": about},
            kind=COMMAND_ANSWER if interaction.kind == SLASH and not interaction.sent else DEFAULT,
            flags=flags,
            visible_to=interaction.user.id if flags & EPHEMERAL else None,
        )
        interaction.sent.append(message)
        return message
