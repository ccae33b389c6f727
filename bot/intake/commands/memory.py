"""/remember, /memory and /forget: what is remembered of a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import structlog

from bot.core.errors import BadArgument, MessageRefused, NothingRemembered
from bot.core.i18n import Translator
from bot.core.messages import Table
from bot.intake.commands.context import COMMANDS, CommandContext
from bot.intake.rate_limits import rate_limit_keys
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.memory import personal_documents
from db.memory.memories import Memory
from db.people import personal_data


class DocumentNotEditable(MessageRefused):
    """A document is to have other words, which it cannot."""

    sentence = N_("“{name}” is a document, and stands as it was sent.")
    remedy = N_("Send it anew under the same name, or delete it with /forget.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


MAX_CHARACTERS = 2000
"""Of one memory: what an embedder can take in, and a prompt can hold beside others."""
_NO_MEMORIES = N_("I remember nothing about you yet. Tell me with /remember.")


@COMMANDS.command("remember", N_("keep something about you, for this and later conversations"), "TEXT")
async def remember(context: CommandContext, argument: str) -> CommandResult:
    """Keep a fact about the person."""
    if not argument or len(argument) > MAX_CHARACTERS:
        usage = context.say("/remember TEXT, up to {limit} characters", limit=MAX_CHARACTERS)
        raise BadArgument("remember", _shortened(argument), usage)
    session = context.conversation.session
    memory = await context.memory.add_fact(
        context.connection, argument, session.id, context.turn.id, chat=session.group_chat
    )
    return CommandResult(context.say("I will remember: {content}", content=memory.content))


@COMMANDS.command(
    "memory", N_("what I remember about you; with a number and a text, correct it"), "[N TEXT]", private_only=True
)
async def show_memory(context: CommandContext, argument: str) -> CommandResult:
    """Number everything remembered, oldest first; or put other words in the place of one."""
    if argument:
        return await _correct(context, argument)
    memories = await context.memory.list_visible(context.connection)
    episodes = await context.memory.count_episodes(context.connection)
    say = context.say
    if not memories and not episodes:
        return CommandResult(say(_NO_MEMORIES))
    told = say("Beside it I remember {count} messages of our conversations.", count=episodes) if episodes else ""
    if not memories:
        return CommandResult(say("I have noted nothing about you yet.") + f"\n{told}")
    passages = await personal_documents.count_passages_by_document(context.connection)
    rows = [
        (str(n), _memory_text(memory, passages, say), f"{memory.valid_from:%Y-%m-%d}")
        for n, memory in enumerate(memories, 1)
    ]
    text = say(
        "This is what I remember about you; /memory N TEXT corrects one, /forget N deletes one, /forget all deletes"
        " everything."
    )
    return CommandResult(f"{text}\n{told}".strip(), Table(("N", say("what"), say("since")), rows))


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
    chosen = _memory_by_number(memories, number, "memory", usage)
    if chosen.kind == "document":
        raise DocumentNotEditable(chosen.title or chosen.content)
    text = text.strip()
    if not text or len(text) > MAX_CHARACTERS:
        raise BadArgument("memory", _shortened(argument), usage)
    await context.memory.correct(context.connection, chosen.id, text)
    return CommandResult(context.say("I will remember instead: {content}", content=text))


def _memory_text(memory: Memory, passages: Mapping[UUID, int], say: Translator) -> str:
    if memory.kind != "document":
        return memory.content
    return say("document “{name}” (passages: {count})", name=memory.title, count=passages.get(memory.id, 0))


def _memory_by_number(memories: list[Memory], number: str, command: str, usage: str) -> Memory:
    place = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    if not 1 <= place <= len(memories):
        raise BadArgument(command, _shortened(number), usage)
    return memories[place - 1]


def _shortened(argument: str) -> str:
    return argument if len(argument) <= 40 else f"{argument[:40]}…"


_ALL_WORDS: Final = ("all", "everything", "всё", "все")
_ME_WORDS: Final = ("me", "меня")
_YES_WORDS: Final = ("yes", "да")
log = structlog.get_logger(__name__)


@COMMANDS.command(
    "forget",
    N_("delete what I remember about you: one thing by its number, everything, or you altogether"),
    "N|all|me",
    private_only=True,
)
async def forget(context: CommandContext, argument: str) -> CommandResult:
    """Delete for good."""
    say = context.say
    words = argument.casefold().split()
    if len(words) == 1 and words[0] in _ALL_WORDS:
        count = await context.memory.forget_all(context.connection)
        return CommandResult(say("Forgotten for good: {count}.", count=count))
    if words and words[0] in _ME_WORDS:
        return await _forget_person(context, confirmed=len(words) == 2 and words[1] in _YES_WORDS)
    memories = await context.memory.list_visible(context.connection)
    if not memories:
        raise NothingRemembered
    number = int(argument) if len(argument) < 10 and argument.isascii() and argument.isdigit() else 0
    if not 1 <= number <= len(memories):
        usage = say("/forget N with N from /memory (1 to {last}), /forget all or /forget me", last=len(memories))
        raise BadArgument("forget", argument[:40], usage)
    chosen = memories[number - 1]
    await context.memory.forget(context.connection, chosen.id)
    told = chosen.title if chosen.kind == "document" else chosen.content
    return CommandResult(say("Forgotten for good: {content}", content=told), is_ephemeral=True)


async def _forget_person(context: CommandContext, *, confirmed: bool) -> CommandResult:
    say, connection = context.say, context.connection
    if not confirmed:
        return CommandResult(
            say(
                "This deletes everything I have of you, on every platform you are joined with: all conversations, all I"
                " remember, your mode and language, and your name here. It cannot be taken back; /export gives you a"
                " copy first. If you want it, write:\n/forget me yes"
            )
        )
    stopped = await personal_data.erase(connection, context.turn.id, await rate_limit_keys(connection))
    for turn_id in stopped:
        context.running_answers.stop(turn_id)
    log.info("person.erased", person=str(connection.user_id), stopped=len(stopped))
    return CommandResult(
        say("You are forgotten: nothing of you is left here. If you write again, we begin anew."), erases_person=True
    )
