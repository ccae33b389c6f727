"""The inbox: receives the messages of every channel and stores each in one transaction before anything else is done.

A command runs in that same transaction, so it happens once however often its update comes. A question becomes a turn.
Of the turns that wait in a session only the first has a job; whoever ends a turn enqueues the job of the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeVar
from uuid import UUID

from bot.answering.cancellation import RunningAnswers
from bot.answering.composer import Composer
from bot.core.conversation import Conversation, detect_message_language, open_conversation
from bot.core.errors import AlreadyRefused, MessageNotStored
from bot.core.i18n import Translator
from bot.core.media import describe_unread
from bot.core.messages import Address, Incoming, Outcome
from bot.core.quotations import quotations_to_json
from bot.core.tool_steps import steps_to_json
from bot.intake.access import AccessDenied, AccessPolicy, Permissions, with_granted_roles
from bot.intake.commands import COMMANDS, AskQuestion, Command, CommandContext, CommandResult
from bot.intake.commands.context import ForgetWords
from bot.intake.interpretation import interpret_message
from bot.intake.joining import awaited_key, join_part, pause_for
from bot.intake.parsing import CommandCall
from bot.intake.rate_limits import OWN_DATA_COMMANDS, RateLimits, enforce_rate_limits, share_of
from bot.library.search import Library
from bot.memory import PersonalMemory
from bot.minds import Mind
from bot.turns.command_result import command_outcome, result_to_json
from bot.turns.failures import as_consilium_error, failed_outcome
from bot.turns.queue import DELIVERY_PRIORITY, answer_entrypoint, delivery_entrypoint
from bot.turns.traces import trace_stage
from consilium.errors import N_, ConsiliumError
from consilium.retry import BackoffConfig, retry
from db.errors import DatabaseUnavailable, DuplicateUpdate, TransactionConflict
from db.infra.connection import Connection, PersonConnection
from db.infra.database import Database
from db.turns import deliveries, jobs, states, turns
from db.turns.turns import NewTurn, Turn

T = TypeVar("T")

EDIT_WINDOW: Final = 3600.0
"""Seconds after a question within which an edit of it is asked again."""
_CONFLICT_BACKOFF: Final = BackoffConfig(initial=0.02, maximum=0.5, jitter=0.5)
"""Before a transaction is repeated that other transactions got in the way of."""
FILE_NOT_READ: Final = N_("I have not read the attached file: send it without a command.")


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message that is stored."""

    conversation: Conversation
    turn: Turn
    turns_ahead: int = 0
    """Questions of the session that are answered before this one."""
    is_new: bool = True
    """False when the same update was received before."""

    @property
    def command_outcome(self) -> Outcome | None:
        """The outcome of a command; None for a question."""
        return command_outcome(self.turn) if self.turn.kind == "command" else None


class Inbox:
    """Receives messages: checks access and limits, runs commands, and queues questions.

    Args:
        turn_timeout: how long a question may take until it is given up.
        library: what /library searches.
        forget_words: see `CommandContext`.
    """

    def __init__(
        self,
        *,
        mind: Mind,
        database: Database,
        memory: PersonalMemory,
        composer: Composer,
        running_answers: RunningAnswers,
        rate_limits: RateLimits,
        turn_timeout: timedelta,
        access_policy: AccessPolicy,
        library: Library,
        forget_words: ForgetWords | None = None,
    ) -> None:
        self._mind = mind
        self._database = database
        self._memory = memory
        self._composer = composer
        self._running_answers = running_answers
        self._rate_limits = rate_limits
        self._turn_timeout = turn_timeout
        self.access_policy = access_policy
        self._library = library
        self._forget_words = forget_words

    @property
    def commands(self) -> Sequence[Command[CommandContext]]:
        """The commands that everybody has, for menus and completion."""
        return COMMANDS.visible()

    async def commands_for(self, incoming: Incoming) -> Sequence[Command[CommandContext]]:
        """The commands that the sender has, for a menu of their own; none when they have no access."""
        async with self._database.anonymous_transaction() as connection:
            access = await self.access_policy.check(connection, incoming)
        return () if isinstance(access, AccessDenied) else COMMANDS.visible(include_admin=access.is_admin)

    async def receive(self, incoming: Incoming, process_id: UUID | None = None) -> Receipt:
        """Store a message; once this returns, it is safe and will be answered.

        Args:
            process_id: the process that shows the answer itself; for messages without an address.

        Raises:
            MessageRefused: the message is not accepted, and why; a refusal that `is_silent` is not shown.
            DatabaseUnavailable: it is not stored; the platform has to deliver it again.
        """
        return await retry(
            lambda: self._receive(incoming, process_id), on=TransactionConflict, backoff=_CONFLICT_BACKOFF, attempts=5
        )

    async def _receive(self, incoming: Incoming, process_id: UUID | None) -> Receipt:
        """Store a message in one transaction; all of it can be repeated after one that was rolled back."""
        began = time.time()
        try:
            async with self._database.anonymous_transaction(by_key=True) as connection:
                access = await self.access_policy.check(connection, incoming)
                if isinstance(access, AccessDenied):
                    # The notice is counted in a transaction that commits, or it would be sent for every message.
                    send_notice = await self.access_policy.should_send_denial(connection, incoming)
                else:
                    receipt = await self._accept(connection, with_granted_roles(incoming, access), access, process_id)
        except DuplicateUpdate:
            return await self._already_accepted(incoming)
        if isinstance(access, AccessDenied):
            raise access if send_notice else AlreadyRefused
        trace_stage(receipt.turn.id, "take_in", began, time.time(), {"consilium.platform": incoming.platform})
        return receipt

    async def current_mode(self, incoming: Incoming) -> str:
        """The session's mode in canonical form, for channels that show it before anything is asked."""
        async with self._database.anonymous_transaction() as connection:
            conversation, _ = await self._open_conversation(connection, incoming)
        return conversation.session.mode

    async def supersedes_last_question(self, incoming: Incoming, matches_address: Callable[[Address], bool]) -> bool:
        """Whether an edited message is to be received again: it is the session's last question, and its text changed.

        If so, the answer to the former text is stopped.

        Args:
            incoming: the message as it is now.
            matches_address: whether an address belongs to this message as it was before the edit.
        """
        if incoming.text.startswith("/"):
            return False
        async with self._database.anonymous_transaction() as connection:
            conversation, person = await self._open_conversation(connection, incoming)
            last = await turns.last_question(person, conversation.session.id)
            if last is None or not matches_address(last.address or {}) or last.question == incoming.text:
                return False
            if last.joined_updates:
                # The edit has only one of the parts that the question consists of.
                return False
            stopped = await states.request_stop(person, conversation.session.id, last.id)
        if stopped is not None:
            self._running_answers.stop(stopped)
        return True

    async def stop(self, incoming: Incoming) -> bool:
        """Stop the answer that is being generated in this session; False when there is none."""
        async with self._database.anonymous_transaction() as connection:
            conversation, person = await self._open_conversation(connection, incoming)
            stopped = await states.request_stop(person, conversation.session.id)
        if stopped is not None:
            self._running_answers.stop(stopped)
        return stopped is not None

    def refusal_outcome(self, incoming: Incoming, error: Exception) -> Outcome:
        """What to show for a message that was not accepted."""
        return failed_outcome(
            Outcome(self._mind.default_mode),
            as_consilium_error(error, MessageNotStored),
            Translator(detect_message_language(incoming)),
        )

    async def _open_conversation(
        self, connection: Connection, incoming: Incoming
    ) -> tuple[Conversation, PersonConnection]:
        return await open_conversation(connection, incoming, mind=self._mind.name, default_mode=self._mind.default_mode)

    async def _accept(
        self, connection: Connection, incoming: Incoming, permissions: Permissions, process_id: UUID | None
    ) -> Receipt:
        conversation, person = await self._open_conversation(connection, incoming)
        session = conversation.session
        if incoming.update and await turns.find_by_update(person, session.id, incoming.update):
            raise DuplicateUpdate
        message = interpret_message(conversation, incoming, permissions, self._mind)
        if isinstance(message, AskQuestion) and incoming.part is not None and incoming.address is not None:
            joined = await join_part(person, session.id, incoming, incoming.part, message)
            if joined is not None:
                return Receipt(conversation, joined)
        command = message.name if isinstance(message, CommandCall) else None
        if command != "stop":
            await enforce_rate_limits(
                person, self._rate_limits, conversation.user.id, incoming, own_data=command in OWN_DATA_COMMANDS
            )
        turn = await turns.accept(person, session.id, self._new_turn(conversation, incoming, message, process_id))
        if isinstance(message, CommandCall):
            context = CommandContext(
                connection=person,
                conversation=conversation,
                turn=turn,
                incoming=incoming,
                permissions=permissions,
                commands=COMMANDS,
                mind=self._mind,
                composer=self._composer,
                memory=self._memory,
                library=self._library,
                running_answers=self._running_answers,
                access_policy=self.access_policy,
                forget_words=self._forget_words,
            )
            turn = await self._run_command(context, message)
            # /link may have merged the sender into another person, who owns the turn now.
            person = await connection.become_person(turn.user_id)
        return await self._enqueue(person, conversation, incoming, turn)

    def _new_turn(
        self,
        conversation: Conversation,
        incoming: Incoming,
        message: CommandCall | AskQuestion,
        process_id: UUID | None,
    ) -> NewTurn:
        if isinstance(message, CommandCall):
            new_turn = NewTurn(question=incoming.text, asked_mode=conversation.session.mode, kind="command")
        else:
            new_turn = NewTurn(
                question=message.question, asked_mode=message.mode, consilium=message.consilium, files=message.files
            )
        client = incoming.client_conversation
        if client is not None and client.is_stateless:
            # Its text stays in this process, which answers it.
            new_turn = replace(new_turn, question="")
        elif client is not None:
            new_turn = replace(
                new_turn,
                previous_id=client.previous_turn,
                tool_steps=steps_to_json(client.steps),
                metadata=client.metadata,
            )
        return replace(
            new_turn,
            update_id=incoming.update,
            roles=incoming.roles,
            language=conversation.detected_language,
            address=incoming.address,
            process_id=process_id,
            timeout=self._turn_timeout,
            quotations=None if client and client.is_stateless else quotations_to_json(incoming.quotations),
            unread=incoming.unread,
            # What belongs to a program is recalled and remembered as little as what a chat says.
            sender_is_chat=incoming.sender_is_chat or (client is not None and client.has_no_memory),
            part_key=awaited_key(incoming),
            join_within=pause_for(incoming),
            share=share_of(incoming),
        )

    async def _enqueue(
        self, person: PersonConnection, conversation: Conversation, incoming: Incoming, turn: Turn
    ) -> Receipt:
        """Enqueue the job that shows a command's reply or answers a question.

        A message without an address has no job, as this process shows its answer itself; nor has a question that waits
        for others of its session.
        """
        if turn.kind == "command":
            if incoming.address is not None:
                await jobs.enqueue(
                    person, delivery_entrypoint(self._mind.name), turn.id, turn.user_id, priority=DELIVERY_PRIORITY
                )
            return Receipt(conversation, turn)
        ahead = await turns.count_ahead(person, turn)
        if incoming.address is not None and ahead == 0:
            delay = pause_for(incoming)
            await jobs.enqueue(person, answer_entrypoint(self._mind.name), turn.id, turn.user_id, delay=delay)
        return Receipt(conversation, turn, ahead)

    async def _already_accepted(self, incoming: Incoming) -> Receipt:
        assert incoming.update is not None
        async with self._database.anonymous_transaction() as connection:
            conversation, person = await self._open_conversation(connection, incoming)
            turn = await turns.find_by_update(person, conversation.session.id, incoming.update)
        assert turn is not None
        return Receipt(conversation, turn, is_new=False)

    async def _run_command(self, context: CommandContext, call: CommandCall) -> Turn:
        """Run a command and save its result; a command that asks a question turns its turn into that question."""
        conversation, turn = context.conversation, context.turn
        result: CommandResult | AskQuestion = CommandResult("")
        error = None
        # A command may search in all that there is.
        await context.connection.plan_by_value()
        try:
            async with context.connection.savepoint():
                result = await _execute(context, call)
        except DatabaseUnavailable:
            # The message is not stored at all, and comes again.
            raise
        except ConsiliumError as refusal:
            error = failed_outcome(Outcome(""), refusal, conversation.say).error
        person = await context.connection.become_person(conversation.user.id)
        if isinstance(result, AskQuestion):
            await states.convert_to_question(
                person,
                turn,
                result.question,
                result.mode,
                consilium=result.consilium,
                files=result.files,
                quotations=result.quotations,
            )
        else:
            text = result.text
            if context.incoming.files:
                text = f"{text}\n\n{conversation.say(FILE_NOT_READ)}".strip()
            if context.incoming.unread:
                text = f"{text}\n\n{describe_unread(context.incoming.unread, conversation.say)}".strip()
            await states.save_command_result(
                person, turn, text, result_to_json(result), error, conversation.session.mode
            )
            await deliveries.save_files(person, turn.id, [(file.name, file.content) for file in result.files])
        return await turns.get(person, turn.id)


async def _execute(context: CommandContext, call: CommandCall) -> CommandResult | AskQuestion:
    command = context.commands.find(call.name, include_admin=context.permissions.is_admin)
    if context.incoming.sender_is_chat and (command.private_only or command.personal):
        return CommandResult(
            context.say("I remember nothing about a channel or an anonymous admin: write to me as yourself for that.")
        )
    if command.private_only and context.incoming.chat is not None:
        usage = command.localized_usage(context.say)
        return CommandResult(
            context.say("That is between the two of us: send me {usage} in a private chat.", usage=usage)
        )
    return await command.run(context, call.argument)
