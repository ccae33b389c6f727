"""What people can ask the service itself; importing this package fills the one registry."""

from bot.turns.commands import admin, basics, consilium, forgetting, library, linking, memories, modes, privacy
from bot.turns.commands.context import COMMANDS, CommandContext
from bot.turns.commands.registry import Ask, Command, Registry, Said

__all__ = [
    "COMMANDS",
    "Ask",
    "Command",
    "CommandContext",
    "Registry",
    "Said",
    "admin",
    "basics",
    "consilium",
    "forgetting",
    "library",
    "linking",
    "memories",
    "modes",
    "privacy",
]
