"""Where every message of every channel comes in: it is kept, in one transaction, before anything is done with it.

A command is run in that very transaction, so it happens once however often its update comes. A question becomes a turn
with a job; the first that waits in its session has one, and who ends a turn makes the next one's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from bot.channels.port import Address, Incoming, Outcome
from bot.locales import Translator
from bot.mind import Mind
from bot.modes.composer import Composer
from bot.modes.phrases import recognise
from bot.modes.trigger import read_trigger
from bot.recall.library.search import Library
from bot.recall.memory import PersonalMemory
from bot.turns.access import Doorkeeper, NotLetIn, Standing, admitted
from bot.turns.admission import OWN_DATA, Ceilings, admit
from bot.turns.commands import COMMANDS, Ask, Command, CommandContext, Said
from bot.turns.conversation import Conversation, heard_language, open_conversation
from bot.turns.documents.sent import Sending
from bot.turns.errors import EmptyMessage, PassedOver
from bot.turns.failures import failed, foreseen
from bot.turns.jobs import SAY_FIRST, answer_jobs, say_jobs
from bot.turns.reading import CommandCall, legible, read
from bot.turns.running import RunningTurns
from bot.turns.said import document_of, said_by
from bot.turns.traces import trace_stage
from consilium.errors import N_, ConsiliumError
from db import files, jobs, turn_states, turns
from db.connection import Connection
from db.database import Database
from db.errors import UpdateTakenIn
from db.turns import Arrival, Turn

CHANGEABLE: Final = 3600.0
"""Seconds for which a question that is changed is asked again."""
NOT_READ: Final = N_("I have not read the file that came with it: send it without a command.")


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message that has been taken in."""

    conversation: Conversation
    turn: Turn
    ahead: int = 0
    """Questions of the session that are to be answered before this one."""
    is_new: bool = True
    """False when the same update had been taken in before."""

    @property
    def said(self) -> Outcome | None:
        """What a command answers; None for a question."""
        return said_by(self.turn) if self.turn.kind == "command" else None


class Inbox:
    """Takes messages in."""

    def __init__(
        self,
        mind: Mind,
        database: Database,
        memory: PersonalMemory,
        composer: Composer,
        running: RunningTurns,
        ceilings: Ceilings,
        patience: timedelta,
        door: Doorkeeper,
        library: Library,
    ) -> None:
        self._mind = mind
        self._database = database
        self._memory = memory
        self._composer = composer
        self._running = running
        self._ceilings = ceilings
        self._patience = patience
        self._door = door
        self._library = library

    @property
    def commands(self) -> Sequence[Command[CommandContext]]:
        """The commands that everybody has, for menus and completion."""
        return COMMANDS.visible()

    async def commands_for(self, incoming: Incoming) -> Sequence[Command[CommandContext]]:
        """The commands that this person has, for a menu of his own; none when he is not let in."""
        async with self._database.nobody() as connection:
            standing = await self._door.look(connection, incoming)
        return () if isinstance(standing, NotLetIn) else COMMANDS.visible(to_admin=standing.is_admin)

    async def receive(self, incoming: Incoming, process_id: UUID | None = None) -> Receipt:
        """Take a message in; once this returns it is safe, and will be answered.

        Args:
            process_id: the process that shows the answer itself; for messages without an address.

        Raises:
            MessageRefused: it is not taken in, and why; nothing is said of one that `is_silent`.
            DatabaseError: it is not taken in; the platform has to hand it over again.
        """
        began = time.time()
        try:
            async with self._database.nobody() as connection:
                standing = await self._door.look(connection, incoming)
                if isinstance(standing, NotLetIn):
                    # Counted in a transaction that is committed, or he would be told again and again.
                    told_now = await self._door.may_tell(connection, incoming)
                else:
                    receipt = await self._take_in(connection, admitted(incoming, standing), standing, process_id)
        except UpdateTakenIn as again:
            return await self._taken_in(incoming, again)
        if isinstance(standing, NotLetIn):
            raise standing if told_now else PassedOver
        trace_stage(receipt.turn.id, "take_in", began, time.time(), {"consilium.platform": incoming.platform})
        return receipt

    async def mode_of(self, incoming: Incoming) -> str:
        """The session's mode in canonical form, for channels that show it before anything is asked."""
        async with self._database.nobody() as connection:
            conversation, _ = await open_conversation(connection, self._mind, incoming)
        return conversation.session.mode

    async def supersedes(self, incoming: Incoming, is_of: Callable[[Address], bool]) -> bool:
        """Whether a message that was changed is to be received anew: it is the session's last question, and asks
        something else now. What it asked before is stopped then.

        Args:
            is_of: whether this address was made for the message, before it was changed to what it says now.
        """
        if incoming.text.startswith("/"):
            return False
        async with self._database.nobody() as connection:
            conversation, person = await open_conversation(connection, self._mind, incoming)
            last = await turns.last_question(person, conversation.session.id)
            if last is None or not is_of(last.address or {}) or last.question == incoming.text:
                return False
            stopped = await turn_states.ask_stop(person, conversation.session.id, last.id)
        if stopped is not None:
            self._running.stop(stopped)
        return True

    async def stop(self, incoming: Incoming) -> bool:
        """Stop the answer being made in this session; False when there is none."""
        async with self._database.nobody() as connection:
            conversation, person = await open_conversation(connection, self._mind, incoming)
            stopped = await turn_states.ask_stop(person, conversation.session.id)
        if stopped is not None:
            self._running.stop(stopped)
        return stopped is not None

    def refusal(self, incoming: Incoming, error: Exception) -> Outcome:
        """What to say of a message that was not taken in."""
        return failed(Outcome(self._mind.default_mode), foreseen(error), Translator(heard_language(incoming)))

    async def _take_in(
        self, connection: Connection, incoming: Incoming, standing: Standing, process_id: UUID | None
    ) -> Receipt:
        conversation, person = await open_conversation(connection, self._mind, incoming)
        session = conversation.session
        if incoming.update and await turns.by_update(person, session.id, incoming.update):
            raise UpdateTakenIn(update=incoming.update)
        message = self._understand(conversation, incoming, standing)
        command = message.name if isinstance(message, CommandCall) else None
        if command != "stop":
            await admit(person, self._ceilings, conversation.user.id, incoming, own_data=command in OWN_DATA)
        arrival = Arrival(
            question=incoming.text if isinstance(message, CommandCall) else message.question,
            asked_mode=session.mode if isinstance(message, CommandCall) else message.mode,
            consilium=isinstance(message, Ask) and message.consilium,
            kind="command" if isinstance(message, CommandCall) else "question",
            update_id=incoming.update,
            roles=incoming.roles,
            language=conversation.heard,
            address=incoming.address,
            process_id=process_id,
            patience=self._patience,
            files=message.files if isinstance(message, Ask) else None,
        )
        turn = await turns.accept(person, session.id, arrival)
        if isinstance(message, CommandCall):
            context = CommandContext(
                person,
                conversation,
                turn,
                incoming,
                self._mind,
                self._composer,
                self._memory,
                self._library,
                self._running,
                self._door,
                standing,
            )
            turn = await self._run_command(context, message)
            # A command may have made the person one with another, whose the rest of the transaction is then.
            person = await connection.become(turn.user_id)
        if turn.kind == "command":
            if incoming.address is not None:
                await jobs.enqueue(person, say_jobs(self._mind.name), turn.id, turn.user_id, priority=SAY_FIRST)
            return Receipt(conversation, turn)
        ahead = await turns.ahead_of(person, turn)
        if incoming.address is not None and ahead == 0:
            await jobs.enqueue(person, answer_jobs(self._mind.name), turn.id, turn.user_id)
        return Receipt(conversation, turn, ahead)

    async def _taken_in(self, incoming: Incoming, again: UpdateTakenIn) -> Receipt:
        async with self._database.nobody() as connection:
            conversation, person = await open_conversation(connection, self._mind, incoming)
            turn = await turns.by_update(person, conversation.session.id, str(again.details["update"]))
        assert turn is not None
        return Receipt(conversation, turn, is_new=False)

    def _understand(self, conversation: Conversation, incoming: Incoming, standing: Standing) -> CommandCall | Ask:
        """A command, a mode switch said in a sentence, or a question with the mode to answer it in.

        What an owner or an admin sends goes into the library; documents may come without a word.
        """
        if incoming.given is not None:
            return Ask(legible(incoming.text), incoming.given.mode)
        files = None
        if incoming.files:
            files = Sending.of(incoming.files, "library" if standing.is_admin else "memory").document()
        session = conversation.session
        try:
            message = read(incoming.text)
        except EmptyMessage:
            if files is None:
                raise
            return Ask("", session.mode, session.consilium, files)
        if isinstance(message, CommandCall):
            return message
        if (expression := recognise(message.text, self._mind)) is not None:
            return CommandCall("mode", expression)
        if (trigger := read_trigger(message.text, self._mind)) is not None:
            if not trigger.message.strip() and files is None:
                raise EmptyMessage
            return Ask(trigger.message.strip(), str(trigger.expression), session.consilium, files)
        return Ask(message.text, session.mode, session.consilium, files)

    async def _run_command(self, context: CommandContext, call: CommandCall) -> Turn:
        """The turn with what the command has said; or, when it asks something, as that question."""
        conversation, turn = context.conversation, context.turn
        said: Said | Ask = Said("")
        error = None
        try:
            async with context.connection.attempt():
                said = await _answer(context, call)
        except ConsiliumError as refused:
            error = failed(Outcome(""), refused, conversation.say).error
        person = await context.connection.become(conversation.user.id)
        if isinstance(said, Ask):
            await turn_states.become_question(
                person, turn, said.question, said.mode, consilium=said.consilium, files=said.files
            )
        else:
            text = said.text
            if context.incoming.files:
                text = f"{text}\n\n{conversation.say(NOT_READ)}".strip()
            await turn_states.keep_said(person, turn, text, document_of(said), error, conversation.session.mode)
            await files.keep(person, turn.id, [(file.name, file.content) for file in said.files])
        return await turns.get(person, turn.id)


async def _answer(context: CommandContext, call: CommandCall) -> Said | Ask:
    command = COMMANDS.find(call.name, to_admin=context.standing.is_admin)
    if command.in_private and context.incoming.chat is not None:
        return Said(
            context.say("That is between the two of us: send me {usage} in a private chat.", usage=command.usage)
        )
    return await command.run(context, call.argument)
