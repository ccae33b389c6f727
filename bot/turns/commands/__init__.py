"""What people can ask the service itself; importing this package fills the one registry."""

from bot.turns.commands import basics, memories, modes
from bot.turns.commands.context import COMMANDS, CommandContext
from bot.turns.commands.registry import Command, Registry, Said

__all__ = ["COMMANDS", "Command", "CommandContext", "Registry", "Said", "basics", "memories", "modes"]
