"""Shows answers on Discord from any process, by REST alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection

from bot.channels.discord.addresses import read_spot
from bot.channels.discord.components import Components
from bot.channels.discord.files import download
from bot.channels.discord.rendering import Rendering
from bot.channels.discord.reply import DiscordReply
from bot.channels.discord.rest import Rest
from bot.channels.discord.surfaces import surface_at
from bot.channels.port import Address, Parts
from bot.locales import Translator
from bot.mind import Mind

PLATFORM = "discord"


class DiscordPlatform:
    """`bot.channels.port.Platform` of Discord. Connects when it is first needed; `close` it at the end."""

    def __init__(self, token: str, mind: Mind, commands: Collection[str]) -> None:
        """
        Args:
            commands: names of those in the registry; answers get buttons for some of them.
        """
        self.rest = Rest(token)
        self.components = Components(mind, frozenset(commands))

    @property
    def name(self) -> str:
        return PLATFORM

    def reply(self, address: Address, parts: Parts, say: Translator) -> DiscordReply:
        spot = read_spot(address)
        return DiscordReply(surface_at(self.rest, spot), parts, Rendering(spot.person, say, self.components))

    def fetch(self, handle: Address) -> AsyncGenerator[bytes, None]:
        return download(self.rest, handle)

    async def withdraw(self, address: Address) -> None:
        """Take back the promise of an answer to an interaction.

        Raises:
            DeliveryError: it stays.
        """
        spot = read_spot(address)
        if spot.token is not None and spot.token.original is not None:
            await surface_at(self.rest, spot).delete(spot.token.original)

    async def close(self) -> None:
        """Drop the connections."""
        await self.rest.close()
