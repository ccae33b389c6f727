"""Shows answers on Discord from any process, through its REST API alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection

from bot.channels.discord.addresses import target_from_address
from bot.channels.discord.answer_messages import answer_messages_at
from bot.channels.discord.attachments import download
from bot.channels.discord.components import ComponentBuilder
from bot.channels.discord.rendering import AnswerRenderer
from bot.channels.discord.reply import DiscordReply
from bot.channels.discord.rest import RestClient
from bot.core.i18n import Translator
from bot.core.messages import Address
from bot.core.ports import Parts
from bot.minds import Mind

PLATFORM = "discord"


class DiscordPlatform:
    """`bot.core.ports.Platform` of Discord. Connects when it is first used; `close` it at the end."""

    def __init__(self, token: str, mind: Mind, commands: Collection[str]) -> None:
        """
        Args:
            commands: names of the registered commands; answers get buttons for some of them.
        """
        self.rest = RestClient(token)
        self.components = ComponentBuilder(mind, frozenset(commands))

    @property
    def name(self) -> str:
        return PLATFORM

    def reply(self, address: Address, parts: Parts, say: Translator) -> DiscordReply:
        target = target_from_address(address)
        renderer = AnswerRenderer(target.person, say, self.components)
        return DiscordReply(answer_messages_at(self.rest, target), parts, renderer)

    def fetch(self, handle: Address) -> AsyncGenerator[bytes, None]:
        return download(self.rest, handle)

    async def delete_deferred_reply(self, address: Address) -> None:
        """Delete the deferred answer to an interaction.

        Raises:
            DeliveryError: it could not be deleted.
        """
        target = target_from_address(address)
        if target.token is not None and target.token.original is not None:
            await answer_messages_at(self.rest, target).delete(target.token.original)

    async def close(self) -> None:
        """Close the connections."""
        await self.rest.close()
