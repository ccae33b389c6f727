"""The channels of a process, whatever their platforms."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastapi import APIRouter

from bot.app.monitoring import ReadinessCheck
from bot.app.settings import Settings
from bot.core.errors import BotError
from bot.core.ports import Gateway, Platform
from consilium.errors import N_


class NoChannelConfigured(BotError):
    """A gateway is started, and no channel is set up."""

    sentence = N_("No channel is set up, so there is nothing to receive from.")
    remedy = N_("Set CONSILIUM_TELEGRAM_TOKEN or CONSILIUM_DISCORD_TOKEN; .env.example says where they come from.")
    exit_code = 2


@dataclass(slots=True)
class Channels:
    """The channels that are set up."""

    platforms: dict[str, Platform] = field(default_factory=dict)
    """What shows answers, by name; in every process that has answers to show."""
    gateways: dict[str, Gateway] = field(default_factory=dict)
    """What receives messages, by name; in gateways only."""
    connection_checks: dict[str, ReadinessCheck] = field(default_factory=dict)
    """Whether each gateway is connected to its platform."""
    routers: list[APIRouter] = field(default_factory=list)
    """What platforms post to, for the HTTP server of the process."""

    def merge(self, other: Channels) -> None:
        """Add the channels of `other`."""
        self.platforms |= other.platforms
        self.gateways |= other.gateways
        self.connection_checks |= other.connection_checks
        self.routers += other.routers


def has_channel(settings: Settings) -> bool:
    """Whether the settings have a channel to receive from."""
    return settings.telegram_token is not None or settings.discord_token is not None
