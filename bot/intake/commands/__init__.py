"""The commands of every channel. Each module registers its own; `COMMANDS` joins them in the order that /help shows."""

from typing import Final

from bot.intake.commands import admin, basics, forget, library, linking, memory, modes, privacy, why
from bot.intake.commands.context import CommandContext
from bot.intake.commands.registry import AskQuestion, Command, CommandRegistry
from bot.turns.command_result import CommandResult

COMMANDS: Final[CommandRegistry[CommandContext]] = CommandRegistry()
"""Every command there is."""
for _registry in (
    basics.commands,
    modes.commands,
    memory.commands,
    forget.commands,
    library.commands,
    why.commands,
    linking.commands,
    privacy.commands,
    admin.commands,
):
    COMMANDS.include(_registry)

__all__ = ["COMMANDS", "AskQuestion", "Command", "CommandContext", "CommandRegistry", "CommandResult"]
