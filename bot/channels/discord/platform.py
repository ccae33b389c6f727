"""Shows answers on Discord from any process, by REST alone."""

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
    """`bot.core.ports.Platform` of Discord. Connects when it is first needed; `close` it at the end."""

    def __init__(self, token: str, mind: Mind, commands: Collection[str]) -> None:
        """
        Args:
            commands: names of those in the registry; answers get buttons for some of them.
        """
        self.rest = RestClient(token)
        self.components = ComponentBuilder(mind, frozenset(commands))

    @property
    def name(self) -> str:
        return PLATFORM

    def reply(self, address: Address, parts: Parts, say: Translator) -> DiscordReply:
        spot = target_from_address(address)
        return DiscordReply(
            answer_messages_at(self.rest, spot), parts, AnswerRenderer(spot.person, say, self.components)
        )

    def fetch(self, handle: Address) -> AsyncGenerator[bytes, None]:
        return download(self.rest, handle)

    async def delete_deferred_reply(self, address: Address) -> None:
        """Take back the promise of an answer to an interaction.

        Raises:
            DeliveryError: it stays.
        """
        spot = target_from_address(address)
        if spot.token is not None and spot.token.original is not None:
            await answer_messages_at(self.rest, spot).delete(spot.token.original)

    async def close(self) -> None:
        """Drop the connections."""
        await self.rest.close()
