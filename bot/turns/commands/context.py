"""What a command is given to do its work with."""

from __future__ import annotations

from dataclasses import dataclass

from bot.channels.port import Incoming
from bot.locales import Translator
from bot.mind import Mind
from bot.modes.composer import Composer
from bot.recall.library.search import Library
from bot.recall.memory import PersonalMemory
from bot.turns.access import AccessPolicy, Permissions
from bot.turns.commands.registry import CommandRegistry
from bot.turns.conversation import Conversation
from bot.turns.running import RunningAnswers
from db.connection import PersonConnection
from db.turns import Turn


@dataclass(frozen=True, slots=True)
class CommandContext:
    """One call: who asks, and the parts of the service a command may touch.

    It runs inside the transaction that takes the message in: what it does in the database happens once, or not at all.
    """

    connection: PersonConnection
    conversation: Conversation
    turn: Turn
    """The command's own turn."""
    incoming: Incoming
    mind: Mind
    composer: Composer
    memory: PersonalMemory
    library: Library
    """Of a process that only takes messages in it is searched by words alone."""
    running_answers: RunningAnswers
    access_policy: AccessPolicy
    permissions: Permissions
    """What the person may do."""

    @property
    def roles(self) -> frozenset[str]:
        return self.incoming.roles

    @property
    def say(self) -> Translator:
        return self.conversation.say


COMMANDS: CommandRegistry[CommandContext] = CommandRegistry()
"""Every command of every channel."""
