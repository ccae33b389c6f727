"""Where every message of every channel comes in: it is kept before anything is done with it, and always answered."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from bot.channels.port import Incoming, Outcome, Reply
from bot.errors import explain
from bot.locales import Translator
from bot.mind import Mind
from bot.modes.composer import Composer
from bot.modes.errors import ModeError
from bot.modes.expression import ModeExpression, parse
from bot.modes.phrases import recognise
from bot.modes.trigger import read_trigger
from bot.recall.memory import PersonalMemory
from bot.turns.commands import COMMANDS, Command, CommandContext
from bot.turns.conversation import Conversation, heard_language, open_conversation
from bot.turns.errors import EmptyMessage, MessageRefused, Unexpected
from bot.turns.pipeline import Draft, Pipeline
from bot.turns.reading import CommandCall, read
from bot.turns.running import RunningTurns
from consilium.errors import ConsiliumError
from db import turns
from db.database import Database
from db.errors import DatabaseError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the mode it is to be answered in."""

    question: str
    mode: ModeExpression


class Inbox:
    """Receives messages, runs commands and hands questions to the pipeline."""

    def __init__(
        self,
        mind: Mind,
        database: Database,
        memory: PersonalMemory,
        composer: Composer,
        pipeline: Pipeline,
        running: RunningTurns,
    ) -> None:
        self._mind = mind
        self._database = database
        self._memory = memory
        self._composer = composer
        self._pipeline = pipeline
        self._running = running

    @property
    def commands(self) -> Sequence[Command[CommandContext]]:
        """Every command, for menus and completion."""
        return tuple(COMMANDS)

    async def receive(self, incoming: Incoming, reply: Reply, roles: frozenset[str] = frozenset()) -> Outcome:
        """Answer one message. Never raises for what can be said to the person instead."""
        draft = Draft(self._mind.default_mode)
        say = Translator(heard_language(incoming))
        try:
            conversation = await open_conversation(self._database, self._mind, incoming)
            draft.mode, say = conversation.session.mode, conversation.say
            outcome = await self._respond(conversation, incoming.text, draft, reply, roles)
        except ConsiliumError as error:
            outcome = _failed(Outcome(draft.mode), error, say)
        except Exception as error:
            outcome = _failed(Outcome(draft.mode), _unexpected(error), say)
        await reply.finish(outcome)
        return outcome

    async def mode_of(self, incoming: Incoming) -> str:
        """The session's mode in canonical form, for channels that show it before anything is asked."""
        conversation = await open_conversation(self._database, self._mind, incoming)
        return conversation.session.mode

    async def stop(self, incoming: Incoming) -> bool:
        """Stop the answer being written in this session; False when there is none."""
        conversation = await open_conversation(self._database, self._mind, incoming)
        return self._running.stop(conversation.session.id)

    async def _respond(
        self, conversation: Conversation, text: str, draft: Draft, reply: Reply, roles: frozenset[str]
    ) -> Outcome:
        message = self._understand(conversation, text)
        if isinstance(message, CommandCall):
            context = CommandContext(
                conversation, roles, self._mind, self._composer, self._database, self._memory, self._running
            )
            said = await COMMANDS[message.name].run(context, message.argument)
            return Outcome(conversation.session.mode, said.text, said.table)
        return await self._ask(conversation, message, draft, reply, roles)

    def _understand(self, conversation: Conversation, text: str) -> CommandCall | Asked:
        """A command, a mode switch said in a sentence, or a question with the mode to answer it in."""
        message = read(text)
        if isinstance(message, CommandCall):
            return message
        if (expression := recognise(message.text, self._mind)) is not None:
            return CommandCall("mode", expression)
        if (trigger := read_trigger(message.text, self._mind)) is not None:
            if not trigger.message.strip():
                raise EmptyMessage
            return Asked(trigger.message, trigger.expression)
        return Asked(message.text, parse(conversation.session.mode))

    async def _ask(
        self, conversation: Conversation, asked: Asked, draft: Draft, reply: Reply, roles: frozenset[str]
    ) -> Outcome:
        async with self._database.person(conversation.user.id) as connection:
            turn = await turns.accept(connection, conversation.session.id, asked.question)
        with structlog.contextvars.bound_contextvars(turn=str(turn.id), session=str(turn.session_id)):
            try:
                return await self._pipeline.answer(conversation, turn, asked.mode, roles, draft, reply)
            except ConsiliumError as error:
                failure = error
            except Exception as error:
                failure = _unexpected(error)
            await self._fail(conversation, turn, draft, failure)
            return _failed(draft.outcome(turn), failure, conversation.say)

    async def _fail(self, conversation: Conversation, turn: turns.Turn, draft: Draft, error: ConsiliumError) -> None:
        log.warning("turn.failed", error=type(error).__name__, reason=str(error))
        try:
            async with self._database.person(conversation.user.id) as connection:
                await turns.finish(connection, turn.id, "failed", answer=draft.text or None, error=str(error))
        except DatabaseError as gone:
            # The turn stays unfinished in the database, which is the truth.
            log.warning("turn.failure_not_saved", reason=str(gone))


def _failed(outcome: Outcome, error: ConsiliumError, say: Translator) -> Outcome:
    at_fault = not isinstance(error, (ModeError, MessageRefused))
    return replace(outcome, error=explain(error, say.language, say.template), at_fault=at_fault)


def _unexpected(error: Exception) -> Unexpected:
    reference = secrets.token_hex(4)
    log.error("unexpected", reference=reference, exc_info=error)
    return Unexpected(reference)
