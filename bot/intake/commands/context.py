"""What a command has to work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
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

ForgetWords = Callable[[Sequence[tuple[str, str]]], Awaitable[None]]
"""Is given accounts by platform and id. It returns once it is written down; the work follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandContext:
    """One command call: its sender, and the parts of the service that a command may use.

    The command runs in the transaction that stores the message: its database changes happen once, or not at all.
    """

    connection: PersonConnection
    conversation: Conversation
    turn: Turn
    """The command's own turn."""
    incoming: Incoming
    permissions: Permissions
    """What the sender may do."""
    commands: CommandRegistry[CommandContext]
    """All commands, for /help."""
    mind: Mind
    composer: Composer
    memory: PersonalMemory
    library: Library
    """In a process that only receives messages it has no embedder and searches by words."""
    running_answers: RunningAnswers
    access_policy: AccessPolicy
    forget_words: ForgetWords | None
    """Has the words of accounts taken out of dialogues that were drawn from chats; None where that is not done."""

    @property
    def roles(self) -> frozenset[str]:
        return self.incoming.roles

    @property
    def say(self) -> Translator:
        return self.conversation.say
