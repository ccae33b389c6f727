"""What people can ask the service itself; importing this package fills the one registry."""

from bot.turns.commands import admin, basics, consilium, forgetting, library, linking, memories, modes, privacy
from bot.turns.commands.context import COMMANDS, CommandContext
from bot.turns.commands.registry import AskQuestion, Command, CommandRegistry, CommandResult

__all__ = [
    "COMMANDS",
    "AskQuestion",
    "Command",
    "CommandContext",
    "CommandRegistry",
    "CommandResult",
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
