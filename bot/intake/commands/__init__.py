"""What people can ask the service itself; importing this package fills the one registry."""

from bot.intake.commands import admin, basics, library, linking, memory, modes, privacy
from bot.intake.commands.context import COMMANDS, CommandContext
from bot.intake.commands.registry import AskQuestion, Command, CommandRegistry
from bot.turns.command_result import CommandResult

__all__ = [
    "COMMANDS",
    "AskQuestion",
    "Command",
    "CommandContext",
    "CommandRegistry",
    "CommandResult",
    "admin",
    "basics",
    "library",
    "linking",
    "memory",
    "modes",
    "privacy",
]
