"""Messages: made, changed, deleted; each state of each is written down and told to the gateway."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.discord import bodies
from tests.fakes.discord.errors import Form, refusal
from tests.fakes.discord.state import DM, Channel

if TYPE_CHECKING:
    from tests.fakes.discord.server import DiscordFake

DEFAULT, PINNED, REPLY, THREAD_CREATED, COMMAND = 0, 6, 19, 18, 20
NONCE_KEPT = 300.0
"""Seconds for which a nonce is remembered: "the past few minutes"."""
URL_LIFE = 24 * 3600.0
SETTABLE = bodies.SUPPRESS_EMBEDS | bodies.SUPPRESS_NOTIFICATIONS | bodies.IS_COMPONENTS_V2


@dataclass
class File:
    """An attachment, kept by the fake's CDN."""

    id: int
    filename: str
    data: bytes
    content_type: str
    description: str | None = None


@dataclass
class Message:
    """A message as it stands."""

    id: int
    channel: Channel
    author: int
    created: float
    content: str = ""
    kind: int = DEFAULT
    flags: int = 0
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    mentions: list[int] = field(default_factory=list)
    mention_roles: list[int] = field(default_factory=list)
    mention_everyone: bool = False
    allowed_mentions: dict[str, Any] | None = None
    """What the bot allowed to be mentioned, as it said."""
    nonce: str | None = None
    edited: float | None = None
    pinned: bool = False
    reply_to: int | None = None
    reactions: dict[str, list[int]] = field(default_factory=dict)
    seen_only_by: int | None = None
    """Of an ephemeral message: whom it was for."""
    interaction: dict[str, Any] = field(default_factory=dict)
    """The keys that tie it to an interaction."""
    deleted: bool = False


class Messages:
    """All messages ever, deleted ones too."""

    def __init__(self, fake: DiscordFake) -> None:
        self._fake = fake
        self.all: dict[int, Message] = {}
        self._nonces: dict[tuple[int, str], Message] = {}

    def find(self, message_id: int, channel: Channel | None = None, *, ephemeral: bool = False) -> Message:
        """A message that is there, and is seen through ordinary routes unless asked otherwise."""
        message = self.all.get(message_id)
        hidden = message is None or message.deleted or (message.seen_only_by is not None and not ephemeral)
        if message is None or hidden or (channel is not None and message.channel is not channel):
            raise refusal(10008)
        return message

    def there(self, channel: Channel) -> list[Message]:
        """What is in a channel now, oldest first."""
        return [m for m in self.all.values() if m.channel is channel and not m.deleted]

    def twin(self, author: int, body: dict[str, Any]) -> Message | None:
        """The message sent with the same nonce a moment ago, where uniqueness is asked for."""
        if not body.get("enforce_nonce") or body.get("nonce") is None:
            return None
        twin = self._nonces.get((author, str(body["nonce"])))
        return twin if twin and self._fake.clock.now() - twin.created < NONCE_KEPT else None

    def create(
        self, channel: Channel, author: int, body: dict[str, Any], files: list[File] | None = None, **more: Any
    ) -> Message:
        """A new message, told to whom it concerns. The body has been checked."""
        clock = self._fake.clock
        message = Message(clock.snowflake(), channel, author, clock.now(), **more)
        message.flags |= (body.get("flags") or 0) & SETTABLE
        message.nonce = None if body.get("nonce") is None else str(body["nonce"])
        message.reply_to = self._reference(channel, body.get("message_reference"))
        message.kind = REPLY if message.reply_to and message.kind == DEFAULT else message.kind
        message.files = files or []
        self._fill(message, body)
        self.all[message.id] = message
        if message.nonce is not None:
            self._nonces[author, message.nonce] = message
        if message.seen_only_by is None:
            channel.last_message_id = message.id
            channel.messages += 1
            channel.archived = False
        self._tell("MESSAGE_CREATE", message)
        return message

    def edit(self, message: Message, body: dict[str, Any], files: list[File] | None = None) -> Message:
        """Changes what the body names. The body has been checked."""
        if "attachments" in body and body["attachments"] is not None:
            kept = {int(a["id"]) for a in body["attachments"]}
            message.files = [f for f in message.files if f.id in kept]
        message.files = [*message.files, *(files or [])]
        if body.get("flags") is not None:
            message.flags = message.flags & ~SETTABLE | body["flags"] & SETTABLE
        message.flags &= ~bodies.LOADING
        self._fill(message, body)
        message.edited = self._fake.clock.now()
        self._tell("MESSAGE_UPDATE", message)
        return message

    def would_be_empty(self, message: Message, body: dict[str, Any], files: int) -> bool:
        """Whether nothing would be left of it after this edit."""
        now = {"content": message.content, "embeds": message.embeds, "components": message.components}
        kept = body["attachments"] if body.get("attachments") is not None else message.files
        return bodies.is_empty({**now, **body, "attachments": kept}, files)

    def delete(self, message: Message) -> None:
        """Takes it away."""
        message.deleted = True
        self._tell("MESSAGE_DELETE", message)

    def changed(self, message: Message) -> None:
        """Tells of a change made to a message otherwise than by an edit."""
        self._tell("MESSAGE_UPDATE", message)

    def _reference(self, channel: Channel, reference: dict[str, Any] | None) -> int | None:
        if not reference or reference.get("message_id") is None:
            return None
        target = self.all.get(int(reference["message_id"]))
        if target is not None and not target.deleted and target.channel is channel and target.seen_only_by is None:
            return target.id
        if reference.get("fail_if_not_exists", True):
            form = Form()
            form.add(("message_reference",), "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
            form.check()
        return None

    def _fill(self, message: Message, body: dict[str, Any]) -> None:
        for name in ("embeds", "components"):
            if name in body:
                setattr(message, name, body[name] or [])
        message.allowed_mentions = body.get("allowed_mentions", message.allowed_mentions)
        if "content" in body:
            message.content = (body["content"] or "").strip()
        self._find_mentions(message)

    def _find_mentions(self, message: Message) -> None:
        world, allowed = self._fake.world, message.allowed_mentions
        parse = {"users", "roles", "everyone"} if allowed is None else set(allowed.get("parse") or [])
        named = {k: {int(i) for i in (allowed or {}).get(k) or []} for k in ("users", "roles")}
        users = [int(u) for u in re.findall(r"<@!?(\d+)>", message.content) if int(u) in world.users]
        message.mentions = [u for u in dict.fromkeys(users) if "users" in parse or u in named["users"]]
        replied = True if allowed is None else allowed.get("replied_user", False)
        if message.reply_to and replied and (author := self.all[message.reply_to].author) not in message.mentions:
            message.mentions.append(author)
        roles = [int(r) for r in re.findall(r"<@&(\d+)>", message.content)]
        message.mention_roles = [r for r in dict.fromkeys(roles) if "roles" in parse or r in named["roles"]]
        loud = "@everyone" in message.content or "@here" in message.content
        may = world.may(message.author, message.channel, "mention_everyone")
        message.mention_everyone = loud and "everyone" in parse and may

    def _tell(self, event: str, message: Message) -> None:
        state = self.seen(message)
        self._fake.journal.add("message", event=event, **state)
        self._fake.gateway.tell_of_message(event, message)

    def seen(self, message: Message) -> dict[str, Any]:
        """A message as a person sees it."""
        return {
            "id": str(message.id), "channel": str(message.channel.id), "author": str(message.author),
            "author_name": self._fake.world.users[message.author].name, "content": message.content,
            "embeds": message.embeds, "components": message.components, "flags": message.flags,
            "files": [f.filename for f in message.files], "reply_to": message.reply_to and str(message.reply_to),
            "nonce": message.nonce, "edited": message.edited is not None, "deleted": message.deleted,
            "loading": bool(message.flags & bodies.LOADING), "mentions": [str(m) for m in message.mentions],
            "seen_only_by": message.seen_only_by and str(message.seen_only_by),
            "reactions": {e: len(u) for e, u in message.reactions.items()},
            "allowed_mentions": message.allowed_mentions,
        }  # fmt: skip

    def json(self, message: Message, *, with_content: bool, nested: bool = False) -> dict[str, Any]:
        """A message as the bot gets it: without content where it may not read it."""
        world, clock = self._fake.world, self._fake.clock
        bot = world.bot.id
        readable = with_content or message.channel.kind == DM or bot in message.mentions or message.author == bot
        body: dict[str, Any] = {
            "id": str(message.id), "channel_id": str(message.channel.id), "type": message.kind, "tts": False,
            "author": world.users[message.author].json(), "timestamp": clock.iso(message.created),
            "edited_timestamp": clock.iso(message.edited) if message.edited else None, "flags": message.flags,
            "mention_everyone": message.mention_everyone, "mention_roles": [str(r) for r in message.mention_roles],
            "mentions": [world.users[u].json() for u in message.mentions], "pinned": message.pinned,
            "content": message.content if readable else "",
            "embeds": message.embeds if readable and not message.flags & bodies.SUPPRESS_EMBEDS else [],
            "components": message.components if readable else [],
            "attachments": [self.file_json(message, f) for f in message.files] if readable else [],
            **message.interaction,
        }  # fmt: skip
        if message.nonce is not None and not nested:
            body["nonce"] = message.nonce
        if message.reactions:
            body["reactions"] = [
                {
                    "emoji": {"id": None, "name": emoji}, "count": len(users), "me": bot in users, "me_burst": False,
                    "count_details": {"burst": 0, "normal": len(users)}, "burst_colors": [],
                }
                for emoji, users in message.reactions.items()
            ]  # fmt: skip
        if message.reply_to and not nested:
            target = self.all[message.reply_to]
            body["message_reference"] = {"type": 0, "message_id": str(target.id), "channel_id": str(target.channel.id)}
            if message.channel.guild:
                body["message_reference"]["guild_id"] = str(message.channel.guild.id)
            gone = target.deleted
            body["referenced_message"] = None if gone else self.json(target, with_content=with_content, nested=True)
        if message.flags & bodies.HAS_THREAD and (thread := world.channels.get(message.id)):
            body["thread"] = world.channel_json(thread)
        return body

    def file_json(self, message: Message, file: File) -> dict[str, Any]:
        """An attachment, with a signed address that does not live for ever."""
        expires = f"{int(self._fake.clock.now() + URL_LIFE):x}"
        path = f"attachments/{message.channel.id}/{file.id}/{file.filename}"
        url = f"{self._fake.url}/{path}?ex={expires}&hm={signature(path, expires)}&"
        return {
            "id": str(file.id), "filename": file.filename, "size": len(file.data), "url": url, "proxy_url": url,
            "content_type": file.content_type, "ephemeral": message.seen_only_by is not None,
            **({"description": file.description} if file.description else {}),
        }  # fmt: skip


def signature(path: str, expires: str) -> str:
    """What makes an attachment's address valid."""
    return hashlib.sha256(f"{path} {expires}".encode()).hexdigest()
