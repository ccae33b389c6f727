"""Routes of application commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.discord.calls import Answer, Call
from tests.fakes.discord.errors import refusal

if TYPE_CHECKING:
    from tests.fakes.discord.server import DiscordFake


def _scope(fake: DiscordFake, call: Call) -> int | None:
    if call.id("application") != fake.application_id:
        raise refusal(20012)
    if "guild" not in call.path:
        return None
    guild = fake.world.guilds.get(call.id("guild"))
    if guild is None or fake.world.bot.id not in guild.members:
        raise refusal(50001)
    return guild.id


async def listed(fake: DiscordFake, call: Call) -> Answer:
    """The commands there are."""
    return 200, fake.commands.of.get(_scope(fake, call), [])


async def overwrite(fake: DiscordFake, call: Call) -> Answer:
    """All commands at once."""
    return 200, fake.commands.overwrite(_scope(fake, call), call.body)


async def one(fake: DiscordFake, call: Call) -> Answer:
    """One command."""
    for command in fake.commands.of.get(_scope(fake, call), []):
        if command["id"] == call.path["command"]:
            return 200, command
    raise refusal(10063)


ROUTES = {
    "GET /applications/{application}/commands": listed,
    "PUT /applications/{application}/commands": overwrite,
    "GET /applications/{application}/commands/{command}": one,
    "GET /applications/{application}/guilds/{guild}/commands": listed,
    "PUT /applications/{application}/guilds/{guild}/commands": overwrite,
    "GET /applications/{application}/guilds/{guild}/commands/{command}": one,
}
