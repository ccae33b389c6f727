"""From what Discord tells of to what the inbox takes in."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, Final

import discord

from bot.channels.discord.addresses import TOKEN_LIFETIME, AnswerTarget, InteractionToken
from bot.channels.discord.attachments import file_ref_from_attachment
from bot.channels.discord.platform import PLATFORM
from bot.core.i18n import LANGUAGES, Language
from bot.core.messages import Address, FileRef, Incoming

_TEXT_MESSAGE_TYPES: Final = (discord.MessageType.default, discord.MessageType.reply)


def is_addressed_to(bot: discord.ClientUser, message: discord.Message) -> bool:
    """Whether a message is a person's and meant for the bot: in private, by a mention, or as a reply to it."""
    if message.author.bot or message.webhook_id is not None or message.type not in _TEXT_MESSAGE_TYPES:
        return False
    return message.guild is None or _mentions(bot, message) or _replies_to(bot, message)


def is_unreadable(bot: discord.ClientUser, message: discord.Message) -> bool:
    """Whether a message for the bot came without its words, which Discord keeps from bots that may not read along."""
    return not message.content and not message.attachments and not message.stickers and not _mentions(bot, message)


def incoming_from_message(bot: discord.ClientUser, message: discord.Message) -> Incoming:
    """What was written to the bot, without the mention of it."""
    channel, person = str(message.channel.id), str(message.author.id)
    update = update_id(message)
    spot = AnswerTarget(channel, update, person, reply_to=None if message.guild is None else str(message.id))
    return Incoming(
        platform=PLATFORM,
        person=person,
        place=channel,
        text=_strip_mention(bot, message),
        update=update,
        address=spot.to_address(),
        chat=None if message.guild is None else channel,
        guild=None if message.guild is None else str(message.guild.id),
        roles=role_ids(message.author),
        files=tuple(
            file_ref_from_attachment(
                {"filename": a.filename, "size": a.size, "url": a.url, "id": a.id}, channel, str(message.id)
            )
            for a in message.attachments
        ),
    )


def update_id(message: discord.Message) -> str:
    """What a message is known by as it is now: its id, and when it was last changed."""
    changed = message.edited_at
    return str(message.id) if changed is None else f"{message.id}.{round(changed.timestamp() * 1000)}"


def is_edit_of(message: discord.Message, address: Address) -> bool:
    """Whether a turn's address was made for this message, as it was before it was last changed."""
    then, _, changed = str(address.get("update", "")).partition(".")
    now, _, changes = update_id(message).partition(".")
    return then == now and int(changed or 0) < int(changes or 0)


def incoming_from_interaction(
    interaction: discord.Interaction[Any],
    text: str,
    *,
    private: bool,
    original: str | None,
    attachment: Mapping[str, Any] | None = None,
) -> Incoming:
    """What a command, a button or a form stands for.

    Args:
        private: whether the answer is seen by the person alone.
        original: the message that becomes the answer's first, if it is known.
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
        language=language_from_locale(interaction.locale.value),
        update=str(interaction.id),
        address=AnswerTarget(channel, str(interaction.id), person, token=token).to_address(),
        chat=None if interaction.guild_id is None else channel,
        guild=None if interaction.guild_id is None else str(interaction.guild_id),
        roles=role_ids(interaction.user),
        files=files,
    )


def language_from_locale(locale: str) -> Language | None:
    """The language of a locale, if the service speaks it."""
    return next((language for language in LANGUAGES if locale.partition("-")[0] == language), None)


def role_ids(user: discord.abc.User) -> frozenset[str]:
    """The ids of a member's roles; that of everyone is none."""
    if not isinstance(user, discord.Member):
        return frozenset()
    return frozenset(str(role.id) for role in user.roles if not role.is_default())


def _mentions(bot: discord.ClientUser, message: discord.Message) -> bool:
    role = message.guild.self_role if message.guild else None
    return any(user.id == bot.id for user in message.mentions) or (
        role is not None and role.id in message.raw_role_mentions
    )


def _replies_to(bot: discord.ClientUser, message: discord.Message) -> bool:
    replied = message.reference.resolved if message.reference else None
    return isinstance(replied, discord.Message) and replied.author.id == bot.id


def _strip_mention(bot: discord.ClientUser, message: discord.Message) -> str:
    role = message.guild.self_role if message.guild else None
    ours = [rf"<@!?{bot.id}>", *([rf"<@&{role.id}>"] if role else [])]
    return re.sub(rf"\s*(?:{'|'.join(ours)})", "", message.content).strip()
