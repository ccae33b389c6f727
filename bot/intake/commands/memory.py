"""/remember, /memory and /forget: what is remembered about a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import structlog

from bot.core.errors import BadArgument, MessageRefused, NothingRemembered
from bot.core.i18n import Translator
from bot.core.messages import Table
from bot.intake.commands.context import CommandContext
from bot.intake.commands.registry import CommandRegistry
from bot.intake.parsing import parse_number, shorten_argument
from bot.intake.rate_limits import rate_limit_keys
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.memory import personal_documents
from db.memory.memories import Memory
from db.people import audit, personal_data

MAX_CHARACTERS: Final = 2000
"""Of one memory: what an embedder can take, and what fits in a prompt beside other memories."""
_NO_MEMORIES: Final = N_("I remember nothing about you yet. Tell me with /remember.")
_ALL_WORDS: Final = ("all", "everything", "всё", "все")
_ME_WORDS: Final = ("me", "меня")
_YES_WORDS: Final = ("yes", "да")

commands: CommandRegistry[CommandContext] = CommandRegistry()
log = structlog.get_logger(__name__)


class DocumentNotEditable(MessageRefused):
    """A person corrects the text of a document, which cannot be changed."""

    sentence = N_("“{name}” is a document, and its text cannot be changed.")
    remedy = N_("Send it again under the same name, or delete it with /forget.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


@commands.command("remember", N_("keep something about you, for this and later conversations"), N_("TEXT"))
async def remember(context: CommandContext, argument: str) -> CommandResult:
    """Store a fact about the person."""
    if not argument or len(argument) > MAX_CHARACTERS:
        usage = context.say("/remember TEXT, up to {limit} characters", limit=MAX_CHARACTERS)
        raise BadArgument("remember", shorten_argument(argument), usage)
    session = context.conversation.session
    memory = await context.memory.add_fact(
        context.connection, argument, session.id, context.turn.id, chat=session.group_chat
    )
    return CommandResult(context.say("I will remember: {content}", content=memory.content))


@commands.command(
    "memory", N_("what I remember about you; with a number and a text, correct it"), N_("[N TEXT]"), private_only=True
)
async def show_memory(context: CommandContext, argument: str) -> CommandResult:
    """Number everything remembered, oldest first; or replace the text of one memory."""
    if argument:
        return await _correct(context, argument)
    memories = await context.memory.list_visible(context.connection)
    episodes = await context.memory.count_episodes(context.connection)
    say = context.say
    if not memories and not episodes:
        return CommandResult(say(_NO_MEMORIES))
    episodes_line = (
        say.plural(
            "I also remember {count} message from our conversations.",
            "I also remember {count} messages from our conversations.",
            episodes,
        )
        if episodes
        else ""
    )
    if not memories:
        return CommandResult(say("I have noted nothing about you yet.") + f"\n{episodes_line}")
    passages = await personal_documents.count_passages_by_document(context.connection)
    rows = [
        (str(n), _memory_text(memory, passages, say), f"{memory.valid_from:%Y-%m-%d}")
        for n, memory in enumerate(memories, 1)
    ]
    text = say(
        "This is what I remember about you. /memory N TEXT corrects an entry, /forget N deletes it, /forget all"
        " deletes everything."
    )
    return CommandResult(f"{text}\n{episodes_line}".strip(), Table(("N", say("what"), say("since")), rows))


async def _correct(context: CommandContext, argument: str) -> CommandResult:
    number, text = (*argument.split(maxsplit=1), "")[:2]
    memories = await context.memory.list_visible(context.connection)
    if not memories:
        return CommandResult(context.say(_NO_MEMORIES))
    usage = context.say(
        "/memory N TEXT with N from /memory (1 to {last}), and up to {limit} characters",
        last=len(memories),
        limit=MAX_CHARACTERS,
    )
    memory = _memory_by_number(memories, number, "memory", usage)
    if memory.kind == "document":
        raise DocumentNotEditable(memory.title or memory.content)
    text = text.strip()
    if not text or len(text) > MAX_CHARACTERS:
        raise BadArgument("memory", shorten_argument(argument), usage)
    await context.memory.correct(context.connection, memory.id, text)
    return CommandResult(context.say("I will remember instead: {content}", content=text))


def _memory_text(memory: Memory, passages: Mapping[UUID, int], say: Translator) -> str:
    if memory.kind != "document":
        return memory.content
    return say("document “{name}” (passages: {count})", name=memory.title, count=passages.get(memory.id, 0))


def _memory_by_number(memories: Sequence[Memory], text: str, command: str, usage: str) -> Memory:
    """The memory that a person chooses by its number in /memory.

    Raises:
        BadArgument: the text is no number of the list.
    """
    number = parse_number(text)
    if number is None or not 1 <= number <= len(memories):
        raise BadArgument(command, shorten_argument(text), usage)
    return memories[number - 1]


@commands.command(
    "forget",
    N_("delete what I remember: one entry, everything, or all your data"),
    N_("N|all|me"),
    private_only=True,
)
async def forget(context: CommandContext, argument: str) -> CommandResult:
    """Delete one memory, all memories, or the person, permanently."""
    say = context.say
    words = argument.casefold().split()
    if len(words) == 1 and words[0] in _ALL_WORDS:
        count = await context.memory.forget_all(context.connection)
        await audit.record(context.connection, "memory.erased")
        return CommandResult(
            say.plural("{count} entry is forgotten for good.", "{count} entries are forgotten for good.", count)
        )
    if words and words[0] in _ME_WORDS:
        return await _forget_person(context, confirmed=len(words) == 2 and words[1] in _YES_WORDS)
    memories = await context.memory.list_visible(context.connection)
    if not memories:
        raise NothingRemembered
    usage = say("/forget N with N from /memory (1 to {last}), /forget all or /forget me", last=len(memories))
    memory = _memory_by_number(memories, argument, "forget", usage)
    await context.memory.forget(context.connection, memory.id)
    content = memory.title if memory.kind == "document" else memory.content
    return CommandResult(say("Forgotten for good: {content}", content=content), is_ephemeral=True)


async def _forget_person(context: CommandContext, *, confirmed: bool) -> CommandResult:
    say, connection = context.say, context.connection
    if not confirmed:
        return CommandResult(
            say(
                "This deletes everything I have about you, on every platform you have linked: all conversations,"
                " everything I remember, your mode and language, and your accounts here. It cannot be undone; /export"
                " gives you a copy first. To go ahead, write:\n/forget me yes"
            )
        )
    stopped = await personal_data.erase(connection, context.turn.id, await rate_limit_keys(connection))
    for turn_id in stopped:
        context.running_answers.stop(turn_id)
    await audit.record(connection, "person.erased")
    log.info("person.erased", person=str(connection.user_id), stopped=len(stopped))
    return CommandResult(
        say("All your data has been deleted. If you write again, we start from the beginning."), erases_person=True
    )
