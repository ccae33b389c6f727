"""Discord's messages and interactions as the `Incoming` that the inbox accepts."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, Final

import discord

from bot.channels.discord.addresses import TOKEN_LIFETIME, AnswerTarget, InteractionToken
from bot.channels.discord.attachments import file_ref_from_attachment
from bot.channels.discord.platform import PLATFORM
from bot.channels.discord.quotations import document_refs, name_mentions, quoted_messages, unread_kinds
from bot.core.i18n import LANGUAGES, Language
from bot.core.media import MediaKind
from bot.core.messages import Address, FileRef, Incoming, MessagePart

_TEXT_MESSAGE_TYPES: Final = (discord.MessageType.default, discord.MessageType.reply)


def is_addressed_to(bot: discord.ClientUser, message: discord.Message) -> bool:
    """Whether a person wrote a message for the bot: directly to it, with a mention, or as a reply to it."""
    if message.author.bot or message.webhook_id is not None or message.type not in _TEXT_MESSAGE_TYPES:
        return False
    return message.guild is None or _mentions(bot, message) or _replies_to(bot, message)


def is_unreadable(bot: discord.ClientUser, message: discord.Message) -> bool:
    """Whether Discord hid a message's content, as it does in guilds from bots without the message content intent."""
    is_empty = not (message.content or message.attachments or message.stickers or message.message_snapshots)
    return message.guild is not None and is_empty and message.poll is None and not _mentions(bot, message)


def incoming_from_message(bot: discord.ClientUser, message: discord.Message) -> Incoming:
    """A message to the bot, without the mention of it. Its pasted texts are not downloaded yet."""
    channel, person = str(message.channel.id), str(message.author.id)
    update = update_id(message)
    target = AnswerTarget(channel, update, person, reply_to=None if message.guild is None else str(message.id))
    return Incoming(
        platform=PLATFORM,
        person=person,
        place=channel,
        text=_strip_mention(bot, message),
        update=update,
        name=str(message.author),
        address=target.to_address(),
        chat=None if message.guild is None else channel,
        guild=None if message.guild is None else str(message.guild.id),
        roles=role_ids(message.author),
        files=tuple(document_refs(message)),
        quotations=tuple(quoted.quotation for quoted in quoted_messages(bot, message)),
        unread=tuple(dict.fromkeys(unread_kinds(bot, message))) or _unknown_content(message),
        part=message_part(message),
    )


def message_part(message: discord.Message) -> MessagePart | None:
    """What a message may be a part of: several forwarded at once, with the remark that the client sends after them."""
    if message.message_snapshots:
        return MessagePart("forward")
    return MessagePart("forward", awaits_more=False) if message.content and message.reference is None else None


def _unknown_content(message: discord.Message) -> tuple[MediaKind, ...]:
    """A message that seems to have nothing in it has something that only people see."""
    is_empty = not (message.content or message.attachments or message.message_snapshots)
    return ("other",) if is_empty and message.reference is None else ()


def update_id(message: discord.Message) -> str:
    """The id of this version of a message: the message's id, and the time of its last edit if it has one."""
    edited = message.edited_at
    return str(message.id) if edited is None else f"{message.id}.{round(edited.timestamp() * 1000)}"


def is_edit_of(message: discord.Message, address: Address) -> bool:
    """Whether a turn's address belongs to an earlier version of this message."""
    earlier_id, _, earlier_edit = str(address.get("update", "")).partition(".")
    message_id, _, last_edit = update_id(message).partition(".")
    return earlier_id == message_id and int(earlier_edit or 0) < int(last_edit or 0)


def incoming_from_interaction(
    interaction: discord.Interaction[Any],
    text: str,
    *,
    private: bool,
    original: str | None,
    attachment: Mapping[str, Any] | None = None,
) -> Incoming:
    """A command, a button or a form as a message.

    Args:
        text: the message that it stands for.
        private: whether only the person sees the answer.
        original: id of the message that becomes the first of the answer, if it is known.
        attachment: a file that came with it, in Discord's JSON.
    """
    channel, person = str(interaction.channel_id), str(interaction.user.id)
    token = InteractionToken(
        str(interaction.application_id), interaction.token, time.time() + TOKEN_LIFETIME, original, private
    )
    files: tuple[FileRef, ...] = () if attachment is None else (file_ref_from_attachment(attachment),)
    return Incoming(
        platform=PLATFORM,
        person=person,
        place=channel,
        text=text,
        name=str(interaction.user),
        language=language_from_locale(interaction.locale.value),
        update=str(interaction.id),
        address=AnswerTarget(channel, str(interaction.id), person, token=token).to_address(),
        chat=None if interaction.guild_id is None else channel,
        guild=None if interaction.guild_id is None else str(interaction.guild_id),
        roles=role_ids(interaction.user),
        files=files,
    )


def language_from_locale(locale: str) -> Language | None:
    """The language of one of Discord's locales, if the service speaks it."""
    return next((language for language in LANGUAGES if locale.partition("-")[0] == language), None)


def role_ids(user: discord.abc.User) -> frozenset[str]:
    """The ids of a member's roles, without the role of everyone."""
    if not isinstance(user, discord.Member):
        return frozenset()
    return frozenset(str(role.id) for role in user.roles if not role.is_default())


def _mentions(bot: discord.ClientUser, message: discord.Message) -> bool:
    role = message.guild.self_role if message.guild else None
    return any(user.id == bot.id for user in message.mentions) or (
        role is not None and role.id in message.raw_role_mentions
    )


def _replies_to(bot: discord.ClientUser, message: discord.Message) -> bool:
    replied_to = message.reference.resolved if message.reference else None
    return isinstance(replied_to, discord.Message) and replied_to.author.id == bot.id


def _strip_mention(bot: discord.ClientUser, message: discord.Message) -> str:
    role = message.guild.self_role if message.guild else None
    mentions = [rf"<@!?{bot.id}>", *([rf"<@&{role.id}>"] if role else [])]
    text = re.sub(rf"\s*(?:{'|'.join(mentions)})", "", message.content).strip()
    return name_mentions(text, message.guild, message.mentions)
