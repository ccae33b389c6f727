"""Messages: created, edited, deleted. Each state of each is written to the journal and sent to the gateway."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.discord.errors import Form, refusal
from tests.fakes.discord.validation import LOADING, is_empty
from tests.fakes.discord.world import DM, Channel

if TYPE_CHECKING:
    from tests.fakes.discord.server import DiscordFake

DEFAULT, PINNED, REPLY, COMMAND_ANSWER = 0, 6, 19, 20
NONCE_LIFETIME = 300.0
"""Seconds for which a nonce is remembered; Discord says "the past few minutes"."""
URL_LIFETIME = 24 * 3600.0
"""Seconds for which an attachment's address is valid."""


@dataclass(kw_only=True)
class File:
    """An attachment, kept by the fake's CDN."""

    id: int
    filename: str
    data: bytes
    content_type: str


@dataclass(kw_only=True)
class Message:
    """A message as it is now."""

    id: int
    channel: Channel
    author: int
    created: float
    content: str = ""
    kind: int = DEFAULT
    flags: int = 0
    embeds: list[dict[str, Any]] = field(default_factory=list)
    """Previews of the links in it."""
    components: list[dict[str, Any]] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    mentions: list[int] = field(default_factory=list)
    allowed_mentions: dict[str, Any] | None = None
    """As the bot sent it."""
    nonce: str | None = None
    edited: float | None = None
    pinned: bool = False
    reply_to: int | None = None
    forwarded: Message | None = None
    """The message that this one forwards."""
    stickers: list[dict[str, Any]] = field(default_factory=list)
    visible_to: int | None = None
    """The one person who sees an ephemeral message."""
    interaction: dict[str, Any] = field(default_factory=dict)
    """The keys that tie it to an interaction."""
    deleted: bool = False


class Messages:
    """All messages ever sent, deleted ones too."""

    def __init__(self, fake: DiscordFake) -> None:
        self._fake = fake
        self.all: dict[int, Message] = {}
        self._by_nonce: dict[tuple[int, str], Message] = {}

    def find(self, message_id: int, channel: Channel | None = None, *, ephemeral: bool = False) -> Message:
        """A message that exists, in `channel` if that is given; ephemeral ones only where they are asked for."""
        message = self.all.get(message_id)
        if (
            message is None
            or message.deleted
            or (message.visible_to is not None and not ephemeral)
            or (channel is not None and message.channel is not channel)
        ):
            raise refusal(10008)
        return message

    def in_channel(self, channel: Channel) -> list[Message]:
        """What is in a channel now, oldest first."""
        return [message for message in self.all.values() if message.channel is channel and not message.deleted]

    def with_same_nonce(self, author: int, body: dict[str, Any]) -> Message | None:
        """The message sent with this body's nonce a moment ago, if the body asks for uniqueness."""
        if not body.get("enforce_nonce") or body.get("nonce") is None:
            return None
        earlier = self._by_nonce.get((author, body["nonce"]))
        return earlier if earlier and self._fake.clock.now() - earlier.created < NONCE_LIFETIME else None

    def create(
        self, channel: Channel, author: int, body: dict[str, Any], files: list[File] | None = None, **fields: Any
    ) -> Message:
        """A new message with a body that has been checked."""
        clock = self._fake.clock
        message = Message(id=clock.snowflake(), channel=channel, author=author, created=clock.now(), **fields)
        message.nonce = body.get("nonce")
        message.reply_to = self._resolve_reference(channel, body.get("message_reference"))
        message.kind = REPLY if message.reply_to and message.kind == DEFAULT else message.kind
        message.files = files or []
        self._apply(message, body)
        self.all[message.id] = message
        if message.visible_to is None:
            channel.last_message = message.id
        if message.nonce is not None:
            self._by_nonce[author, message.nonce] = message
        channel.archived = channel.archived and message.visible_to is not None
        self._publish("MESSAGE_CREATE", message)
        return message

    def edit(self, message: Message, body: dict[str, Any], files: list[File] | None = None) -> Message:
        """Change what a body that has been checked names. With `attachments`, files that are not listed go."""
        if is_empty(self._after_edit(message, body), len(files or [])):
            raise refusal(50006)
        if body.get("attachments") is not None:
            kept = {int(attachment["id"]) for attachment in body["attachments"]}
            message.files = [file for file in message.files if file.id in kept]
        message.files = [*message.files, *(files or [])]
        message.flags &= ~LOADING
        self._apply(message, body)
        message.edited = self._fake.clock.now()
        self._publish("MESSAGE_UPDATE", message)
        return message

    def delete(self, message: Message) -> None:
        """Delete a message."""
        message.deleted = True
        self._fake.journal.add("message", event="MESSAGE_DELETE", **self.view(message))

    def update_unedited(self, message: Message) -> None:
        """Publish a change that is no edit by the author: Discord sends the same event without a new edit time."""
        self._publish("MESSAGE_UPDATE", message)

    def _after_edit(self, message: Message, body: dict[str, Any]) -> dict[str, Any]:
        kept = body["attachments"] if body.get("attachments") is not None else message.files
        return {"content": message.content, "components": message.components, **body, "attachments": kept}

    def _resolve_reference(self, channel: Channel, reference: dict[str, Any] | None) -> int | None:
        if not reference:
            return None
        target = self.all.get(int(reference["message_id"]))
        if target is not None and not target.deleted and target.channel is channel and target.visible_to is None:
            return target.id
        if reference.get("fail_if_not_exists", True):
            form = Form()
            form.add(("message_reference",), "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
            form.check()
        return None

    def _apply(self, message: Message, body: dict[str, Any]) -> None:
        message.components = body.get("components", message.components) or []
        message.allowed_mentions = body.get("allowed_mentions", message.allowed_mentions)
        message.content = (body.get("content", message.content) or "").strip()
        message.mentions = self._find_mentions(message)

    def _find_mentions(self, message: Message) -> list[int]:
        allowed = message.allowed_mentions or {"parse": ["users"], "replied_user": True}
        mentions: list[int] = []
        if "users" in allowed.get("parse", ()):
            mentions = [int(user) for user in re.findall(r"<@!?(\d+)>", message.content)]
        if message.reply_to and allowed.get("replied_user"):
            mentions.append(self.all[message.reply_to].author)
        return [user for user in dict.fromkeys(mentions) if user in self._fake.world.users]

    def _publish(self, event: str, message: Message) -> None:
        self._fake.journal.add("message", event=event, **self.view(message))
        self._fake.gateway.send_message_event(event, message)

    def view(self, message: Message) -> dict[str, Any]:
        """A message as a person sees it, in plain JSON."""
        return {
            "id": str(message.id), "channel": str(message.channel.id), "author": str(message.author),
            "content": message.content, "components": message.components,
            "files": [file.filename for file in message.files], "reply_to": message.reply_to and str(message.reply_to),
            "loading": bool(message.flags & LOADING), "visible_to": message.visible_to and str(message.visible_to),
            "allowed_mentions": message.allowed_mentions,
        }  # fmt: skip

    def json(self, message: Message, *, with_content: bool, nested: bool = False) -> dict[str, Any]:
        """A message as the bot receives it: without its content where the bot may not read it."""
        world, clock = self._fake.world, self._fake.clock
        bot = world.bot.id
        readable = with_content or message.channel.kind == DM or bot in message.mentions or message.author == bot
        body: dict[str, Any] = {
            "id": str(message.id), "channel_id": str(message.channel.id), "type": message.kind, "tts": False,
            "author": world.users[message.author].json(), "timestamp": clock.iso(message.created),
            "edited_timestamp": clock.iso(message.edited) if message.edited else None, "flags": message.flags,
            "mention_everyone": False, "mention_roles": [], "pinned": message.pinned,
            "mentions": [world.users[user].json() for user in message.mentions],
            "content": message.content if readable else "", "embeds": message.embeds if readable else [],
            "components": message.components if readable else [],
            "attachments": [self._file_json(message, file) for file in message.files] if readable else [],
            **message.interaction,
        }  # fmt: skip
        if message.stickers:
            body["sticker_items"] = message.stickers if readable else []
        if message.forwarded is not None:
            source = message.forwarded
            body["message_reference"] = {"type": 1, "message_id": str(source.id), "channel_id": str(source.channel.id)}
            if source.channel.guild:
                body["message_reference"]["guild_id"] = str(source.channel.guild.id)
            body["message_snapshots"] = [{"message": self._snapshot_json(source)}] if readable else []
        if message.nonce is not None:
            body["nonce"] = message.nonce
        if message.reply_to and not nested:
            target = self.all[message.reply_to]
            body["message_reference"] = {"type": 0, "message_id": str(target.id), "channel_id": str(target.channel.id)}
            if message.channel.guild:
                body["message_reference"]["guild_id"] = str(message.channel.guild.id)
            content = None if target.deleted else self.json(target, with_content=with_content, nested=True)
            body["referenced_message"] = content
        return body

    def _snapshot_json(self, message: Message) -> dict[str, Any]:
        """A forwarded message as it was: without its author."""
        clock = self._fake.clock
        return {
            "type": message.kind, "content": message.content, "embeds": message.embeds, "flags": message.flags,
            "attachments": [self._file_json(message, file) for file in message.files], "mentions": [],
            "mention_roles": [], "timestamp": clock.iso(message.created), "components": [],
            "edited_timestamp": clock.iso(message.edited) if message.edited else None,
            "sticker_items": message.stickers,
        }  # fmt: skip

    def _file_json(self, message: Message, file: File) -> dict[str, Any]:
        """An attachment, with a signed address that expires."""
        expires = f"{int(self._fake.clock.now() + URL_LIFETIME):x}"
        path = f"attachments/{message.channel.id}/{file.id}/{file.filename}"
        url = f"{self._fake.url}/{path}?ex={expires}&hm={url_signature(path, expires)}&"
        return {
            "id": str(file.id), "filename": file.filename, "size": len(file.data), "url": url, "proxy_url": url,
            "content_type": file.content_type, "ephemeral": message.visible_to is not None,
        }  # fmt: skip


def url_signature(path: str, expires: str) -> str:
    """What makes an attachment's address valid."""
    return hashlib.sha256(f"{path} {expires}".encode()).hexdigest()
