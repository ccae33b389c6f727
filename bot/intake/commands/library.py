"""/library and /sources: what the author has written, and what an answer cites."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from bot.answering.draft import sources_of
from bot.core.attachments import Attachments
from bot.core.errors import BadArgument, MessageRefused, describe_error
from bot.core.i18n import Translator
from bot.core.messages import Source, Table
from bot.intake.commands.context import CommandContext
from bot.intake.commands.registry import AskQuestion, CommandRegistry
from bot.intake.parsing import parse_number, shorten_argument
from bot.library.parse.errors import refusal_from_record
from bot.library.retriever import collections_for_mode
from bot.library.sources import uploaded_source
from bot.minds.errors import ModeNotAllowed
from bot.minds.grammar import parse_expression
from bot.minds.resolve import check_access, resolve_mode
from bot.turns.command_result import CommandResult
from consilium.errors import N_
from db.library import catalog, uploads
from db.turns import turns

MAX_RESULTS: Final = 4
"""Passages that a search shows."""
MAX_SKIPPED_SHOWN: Final = 10
"""Skipped documents that the overview lists with the reason."""
MAX_RECEIVED_SHOWN: Final = 30
"""Documents sent in a chat that the overview names to an admin."""
COLUMNS: Final = (N_("collection"), N_("kind"), N_("documents"), N_("chunks"), N_("left out"), N_("last change"))
_REMOVE_WORDS: Final = ("forget", "remove", "delete", "забудь", "забыть", "удали", "удалить", "убери", "убрать")
_ADD_WORDS: Final = ("add", "добавь", "добавить")
_SEARCH_WORDS: Final = ("search", "find", "поиск", "найти", "найди", "ищи")

commands: CommandRegistry[CommandContext] = CommandRegistry()


class DocumentNotSent(MessageRefused):
    """An admin removes a document from the library that nobody has sent."""

    sentence = N_("No document “{name}” was sent for the library.")
    remedy = N_("/library lists those that were.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class NoDocumentHere(MessageRefused):
    """An admin adds a document to the library where none was sent."""

    sentence = N_("No document was sent here that I could add to the library.")
    remedy = N_("Send one with the caption “/library add”.")

    def __init__(self) -> None:
        super().__init__()


@commands.command("library", N_("what the author has written, and a search in it"), N_("[search WORDS]"))
async def show_library(context: CommandContext, argument: str) -> CommandResult | AskQuestion:
    """List the collections or search in them; an admin also adds and removes documents that were sent in a chat."""
    verb, _, words = argument.partition(" ")
    if not argument:
        return await _overview(context)
    if context.permissions.is_admin and verb.casefold() in _REMOVE_WORDS and words.strip():
        return await _remove_document(context, words.strip())
    if context.permissions.is_admin and verb.casefold() in _ADD_WORDS:
        return await _add_documents(context, words.strip())
    if verb.casefold() not in _SEARCH_WORDS or not words.strip():
        usage = context.say("/library or /library search WORDS")
        raise BadArgument("library", shorten_argument(argument), usage)
    return await _search(context, words.strip())


@commands.command("sources", N_("what the last answer cites: title, place and passage"), "[N]")
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
        number = parse_number(argument)
        sources = [source for source in sources if source.n == number]
        if not sources:
            usage = say("/sources N with N from the marks in the answer (1 to {last})", last=len(last.sources))
            raise BadArgument("sources", shorten_argument(argument), usage)
    return CommandResult("\n\n".join(format_source(source, say) for source in sources))


def format_source(source: Source, say: Translator) -> str:
    """A source with its number, title, place and passage."""
    return f"[{source.n}] {source.title} — {source.where}\n" + _quoted(source.quote.strip(), say)


def accessible_collections(context: CommandContext) -> set[str]:
    """The collections of all modes that the person may use, without the style examples."""
    collections: set[str] = set()
    for name in (*context.mind.adapters, "base"):
        mode = resolve_mode(parse_expression(name), context.mind)
        try:
            check_access(mode, context.mind, context.roles)
        except ModeNotAllowed:
            continue
        collections.update(collections_for_mode(context.mind, mode))
    return collections


async def _overview(context: CommandContext) -> CommandResult:
    say, names = context.say, accessible_collections(context)
    collections = [
        collection
        for collection in await catalog.collection_overviews(context.connection, context.mind.name)
        if collection.name in names
    ]
    if not collections:
        return CommandResult(say("The library is empty."))
    rows = [
        (
            collection.name,
            collection.kind,
            str(collection.documents),
            str(collection.chunks),
            str(collection.skipped),
            f"{collection.changed_at:%Y-%m-%d %H:%M}" if collection.changed_at else "",
        )
        for collection in collections
    ]
    lines = [say("This is my author's library; /library search WORDS looks for something in it.")]
    skipped = await catalog.list_skipped_documents(
        context.connection, context.mind.name, sorted(names), MAX_SKIPPED_SHOWN
    )
    for document in skipped:
        reason = describe_error(refusal_from_record(document.why), say.language, say.translate)
        lines.append(say("Left out: {document} ({reason})", document=document.uri, reason=reason))
    if context.permissions.is_admin and (sent := await uploads.list_all(context.connection, context.mind.name)):
        documents = ", ".join(_quoted(document.name, say) for document in sent[:MAX_RECEIVED_SHOWN])
        documents += " …" if len(sent) > MAX_RECEIVED_SHOWN else ""
        lines.append(say("Sent in chats: {documents}. “/library forget NAME” removes one.", documents=documents))
    return CommandResult("\n".join(lines), Table([say(column) for column in COLUMNS], rows))


async def _add_documents(context: CommandContext, turn_id: str) -> AskQuestion:
    """Have the documents of a turn, or the last that were sent here, added to the library."""
    session = context.conversation.session
    sent = await turns.last_with_files(context.connection, session.id, _parse_id(turn_id))
    if sent is None or sent.files is None:
        raise NoDocumentHere
    files = replace(
        Attachments.from_document(sent.files), destination="library", may_add=False, moved_from=str(sent.id)
    )
    return AskQuestion("", session.mode, files=files.to_document(), quotations=())


def _parse_id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise NoDocumentHere from error


async def _remove_document(context: CommandContext, name: str) -> CommandResult:
    """Delete a document that was sent in a chat: the file and everything the library has of it."""
    connection, mind = context.connection, context.mind
    if not await uploads.delete(connection, mind.name, name):
        raise DocumentNotSent(name)
    source = uploaded_source(name)
    for collection in await catalog.list_collections(connection, mind.name):
        if (document := await catalog.lock_document(connection, collection.id, source.uri)) is not None:
            await catalog.delete_documents(connection, [document.id])
    return CommandResult(context.say("“{name}” has been removed from the library.", name=name))


async def _search(context: CommandContext, words: str) -> CommandResult:
    say = context.say
    names = accessible_collections(context)
    passages = await context.library.search(words, collections=names, limit=MAX_RESULTS, connection=context.connection)
    if not passages:
        return CommandResult(say("Nothing was found."))
    sources = [Source(n, passage.title, passage.where, passage.quote) for n, passage in enumerate(passages, 1)]
    return CommandResult("\n\n".join(format_source(source, say) for source in sources))


def _quoted(text: str, say: Translator) -> str:
    """The text in the quotation marks of the person's language."""
    return say("“{quotation}”", quotation=text)
