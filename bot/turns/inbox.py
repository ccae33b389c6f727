"""Where every message of every channel comes in: it is kept, in one transaction, before anything is done with it.

A command is run in that very transaction, so it happens once however often its update comes. A question becomes a turn
with a job; the first that waits in its session has one, and who ends a turn makes the next one's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from bot.channels.port import Incoming, Outcome, Table
from bot.locales import Translator
from bot.mind import Mind
from bot.modes.composer import Composer
from bot.modes.phrases import recognise
from bot.modes.trigger import read_trigger
from bot.recall.memory import PersonalMemory
from bot.turns.admission import Ceilings, admit
from bot.turns.commands import COMMANDS, Command, CommandContext
from bot.turns.conversation import Conversation, heard_language, open_conversation
from bot.turns.errors import EmptyMessage
from bot.turns.failures import failed, foreseen
from bot.turns.jobs import SAY_FIRST, answer_jobs, say_jobs
from bot.turns.reading import CommandCall, read
from bot.turns.running import RunningTurns
from consilium.errors import ConsiliumError
from db import jobs, turn_states, turns
from db.connection import Connection, PersonConnection
from db.database import Database
from db.errors import UpdateTakenIn
from db.turns import Arrival, Turn


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the mode it is to be answered in."""

    question: str
    mode: str


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
    ) -> None:
        self._mind = mind
        self._database = database
        self._memory = memory
        self._composer = composer
        self._running = running
        self._ceilings = ceilings
        self._patience = patience

    @property
    def commands(self) -> Sequence[Command[CommandContext]]:
        """Every command, for menus and completion."""
        return tuple(COMMANDS)

    async def receive(self, incoming: Incoming, process_id: UUID | None = None) -> Receipt:
        """Take a message in; once this returns it is safe, and will be answered.

        Args:
            process_id: the process that shows the answer itself; for messages without an address.

        Raises:
            MessageRefused: it is not taken in, and why.
            DatabaseError: it is not taken in; the platform has to hand it over again.
        """
        try:
            async with self._database.nobody() as connection:
                return await self._take_in(connection, incoming, process_id)
        except UpdateTakenIn as again:
            return await self._taken_in(incoming, again)

    async def mode_of(self, incoming: Incoming) -> str:
        """The session's mode in canonical form, for channels that show it before anything is asked."""
        async with self._database.nobody() as connection:
            conversation, _ = await open_conversation(connection, self._mind, incoming)
        return conversation.session.mode

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

    async def _take_in(self, connection: Connection, incoming: Incoming, process_id: UUID | None) -> Receipt:
        conversation, person = await open_conversation(connection, self._mind, incoming)
        session = conversation.session
        if incoming.update and await turns.by_update(person, session.id, incoming.update):
            raise UpdateTakenIn(update=incoming.update)
        message = self._understand(conversation, incoming.text)
        if not (isinstance(message, CommandCall) and message.name == "stop"):
            await admit(person, self._ceilings, conversation.user.id, incoming)
        arrival = Arrival(
            question=incoming.text if isinstance(message, CommandCall) else message.question,
            asked_mode=session.mode if isinstance(message, CommandCall) else message.mode,
            kind="command" if isinstance(message, CommandCall) else "question",
            update_id=incoming.update,
            roles=incoming.roles,
            language=conversation.heard,
            address=incoming.address,
            process_id=process_id,
            patience=self._patience,
        )
        turn = await turns.accept(person, session.id, arrival)
        if isinstance(message, CommandCall):
            turn = await self._run_command(person, conversation, turn, message, incoming)
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
            return Asked(trigger.message, str(trigger.expression))
        return Asked(message.text, conversation.session.mode)

    async def _run_command(
        self,
        person: PersonConnection,
        conversation: Conversation,
        turn: Turn,
        call: CommandCall,
        incoming: Incoming,
    ) -> Turn:
        context = CommandContext(
            person, conversation, turn, incoming, self._mind, self._composer, self._memory, self._running
        )
        text, table, error = "", None, None
        try:
            async with person.attempt():
                said = await COMMANDS[call.name].run(context, call.argument)
            text, table = said.text, said.table
        except ConsiliumError as refused:
            error = failed(Outcome(""), refused, conversation.say).error
        shown = None if table is None else {"columns": list(table.columns), "rows": [list(row) for row in table.rows]}
        await turn_states.keep_said(person, turn, text, shown, error, conversation.session.mode)
        return await turns.get(person, turn.id)


def said_by(turn: Turn) -> Outcome:
    """What a command has said, as it was kept."""
    return Outcome(
        mode=turn.mode or "",
        answer=turn.answer or "",
        table=_table(turn.said_table),
        error=turn.error,
    )


def _table(shown: Mapping[str, list[list[str]]] | None) -> Table | None:
    return None if shown is None else Table(shown["columns"], shown["rows"])  # type: ignore[arg-type]
