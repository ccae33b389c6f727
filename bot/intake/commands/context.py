"""What a command is given to do its work with."""

from __future__ import annotations

from dataclasses import dataclass

from bot.answering.cancellation import RunningAnswers
from bot.answering.composer import Composer
from bot.core.conversation import Conversation
from bot.core.i18n import Translator
from bot.core.messages import Incoming
from bot.intake.access import AccessPolicy, Permissions
from bot.intake.commands.registry import CommandRegistry
from bot.library.search import Library
from bot.memory import PersonalMemory
from bot.minds import Mind
from db.infra.connection import PersonConnection
from db.turns.turns import Turn


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
