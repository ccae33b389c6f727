"""/remember and /memory: what is remembered about a person, noted, shown and corrected."""

from __future__ import annotations

import re
from typing import Final

from bot.core.errors import BadArgument, MessageRefused
from bot.core.messages import Choice
from bot.intake.commands.context import CommandContext
from bot.intake.commands.record_table import records_table
from bot.intake.commands.registry import CommandRegistry
from bot.intake.parsing import parse_number, shorten_argument
from bot.memory.record_numbers import RecordNumbers, load_numbers, number_anew, save_numbers
from bot.memory.records import Record, RecordLine
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.memory import personal_documents

MAX_CHARACTERS: Final = 2000
"""Of one memory: what an embedder can take, and what fits in a prompt beside other memories."""
PAGE_SIZE: Final = 20
"""Records on one page of /memory."""
_NO_MEMORIES: Final = N_("I remember nothing about you yet. Tell me with /remember.")
_PAGE: Final = re.compile(r"(?:page|p|страница|стр\.?|с)\s*(\d{1,4})", re.IGNORECASE)

commands: CommandRegistry[CommandContext] = CommandRegistry()


class DocumentNotEditable(MessageRefused):
    """A person corrects the text of a document, which cannot be changed."""

    sentence = N_("“{name}” is a document, and its text cannot be changed.")
    remedy = N_("Send it again under the same name, or delete it with /forget.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class MessageNotEditable(MessageRefused):
    """A person corrects a message of theirs, which cannot be changed."""

    sentence = N_("Number {number} is what you wrote then, and it cannot be changed.")
    remedy = N_("Delete it with /forget {number}, and tell me what is right with /remember.")

    def __init__(self, number: int) -> None:
        super().__init__(number=number)


class RecordGone(MessageRefused):
    """A person chooses the number of a record that has been deleted."""

    sentence = N_("Number {number} is no longer there: it has been forgotten.")
    remedy = N_("The other numbers are as they were; /memory shows a new list.")

    def __init__(self, number: int) -> None:
        super().__init__(number=number)


@commands.command(
    "remember", N_("keep something about you, for this and later conversations"), N_("TEXT"), personal=True
)
async def remember(context: CommandContext, argument: str) -> CommandResult:
    """Store a fact about the person."""
    if not argument or len(argument) > MAX_CHARACTERS:
        usage = context.say("/remember TEXT, up to {limit} characters", limit=MAX_CHARACTERS)
        raise BadArgument("remember", shorten_argument(argument), usage)
    session = context.conversation.session
    memory, ended = await context.memory.add_fact(
        context.connection, argument, session.id, context.turn.id, chat=session.group_chat
    )
    text = context.say("I will remember: {content}", content=memory.content)
    replaced = [context.say("This no longer holds: {content}", content=old.content) for old in ended]
    return CommandResult("\n".join((text, *replaced)))


@commands.command(
    "memory", N_("what I remember about you; with a number and a text, correct it"), N_("[N TEXT]"), private_only=True
)
async def show_memory(context: CommandContext, argument: str) -> CommandResult:
    """Number everything remembered; show a further page of that list; or replace the text of one memory."""
    session_id = context.conversation.session.id
    if page := _PAGE.fullmatch(argument):
        numbers = await load_numbers(context.connection, session_id)
        await save_numbers(context.connection, session_id, numbers)
        return await _show_page(context, numbers, int(page[1]))
    if argument:
        return await _correct(context, argument)
    return await _show_page(context, await number_anew(context.connection, session_id), 1)


async def _show_page(context: CommandContext, numbers: RecordNumbers, page: int) -> CommandResult:
    say = context.say
    living = [(number, line) for number, record in enumerate(numbers.records, 1) if (line := numbers.lines.get(record))]
    if not living:
        return CommandResult(say(_NO_MEMORIES))
    pages = -(-len(living) // PAGE_SIZE)
    page = min(max(page, 1), pages)
    passages = await personal_documents.count_passages_by_document(context.connection)
    table = records_table(living[(page - 1) * PAGE_SIZE : page * PAGE_SIZE], say, passages)
    text = say(
        "This is what I remember about you. /memory N TEXT corrects an entry, /forget N deletes it, /forget all"
        " deletes everything."
    )
    if pages == 1:
        return CommandResult(text, table)
    where = say("Page {page} of {pages}; “/memory page 2” shows the second one.", page=page, pages=pages)
    arrows = [("◀️", page - 1), ("▶️", page + 1)]
    choices = [Choice(label, f"/memory page {target}") for label, target in arrows if 1 <= target <= pages]
    return CommandResult(f"{text}\n{where}", table, choices=choices)


async def _correct(context: CommandContext, argument: str) -> CommandResult:
    number, text = (*argument.split(maxsplit=1), "")[:2]
    session_id = context.conversation.session.id
    numbers = await load_numbers(context.connection, session_id)
    if not numbers.records:
        return CommandResult(context.say(_NO_MEMORIES))
    usage = context.say(
        "/memory N TEXT with N from /memory (1 to {last}), and up to {limit} characters",
        last=len(numbers.records),
        limit=MAX_CHARACTERS,
    )
    line = line_by_number(numbers, number, "memory", usage)
    if line.label == "document":
        raise DocumentNotEditable(line.title or line.text)
    text = text.strip()
    if not text or len(text) > MAX_CHARACTERS:
        raise BadArgument("memory", shorten_argument(argument), usage)
    if line.label == "message":
        raise MessageNotEditable(numbers.number_of(line.record))
    await context.memory.correct(context.connection, line.record.id, text)
    return CommandResult(context.say("I will remember instead: {content}", content=text))


def line_by_number(numbers: RecordNumbers, text: str, command: str, usage: str) -> RecordLine:
    """The record that a person chooses by its number.

    Raises:
        BadArgument: the text is no number of the list.
        RecordGone: it has been deleted.
    """
    number = parse_number(text)
    record: Record | None = numbers.find(number) if number is not None else None
    if number is None or record is None:
        raise BadArgument(command, shorten_argument(text), usage)
    if record not in numbers.lines:
        raise RecordGone(number)
    return numbers.lines[record]
