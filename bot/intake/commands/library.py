"""/library and /sources: what the author has written, and what an answer cites."""

from __future__ import annotations

from typing import Final

from bot.answering.draft import sources_of
from bot.core.errors import BadArgument, MessageRefused, describe_error
from bot.core.i18n import Translator
from bot.core.messages import Source, Table
from bot.intake.commands.context import COMMANDS, CommandContext
from bot.library.parse.errors import refusal_from_record
from bot.library.retriever import collections_for_mode
from bot.library.sources import uploaded_source
from bot.minds.errors import ModeNotAllowed
from bot.minds.grammar import parse_expression
from bot.minds.resolve import check_access, resolve_mode
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.library import catalog, uploads
from db.library import catalog as rows
from db.turns import turns


class DocumentNotSent(MessageRefused):
    """A document is to be taken out of the library that nobody has sent."""

    sentence = N_("No document “{name}” was sent for the library.")
    remedy = N_("/library lists those that were.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


MAX_RESULTS: Final = 4
"""Passages that a search shows."""
MAX_SKIPPED_SHOWN: Final = 10
"""Documents that were left out of which it is said why."""
MAX_RECEIVED_SHOWN: Final = 30
"""Documents sent in a chat that an admin is shown."""
COLUMNS: Final = (N_("collection"), N_("kind"), N_("documents"), N_("chunks"), N_("left out"), N_("last change"))
_REMOVE_WORDS: Final = ("forget", "remove", "delete", "забудь", "забыть", "удали", "удалить", "убери", "убрать")
_SEARCH_WORDS: Final = ("search", "find", "поиск", "найти", "найди", "ищи")


@COMMANDS.command("library", N_("what the author has written, or where it speaks of something"), "[search WORDS]")
async def show_library(context: CommandContext, argument: str) -> CommandResult:
    """List the collections, or search in them; an admin also takes out what was sent for them."""
    verb, _, words = argument.partition(" ")
    if not argument:
        return await _overview(context)
    if context.permissions.is_admin and verb.casefold() in _REMOVE_WORDS and words.strip():
        return await _remove_document(context, words.strip())
    if verb.casefold() not in _SEARCH_WORDS or not words.strip():
        raise BadArgument("library", argument[:40], "/library · /library search WORDS")
    return await _search(context, words.strip())


@COMMANDS.command("sources", N_("what the last answer cites: title, place and passage"), "[N]")
async def show_sources(context: CommandContext, argument: str) -> CommandResult:
    """Show the passages that the session's last answer cites, or one of them."""
    say = context.say
    last = await turns.last_answered(context.connection, context.conversation.session.id)
    if last is None:
        return CommandResult(say("I have not answered anything here yet."))
    sources = sources_of(last)
    if not sources:
        return CommandResult(say("My last answer cites nothing."))
    if argument:
        number = int(argument) if len(argument) < 4 and argument.isascii() and argument.isdigit() else 0
        sources = [source for source in sources if source.n == number]
        if not sources:
            usage = say("/sources N with N from the marks in the answer (1 to {last})", last=len(last.sources))
            raise BadArgument("sources", argument[:40], usage)
    return CommandResult("\n\n".join(format_source(source, say) for source in sources))


def format_source(source: Source, say: Translator) -> str:
    """A source in full."""
    return f"[{source.n}] {source.title} — {source.where}\n" + say("“{quotation}”", quotation=source.quote.strip())


def accessible_collections(context: CommandContext) -> set[str]:
    """The collections of all modes that this person may use; without the style examples."""
    found: set[str] = set()
    for name in (*context.mind.adapters, "base"):
        mode = resolve_mode(parse_expression(name), context.mind)
        try:
            check_access(mode, context.mind, context.roles)
        except ModeNotAllowed:
            continue
        found.update(collections_for_mode(context.mind, mode))
    return found


async def _overview(context: CommandContext) -> CommandResult:
    say, names = context.say, accessible_collections(context)
    found = [
        one for one in await catalog.collection_overviews(context.connection, context.mind.name) if one.name in names
    ]
    if not found:
        return CommandResult(say("The library is empty."))
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
    left_out = await catalog.list_skipped_documents(
        context.connection, context.mind.name, sorted(names), MAX_SKIPPED_SHOWN
    )
    for one in left_out:
        reason = describe_error(refusal_from_record(one.why), say.language, say.translate)
        lines.append(say("Left out: {document} ({reason})", document=one.uri, reason=reason))
    if context.permissions.is_admin and (sent := await uploads.list_all(context.connection, context.mind.name)):
        told = ", ".join(f"“{one.name}”" for one in sent[:MAX_RECEIVED_SHOWN])
        told += " …" if len(sent) > MAX_RECEIVED_SHOWN else ""
        lines.append(say("Sent in chats: {documents}. “/library forget NAME” takes one out.", documents=told))
    return CommandResult("\n".join(lines), Table([say(column) for column in COLUMNS], rows))


async def _remove_document(context: CommandContext, name: str) -> CommandResult:
    """Delete a document that was sent in a chat, from the library and altogether."""
    connection, mind = context.connection, context.mind
    if not await uploads.delete(connection, mind.name, name):
        raise DocumentNotSent(name)
    source = uploaded_source(name)
    for collection in await rows.list_collections(connection, mind.name):
        if (document := await rows.lock_document(connection, collection.id, source.uri)) is not None:
            await rows.delete_documents(connection, [document.id])
    return CommandResult(context.say("“{name}” is not in the library any more.", name=name))


async def _search(context: CommandContext, words: str) -> CommandResult:
    say = context.say
    names = accessible_collections(context)
    found = await context.library.search(words, collections=names, limit=MAX_RESULTS, connection=context.connection)
    if not found:
        return CommandResult(say("Nothing was found."))
    shown = [
        format_source(Source(n, passage.title, passage.where, passage.quote), say) for n, passage in enumerate(found, 1)
    ]
    return CommandResult("\n\n".join(shown))
