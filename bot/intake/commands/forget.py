"""/forget: records by their numbers or by what they are about, everything, or the person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import structlog

from bot.core.errors import BadArgument, NothingRemembered
from bot.core.i18n import Translator
from bot.core.messages import Choice
from bot.intake.commands.context import CommandContext
from bot.intake.commands.memory import RecordGone, line_by_number
from bot.intake.commands.record_table import records_table
from bot.intake.commands.registry import CommandRegistry
from bot.intake.parsing import shorten_argument
from bot.intake.rate_limits import rate_limit_keys
from bot.memory.forgetting import Forgotten
from bot.memory.record_numbers import RecordNumbers, find_about, load_numbers, save_numbers
from bot.memory.records import Record, RecordLine
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.people import audit, linking, personal_data

MAX_CHOICES: Final = 15
"""Records that one list asks about."""
_MAX_RANGE: Final = 100
_ALL_WORDS: Final = ("all", "everything", "всё", "все")
_ME_WORDS: Final = ("me", "меня")
_YES_WORDS: Final = ("yes", "да")
_NO_WORDS: Final = ("no", "нет")
_ABOUT: Final = re.compile(
    r"(?:(?:everything|all)\s+)?about\s+(.+)|(?:вс[её]\s+)?(?:про|об?|обо)\s+(.+)", re.IGNORECASE | re.DOTALL
)
_NUMBERS: Final = re.compile(r"\d+(?:\s*[-–—]\s*\d+)?(?:(?:\s*[,;]\s*|\s+(?:and|и)\s+|\s+)\d+(?:\s*[-–—]\s*\d+)?)*")
_NUMBER_OR_RANGE: Final = re.compile(r"(\d{1,9})(?:\s*[-–—]\s*(\d{1,9}))?")
_RECORD: Final = re.compile(r"[mqa]:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

commands: CommandRegistry[CommandContext] = CommandRegistry()
log = structlog.get_logger(__name__)


@commands.command(
    "forget",
    N_("delete what I remember: entries, what is about something, everything, or all your data"),
    N_("N|about X|all|me"),
    private_only=True,
)
async def forget(context: CommandContext, argument: str) -> CommandResult:
    """Delete records, all memories, or the person, permanently."""
    words = argument.casefold().split()
    if len(words) == 1 and words[0] in _ALL_WORDS:
        count = await context.memory.forget_all(context.connection)
        await audit.record(context.connection, "memory.erased")
        return CommandResult(
            context.say.plural("{count} entry is forgotten for good.", "{count} entries are forgotten for good.", count)
        )
    if words and words[0] in _ME_WORDS:
        return await _forget_person(context, confirmed=len(words) == 2 and words[1] in _YES_WORDS)
    numbers = await load_numbers(context.connection, context.conversation.session.id)
    if about := _ABOUT.fullmatch(argument.strip()):
        return await _ask_about(context, numbers, about[1] or about[2])
    if words and words[0] in _NO_WORDS and len(words) <= 2:
        return await _keep_offered(context, numbers)
    return await _forget_records(context, numbers, _chosen_records(context, numbers, argument))


def _chosen_records(context: CommandContext, numbers: RecordNumbers, argument: str) -> list[RecordLine]:
    """The records that an argument names: by numbers, by a button, or with "yes" those that were asked about.

    Raises:
        NothingRemembered: there is nothing to choose from.
        BadArgument: it names none.
        RecordGone: one of them has been deleted.
    """
    if not numbers.records:
        raise NothingRemembered
    usage = context.say(
        "/forget N with N from /memory (1 to {last}), /forget about …, /forget all or /forget me",
        last=len(numbers.records),
    )
    words = argument.casefold().split()
    if words and words[0] in _YES_WORDS:
        offered = [numbers.lines[record] for record in numbers.offered if record in numbers.lines]
        if not offered or words[1:] not in ([], [numbers.offer_token]):
            raise BadArgument("forget", shorten_argument(argument), usage)
        return offered
    if _RECORD.fullmatch(argument):
        record = Record.parse(argument)
        if record not in numbers.records:
            raise BadArgument("forget", context.say("an old button"), usage)
        if record not in numbers.lines:
            raise RecordGone(numbers.number_of(record))
        return [numbers.lines[record]]
    if not _NUMBERS.fullmatch(argument.strip()):
        raise BadArgument("forget", shorten_argument(argument), usage)
    chosen = []
    for first, last in _NUMBER_OR_RANGE.findall(argument):
        if not last:
            chosen.append(line_by_number(numbers, first, "forget", usage))
            continue
        if not int(first) <= int(last) < int(first) + _MAX_RANGE or numbers.find(int(last)) is None:
            raise BadArgument("forget", shorten_argument(argument), usage)
        # Of a range, what is gone already is no mistake.
        found = [numbers.find(number) for number in range(int(first), int(last) + 1)]
        chosen += [numbers.lines[record] for record in found if record is not None and record in numbers.lines]
    return list(dict.fromkeys(chosen))


async def _forget_records(
    context: CommandContext, numbers: RecordNumbers, chosen: Sequence[RecordLine]
) -> CommandResult:
    """Forget records; then ask about those that may say the same."""
    say = context.say
    forgotten = await context.memory.forget(
        context.connection, [line.record for line in chosen], settled=numbers.offered
    )
    if forgotten is None:
        raise NothingRemembered
    log.info("memory.forgotten", records=forgotten.total, asked_about=len(forgotten.unsure))
    left = [record for record in numbers.offered if record not in {line.record for line in chosen}]
    content = "; ".join(line.title or line.text if line.label == "document" else line.text for line in chosen)
    text = "\n".join((say("Forgotten for good: {content}", content=content), _count_text(forgotten, say)))
    if not forgotten.unsure:
        numbers.offered = left
        await _save(context, numbers)
        return CommandResult(text, is_ephemeral=True)
    question = say(
        "These may say the same; they are still there. /forget with their numbers deletes them too, “/forget yes” all"
        " of them, “/forget no” none."
    )
    return await _offer(context, numbers, forgotten.unsure, f"{text}\n\n{question}")


async def _ask_about(context: CommandContext, numbers: RecordNumbers, topic: str) -> CommandResult:
    """List what is about a topic."""
    found = await find_about(context.connection, topic)
    if not found:
        text = context.say("I remember nothing about “{topic}”.", topic=shorten_argument(topic))
        return CommandResult(text, is_ephemeral=True)
    text = context.say(
        "This is what I remember about it. /forget with the numbers deletes what you choose, “/forget yes” all of it,"
        " “/forget no” nothing."
    )
    return await _offer(context, numbers, found, text)


async def _offer(
    context: CommandContext, numbers: RecordNumbers, lines: Sequence[RecordLine], text: str
) -> CommandResult:
    """Show records to choose from: the latest ones, with their numbers and buttons."""
    say = context.say
    shown = lines[-MAX_CHOICES:]
    if len(shown) < len(lines):
        more = say("Only the latest {count} are shown.", count=len(shown))
        text = f"{text} {more}"
    numbered = [(numbers.number_of(line.record), line) for line in shown]
    numbers.offered = [line.record for line in shown]
    await _save(context, numbers)
    choices = [Choice(str(number), f"/forget {line.record}") for number, line in numbered]
    choices += [
        Choice(say("Delete all of these"), f"/forget yes {numbers.offer_token}"),
        Choice(say("Keep them"), f"/forget no {numbers.offer_token}"),
    ]
    return CommandResult(text, records_table(numbered, say), choices=choices, is_ephemeral=True)


async def _keep_offered(context: CommandContext, numbers: RecordNumbers) -> CommandResult:
    numbers.offered = ()
    await _save(context, numbers)
    return CommandResult(context.say("They stay."))


async def _save(context: CommandContext, numbers: RecordNumbers) -> None:
    await save_numbers(context.connection, context.conversation.session.id, numbers)


def _count_text(forgotten: Forgotten, say: Translator) -> str:
    """How many records went, by kind."""
    counted = (
        (forgotten.facts, say.plural("{count} fact", "{count} facts", forgotten.facts)),
        (forgotten.messages, say.plural("{count} message", "{count} messages", forgotten.messages)),
        (forgotten.answers, say.plural("{count} answer", "{count} answers", forgotten.answers)),
        (forgotten.documents, say.plural("{count} document", "{count} documents", forgotten.documents)),
    )
    parts = [text for count, text in counted if count]
    return say.plural(
        "Deleted {count} record: {parts}.",
        "Deleted {count} records: {parts}.",
        forgotten.total,
        parts=", ".join(parts) or "—",
    )


async def _forget_person(context: CommandContext, *, confirmed: bool) -> CommandResult:
    say, connection = context.say, context.connection
    if not confirmed:
        return CommandResult(
            say(
                "This deletes everything I have about you, on every platform you have linked: all conversations,"
                " everything I remember, your mode and language, and your accounts here. It cannot be undone; /export"
                " gives you a copy first. Words of yours in the author's chats are taken out of the training dialogues"
                " too. To go ahead, write:\n/forget me yes"
            )
        )
    accounts = [(each.platform, each.external_id) for each in await linking.list_identities(connection)]
    stopped = await personal_data.erase(connection, context.turn.id, await rate_limit_keys(connection))
    for turn_id in stopped:
        context.running_answers.stop(turn_id)
    await audit.record(connection, "person.erased")
    if context.forget_words is not None:
        await context.forget_words(accounts)
    log.info("person.erased", person=str(connection.user_id), stopped=len(stopped))
    return CommandResult(
        say("All your data has been deleted. If you write again, we start from the beginning."), erases_person=True
    )
