"""Interactions: made by a person, answered by the bot once and in time, followed up for a while."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.discord import bodies
from tests.fakes.discord.calls import Call
from tests.fakes.discord.errors import refusal
from tests.fakes.discord.messages import COMMAND, DEFAULT, Message
from tests.fakes.discord.state import Channel, User

if TYPE_CHECKING:
    from tests.fakes.discord.server import DiscordFake

SLASH, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5
MESSAGE, DEFER, DEFER_UPDATE, UPDATE, CHOICES, OPEN_MODAL = 4, 5, 6, 7, 8, 9
FITTING = {
    SLASH: (MESSAGE, DEFER, OPEN_MODAL),
    COMPONENT: (MESSAGE, DEFER, DEFER_UPDATE, UPDATE, OPEN_MODAL),
    AUTOCOMPLETE: (CHOICES,),
    MODAL: (MESSAGE, DEFER, DEFER_UPDATE, UPDATE),
}
"""Which answers fit which interaction."""


@dataclass
class Interaction:
    """One press, choice, command or form of a person."""

    id: int
    kind: int
    user: User
    channel: Channel
    made: float
    token: str = field(default_factory=lambda: secrets.token_urlsafe(40))
    name: str = ""
    """Of a command."""
    option_kind: int = 3
    """Of a completion: what type the option has that is being completed."""
    message: Message | None = None
    """The message whose component was used."""
    answer: int | None = None
    """The type of the first answer, once there is one."""
    original: Message | None = None
    """What `@original` means."""
    sent: list[Message] = field(default_factory=list)
    """All messages sent in answer."""
    modal: dict[str, Any] | None = None
    choices: list[dict[str, Any]] | None = None


class Interactions:
    """All interactions ever."""

    def __init__(self, fake: DiscordFake) -> None:
        self._fake = fake
        self.all: dict[int, Interaction] = {}

    def start(
        self, kind: int, user: User, channel: Channel, data: dict[str, Any], message: Message | None = None, **more: Any
    ) -> Interaction:
        """Tells the bot of a new interaction."""
        world, clock = self._fake.world, self._fake.clock
        made = Interaction(clock.snowflake(), kind, user, channel, clock.now(), message=message, **more)
        self.all[made.id] = made
        guild = channel.guild
        payload: dict[str, Any] = {
            "id": str(made.id), "application_id": str(self._fake.application_id), "type": kind, "token": made.token,
            "version": 1, "data": data, "channel_id": str(channel.id), "locale": user.locale, "entitlements": [],
            "channel": {**world.channel_json(channel), "permissions": str(world.permissions(user.id, channel))},
            "app_permissions": str(world.permissions(world.bot.id, channel)), "context": 0 if guild else 1,
            "authorizing_integration_owners": {"0": str(guild.id) if guild else "0"},
            "attachment_size_limit": bodies.FILE_LIMIT,
        }  # fmt: skip
        if guild:
            member = {**guild.members[user.id].json(), "permissions": str(world.permissions(user.id, channel))}
            about = {"id": str(guild.id), "locale": "en-US", "features": []}
            payload |= {"guild_id": str(guild.id), "guild": about, "guild_locale": "en-US", "member": member}
        else:
            payload["user"] = user.json()
        if message is not None:
            payload["message"] = self._fake.messages.json(message, with_content=True)
        journal = self._fake.journal
        journal.add("interaction", id=str(made.id), type=kind, user=str(user.id), channel=str(channel.id), data=data)
        sessions = [
            s
            for s in self._fake.gateway.sessions.values()
            if s.wants("INTERACTION_CREATE", guild.id if guild else None)
        ]
        for session in sessions:
            session.dispatch("INTERACTION_CREATE", payload)
        return made

    def late(self, made: Interaction) -> bool:
        """Whether nobody answered in time."""
        return made.answer is None and self._fake.clock.now() - made.made > self._fake.reply_deadline

    def by_token(self, call: Call) -> Interaction:
        """The interaction of a followup, if its token is good."""
        for made in self.all.values():
            if made.token == call.path["token"]:
                break
        else:
            raise refusal(50027)
        if self._fake.clock.now() - made.made > self._fake.token_life:
            raise refusal(50027)
        if made.answer is None or made.kind == AUTOCOMPLETE or call.id("application") != self._fake.application_id:
            raise refusal(10015)
        return made

    def send(self, made: Interaction, body: dict[str, Any], call: Call, flags: int, *, first: bool) -> Message:
        """A message in answer, which says what it answers."""
        user = made.user.json()
        about = {
            "id": str(made.id), "type": made.kind, "user": user, "authorizing_integration_owners": {},
            **({"interacted_message_id": str(made.message.id)} if made.message else {}),
        }  # fmt: skip
        if made.original and not first:
            about["original_response_message_id"] = str(made.original.id)
        ties: dict[str, Any] = {"webhook_id": str(self._fake.application_id), "interaction_metadata": about}
        ties["application_id"] = str(self._fake.application_id)
        if made.kind == SLASH and first:
            ties["interaction"] = {"id": str(made.id), "type": made.kind, "name": made.name, "user": user}
        body = {k: v for k, v in body.items() if k not in ("nonce", "enforce_nonce", "message_reference")}
        message = self._fake.messages.create(
            made.channel, self._fake.world.bot.id, body, call.files, interaction=ties,
            kind=COMMAND if made.kind == SLASH and first else DEFAULT, flags=flags,
            seen_only_by=made.user.id if flags & bodies.EPHEMERAL else None,
        )  # fmt: skip
        made.sent.append(message)
        return message
