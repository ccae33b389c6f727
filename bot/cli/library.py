"""`consilium library`: update the library, search it, show what it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from bot.app.library import LibraryServices, open_library
from bot.app.settings import Settings
from bot.cli.common import MindOption, new_table, stdout_console
from bot.cli.errors import CollectionNotGiven, CollectionUnknown, NeitherFileNorFolder
from bot.core.errors import describe_error
from bot.core.i18n import Translator, system_language
from bot.library.embedding import keep_vectors
from bot.library.ingest import DocumentNotes, Ingest, IngestReport, SkippedDocument
from bot.library.kept_vectors import VECTORS_FILE
from bot.library.parse.errors import refusal_from_record
from bot.library.parse.notes import notes_from_records
from bot.library.parse.parser import Parser
from bot.library.search import Library
from bot.library.sources import watch_files
from bot.minds import Mind, load_mind
from consilium.errors import ConsiliumError
from db.infra.database import Access
from db.library import catalog as rows

app = typer.Typer(help="Fill, search and inspect the library of what the author wrote.", no_args_is_help=True)

CollectionOption = Annotated[
    str | None, typer.Option("--collection", help="One collection of the mind.", show_default="all")
]


@app.command()
def add(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders to add to the collection.", exists=True)
    ] = None,
    collection: CollectionOption = None,
    mind_folder: MindOption = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and follow every change until Ctrl-C.")] = False,
) -> None:
    """Read new and changed documents, remove deleted ones, and show which were skipped and why.

    Without paths: the collections that the mind's rag_config.yaml names. An interrupted update continues the next time.
    """
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind)
    if paths and collection is None:
        raise CollectionNotGiven(tuple(mind.collections))
    _check_collection(mind, collection)
    # Links that are named by hand are followed; those within a folder are not.
    absolute = [path.resolve() for path in paths or ()]
    for path in absolute:
        if not (path.is_file() or path.is_dir()):
            raise NeitherFileNorFolder(path)
    asyncio.run(_add(settings, mind, collection, absolute, watch=watch))


@app.command()
def search(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="What to search for.")],
    collection: CollectionOption = None,
    mind_folder: MindOption = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="Passages, at most.")] = 5,
) -> None:
    """Show the passages that an answer to a question would use."""
    settings: Settings = context.obj
    mind = load_mind(mind_folder or settings.mind)
    _check_collection(mind, collection)
    asyncio.run(_search(settings, mind, question, collection, limit))


@app.command()
def status(context: typer.Context, mind_folder: MindOption = None) -> None:
    """Show what each collection holds, which documents were skipped and why, and what was left out of others."""
    settings: Settings = context.obj
    asyncio.run(_status(settings, load_mind(mind_folder or settings.mind)))


@app.command("keep-vectors")
def keep(context: typer.Context, mind_folder: MindOption = None) -> None:
    """Write the library's vectors into the mind's folder, so that another machine need not compute them.

    Vectors of documents that are not in the folder, and of dialogues, are left out. What changes later is computed
    where it is read.
    """
    settings: Settings = context.obj
    asyncio.run(_keep(settings, load_mind(mind_folder or settings.mind)))


def _check_collection(mind: Mind, collection: str | None) -> None:
    if collection is not None and collection not in mind.collections:
        raise CollectionUnknown(collection, tuple(mind.collections))


async def _add(settings: Settings, mind: Mind, collection: str | None, paths: Sequence[Path], *, watch: bool) -> None:
    say = _translator(settings)
    names = None if collection is None else [collection]
    async with open_library(settings, mind) as services, Parser() as parser:
        await _synchronise(services, parser, mind, names=names, paths=paths, say=say)
        if not watch:
            return
        console = stdout_console()
        console.print(Text(say("Watching for changes; Ctrl-C stops it."), style="dim"))
        async for _ in watch_files(mind, paths):
            try:
                mind = await asyncio.to_thread(load_mind, mind.folder)
                await _synchronise(services, parser, mind, names=names, paths=paths, say=say)
            except ConsiliumError as error:
                # The next change may complete a half-written file or fix the config.
                console.print(Text(describe_error(error, say.language, say.translate), style="red"), soft_wrap=True)


async def _synchronise(
    services: LibraryServices,
    parser: Parser,
    mind: Mind,
    *,
    names: Sequence[str] | None,
    paths: Sequence[Path],
    say: Translator,
) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(say(step), total=total)
            bars.update(tasks[step], completed=done, total=total)

        ingest = Ingest(services.database, services.embedder, parser, services.counter, show)
        report = await ingest.synchronise(mind, names, {names[0]: paths} if names and paths else None)
    _show_report(report, say)


async def _keep(settings: Settings, mind: Mind) -> None:
    say = _translator(settings)
    async with open_library(settings, mind) as services, Parser() as parser:
        await _synchronise(services, parser, mind, names=None, paths=(), say=say)
        count = await keep_vectors(services.database, services.embedder, mind)
    stdout_console().print(
        Text(say("Vectors written to {path}: {count}.", count=count, path=str(mind.folder / VECTORS_FILE))),
        soft_wrap=True,
    )


async def _search(settings: Settings, mind: Mind, question: str, collection: str | None, limit: int) -> None:
    async with open_library(settings, mind, Access.READ) as services:
        models, count = services.models, services.counter.count
        library = Library(
            services.database,
            models.embedder,
            mind.name,
            count,
            former_embedders=models.former,
            reranker=models.reranker,
        )
        passages = await library.search(question, collections=[collection] if collection else None, limit=limit)
    console = stdout_console()
    for number, passage in enumerate(passages, 1):
        heading = Text.assemble((f"[{number}] ", "bold"), (passage.title, "bold"), f" — {passage.where}")
        console.print(heading, Text(f"  {passage.collection} · {passage.score:.2f}", style="dim"), end="\n")
        console.print(Text(passage.quote), soft_wrap=False)
        console.print()
    if not passages:
        console.print(Text(_translator(settings)("Nothing was found.")))


async def _status(settings: Settings, mind: Mind) -> None:
    say = _translator(settings)
    async with (
        open_library(settings, mind, Access.READ) as services,
        services.database.anonymous_transaction() as connection,
    ):
        statuses = await rows.collection_statuses(connection, mind.name, services.embedder.name)
        collections = await rows.list_collections(connection, mind.name)
        documents = [
            (collection.name, document)
            for collection in collections
            for document in await rows.list_documents(connection, collection.id)
        ]
    skipped = [
        SkippedDocument(collection, document.uri, refusal_from_record(document.skipped))
        for collection, document in documents
        if document.skipped
    ]
    notes = [
        DocumentNotes(collection, document.uri, notes_from_records(document.notes))
        for collection, document in documents
    ]
    table = new_table(
        "collection", "kind", "documents", "skipped", "chunks", "embedded", "former", wrapped=("collection",)
    )
    for held in statuses:
        counts = (held.documents, held.skipped, held.chunks, held.embedded, held.former)
        table.add_row(held.name, held.kind, *map(str, counts))
    stdout_console().print(table)
    _show_skipped(skipped, say)
    _show_notes(notes, say)


def _show_report(report: IngestReport, say: Translator) -> None:
    console = stdout_console()
    console.print(
        say(
            "Documents: {read} read, {unchanged} unchanged, {deleted} deleted, {skipped} skipped.",
            read=report.ingested,
            unchanged=report.unchanged,
            deleted=report.deleted,
            skipped=len(report.skipped),
        )
    )
    console.print(
        say(
            "Chunks: {added} added, {kept} kept, {deleted} deleted, {embedded} embedded.",
            added=report.chunks_added,
            kept=report.chunks_kept,
            deleted=report.chunks_deleted,
            embedded=report.embedded,
        )
    )
    _show_skipped(report.skipped, say)
    _show_notes(report.notes, say)


def _show_skipped(skipped: Sequence[SkippedDocument], say: Translator) -> None:
    for document in skipped:
        reason = describe_error(document.reason, say.language, say.translate)
        line = Text.assemble((f"{document.collection}: {document.uri}: ", "bold yellow"), reason)
        stdout_console().print(line, soft_wrap=True)


def _show_notes(documents: Sequence[DocumentNotes], say: Translator) -> None:
    for document in documents:
        place = f"{document.collection}: {document.uri}: " if document.uri else f"{document.collection}: "
        for told in document.notes:
            line = Text.assemble((place, "bold"), told.text(say.translate))
            stdout_console().print(line, soft_wrap=True)


def _translator(settings: Settings) -> Translator:
    return Translator(settings.language or system_language())
