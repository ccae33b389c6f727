"""/library and /sources: what the author has written, and what an answer cites."""

from __future__ import annotations

from typing import Final

from bot.channels.port import Source, Table
from bot.errors import explain
from bot.locales import Translator
from bot.modes.access import check_access
from bot.modes.errors import ModeNotAllowed
from bot.modes.expression import parse
from bot.modes.resolve import resolve
from bot.recall.library.drawing import open_to
from bot.recall.library.parse.refusals import from_record
from bot.recall.library.sources import received_source
from bot.turns.commands.context import COMMANDS, CommandContext
from bot.turns.commands.registry import Said
from bot.turns.draft import sources_of
from bot.turns.errors import BadArgument, MessageRefused
from consilium.errors import N_
from db import library as rows
from db import library_overview, received, turns


class NotSent(MessageRefused):
    """A document is to be taken out of the library that nobody has sent."""

    sentence = N_("No document “{name}” was sent for the library.")
    remedy = N_("/library lists those that were.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


FOUND: Final = 4
"""Passages that a search shows."""
LEFT_OUT: Final = 10
"""Documents that were left out of which it is said why."""
RECEIVED_SHOWN: Final = 30
"""Documents sent in a chat that an admin is shown."""
COLUMNS: Final = (N_("collection"), N_("kind"), N_("documents"), N_("chunks"), N_("left out"), N_("last change"))
_FORGET: Final = ("forget", "remove", "delete", "забудь", "забыть", "удали", "удалить", "убери", "убрать")
_SEARCH: Final = ("search", "find", "поиск", "найти", "найди", "ищи")


@COMMANDS.command("library", N_("what the author has written, or where it speaks of something"), "[search WORDS]")
async def show_library(context: CommandContext, argument: str) -> Said:
    """List the collections, or search in them; an admin also takes out what was sent for them."""
    verb, _, words = argument.partition(" ")
    if not argument:
        return await _overview(context)
    if context.standing.is_admin and verb.casefold() in _FORGET and words.strip():
        return await _take_out(context, words.strip())
    if verb.casefold() not in _SEARCH or not words.strip():
        raise BadArgument("library", argument[:40], "/library · /library search WORDS")
    return await _search(context, words.strip())


@COMMANDS.command("sources", N_("what the last answer cites: title, place and passage"), "[N]")
async def show_sources(context: CommandContext, argument: str) -> Said:
    """Show the passages that the session's last answer cites, or one of them."""
    say = context.say
    last = await turns.last_answered(context.connection, context.conversation.session.id)
    if last is None:
        return Said(say("I have not answered anything here yet."))
    sources = sources_of(last)
    if not sources:
        return Said(say("My last answer cites nothing."))
    if argument:
        number = int(argument) if len(argument) < 4 and argument.isascii() and argument.isdigit() else 0
        sources = [source for source in sources if source.n == number]
        if not sources:
            usage = say("/sources N with N from the marks in the answer (1 to {last})", last=len(last.sources))
            raise BadArgument("sources", argument[:40], usage)
    return Said("\n\n".join(as_text(source, say) for source in sources))


def as_text(source: Source, say: Translator) -> str:
    """A source in full."""
    return f"[{source.n}] {source.title} — {source.where}\n" + say("“{quotation}”", quotation=source.quote.strip())


def open_collections(context: CommandContext) -> set[str]:
    """The collections of all modes that this person may use; without the style examples."""
    found: set[str] = set()
    for name in (*context.mind.adapters, "base"):
        mode = resolve(parse(name), context.mind)
        try:
            check_access(mode, context.mind, context.roles)
        except ModeNotAllowed:
            continue
        found.update(open_to(context.mind, mode))
    return found


async def _overview(context: CommandContext) -> Said:
    say, names = context.say, open_collections(context)
    found = [one for one in await library_overview.overview(context.connection, context.mind.name) if one.name in names]
    if not found:
        return Said(say("The library is empty."))
    rows = [
        (
            one.name,
            one.kind,
            str(one.documents),
            str(one.chunks),
            str(one.skipped),
            f"{one.changed_at:%Y-%m-%d %H:%M}" if one.changed_at else "",
        )
        for one in found
    ]
    lines = [say("This is my author's library; /library search WORDS looks for something in it.")]
    left_out = await library_overview.left_out(context.connection, context.mind.name, sorted(names), LEFT_OUT)
    for one in left_out:
        reason = explain(from_record(one.why), say.language, say.template)
        lines.append(say("Left out: {document} ({reason})", document=one.uri, reason=reason))
    if context.standing.is_admin and (sent := await received.all_of(context.connection, context.mind.name)):
        told = ", ".join(f"“{one.name}”" for one in sent[:RECEIVED_SHOWN])
        told += " …" if len(sent) > RECEIVED_SHOWN else ""
        lines.append(say("Sent in chats: {documents}. “/library forget NAME” takes one out.", documents=told))
    return Said("\n".join(lines), Table([say(column) for column in COLUMNS], rows))


async def _take_out(context: CommandContext, name: str) -> Said:
    """Delete a document that was sent in a chat, from the library and altogether."""
    connection, mind = context.connection, context.mind
    if not await received.drop(connection, mind.name, name):
        raise NotSent(name)
    source = received_source(name)
    for collection in await rows.collections(connection, mind.name):
        if (document := await rows.lock_document(connection, collection.id, source.uri)) is not None:
            await rows.delete_documents(connection, [document.id])
    return Said(context.say("“{name}” is not in the library any more.", name=name))


async def _search(context: CommandContext, words: str) -> Said:
    say = context.say
    names = open_collections(context)
    found = await context.library.search(words, collections=names, limit=FOUND, connection=context.connection)
    if not found:
        return Said(say("Nothing was found."))
    shown = [as_text(Source(n, passage.title, passage.where, passage.quote), say) for n, passage in enumerate(found, 1)]
    return Said("\n\n".join(shown))
