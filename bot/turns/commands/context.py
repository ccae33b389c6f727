"""What a command is given to do its work with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bot.locales import Translator
from bot.mind import Mind
from bot.modes.composer import Composer
from bot.recall.memory import PersonalMemory
from bot.turns.commands.registry import Registry
from bot.turns.conversation import Conversation
from bot.turns.running import RunningTurns
from db.database import Database


@dataclass(frozen=True, slots=True)
class CommandContext:
    """One call: who asks, and the parts of the service a command may touch."""

    conversation: Conversation
    roles: Collection[str]
    mind: Mind
    composer: Composer
    database: Database
    memory: PersonalMemory
    running: RunningTurns

    @property
    def say(self) -> Translator:
        return self.conversation.say


COMMANDS: Registry[CommandContext] = Registry()
"""Every command of every channel."""
