"""Ingest: what is read, chunked, embedded and deleted when files change."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.library.chunk_options import NamedTokenCounter
from bot.library.embedding import keep_vectors
from bot.library.ingest import Ingest
from bot.library.parse.errors import OldFormat
from bot.library.parse.notes import Note, NoteKind, notes_from_records
from bot.library.parse.parser import Parser
from db.infra.database import Database
from db.library import catalog as rows
from inference.embedding import LoadableEmbedder, Purpose
from tests.fixtures.library import WriteMind

CONFIG = """
collections:
  essays: {kind: article, path: library/*.md, language: [en, ru], chunking: {size: 64, overlap: 16}}
"""
VECTORS = "SELECT chunk_id, embedding FROM vectors ORDER BY chunk_id"
SUBJECTS = ["bread", "iron", "rivers", "sleep", "winter", "debt", "letters", "horses", "salt", "bridges"]


def essay(subjects: Sequence[str] = SUBJECTS) -> str:
    """An essay with a paragraph on each subject, long enough to be a chunk or two."""
    return "# Essay\n\n" + "\n\n".join(
        f"Of {subject} I say this first. " + " ".join(f"Point {n} about {subject} is its own." for n in range(9))
        for subject in subjects
    )


async def contents(database: Database, mind: str = "small") -> list[tuple[str, int, str, bool]]:
    """URI, number and text of each chunk, and whether it has a vector."""
    async with database.anonymous_transaction() as connection:
        found = await connection.fetch(
            """
            SELECT d.uri, c.n, c.content, v.chunk_id IS NOT NULL AS embedded FROM chunks AS c
            JOIN documents AS d ON d.id = c.document_id JOIN collections AS o ON o.id = c.collection_id
            LEFT JOIN vectors AS v ON v.chunk_id = c.id WHERE o.mind = $1 ORDER BY d.uri, c.n
            """,
            mind,
        )
    return [(row["uri"], row["n"], row["content"], row["embedded"]) for row in found]


async def test_second_run_does_nothing(ingest: Ingest, small_mind: WriteMind, database: Database) -> None:
    mind = small_mind({"library/a.md": essay(), "library/b.md": "# B\n\nShort."}, CONFIG)
    first = await ingest.synchronise(mind)
    before = await contents(database)
    assert first.ingested == 2
    assert first.embedded == first.chunks_added == len(before)
    assert all(embedded for *_, embedded in before)
    second = await ingest.synchronise(mind)
    assert (second.ingested, second.unchanged, second.embedded) == (0, 2, 0)
    assert await contents(database) == before


class CountingEmbedder:
    """Counts the texts that it is asked for."""

    def __init__(self, embedder: LoadableEmbedder) -> None:
        self._embedder = embedder
        self.name, self.dimensions = embedder.name, embedder.dimensions
        self.texts: list[str] = []

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        self.texts += [text for text in texts if text]
        return await self._embedder.embed(texts, purpose)

    async def close(self) -> None: ...


async def test_vectors_that_came_with_the_mind_are_not_computed_again(
    database: Database,
    embedder: LoadableEmbedder,
    parser: Parser,
    counter: NamedTokenCounter,
    small_mind: WriteMind,
    tmp_path: Path,
) -> None:
    elsewhere = tmp_path / "elsewhere.md"
    elsewhere.write_text("# Given by hand\n\nOf coal.")
    mind = small_mind({"library/a.md": essay(SUBJECTS[:3])}, CONFIG)
    counting = CountingEmbedder(embedder)
    ingest = Ingest(database, counting, parser, counter)
    await ingest.synchronise(mind, ["essays"], {"essays": [elsewhere]})
    computed = len(counting.texts)
    assert await keep_vectors(database, counting, mind) == computed - 1, "not that of a file which is only here"
    async with database.anonymous_transaction() as connection:
        before = await connection.fetch(VECTORS)
        await connection.execute("DELETE FROM vectors")
    counting.texts.clear()
    report = await ingest.synchronise(mind)
    assert report.embedded == computed
    assert [text for text in counting.texts if "coal" not in text] == []
    async with database.anonymous_transaction() as connection:
        assert await connection.fetch(VECTORS) == before
    counting.texts.clear()
    report = await ingest.synchronise(small_mind({"library/a.md": essay(SUBJECTS[:4])}, CONFIG))
    assert len(counting.texts) == report.embedded > 0, "what is new is computed"


async def test_edited_paragraph_embeds_only_its_chunks(
    ingest: Ingest, small_mind: WriteMind, database: Database
) -> None:
    text = essay()
    await ingest.synchronise(small_mind({"library/a.md": text}, CONFIG))
    before = {content for _, _, content, _ in await contents(database)}
    edited = text.replace("Point 4 about winter is its own.", "Point 4 about winter is quite another.")
    report = await ingest.synchronise(small_mind({"library/a.md": edited}, CONFIG))
    after = {content for _, _, content, _ in await contents(database)}
    assert all("winter" in content for content in after - before)
    assert report.embedded == len(after - before) > 0
    assert report.chunks_kept == len(after & before)
    assert report.chunks_deleted == len(before - after)


async def test_moved_paragraph_keeps_its_vector(ingest: Ingest, small_mind: WriteMind, database: Database) -> None:
    await ingest.synchronise(small_mind({"library/a.md": essay()}, CONFIG))
    report = await ingest.synchronise(small_mind({"library/a.md": essay(SUBJECTS[::-1])}, CONFIG))
    assert report.embedded == 0
    assert [
        content.split()[1] for _, _, content, _ in await contents(database) if content.startswith("Of")
    ] == SUBJECTS[::-1]


async def test_deleted_file_is_removed(ingest: Ingest, small_mind: WriteMind, database: Database) -> None:
    mind = small_mind({"library/a.md": essay(), "library/b.md": "# B\n\nShort."}, CONFIG)
    await ingest.synchronise(mind)
    (mind.folder / "library/a.md").unlink()
    report = await ingest.synchronise(mind)
    assert report.deleted == 1
    assert [(uri, content) for uri, _, content, _ in await contents(database)] == [("library/b.md", "Short.")]


async def test_unlisted_collection_is_deleted(ingest: Ingest, small_mind: WriteMind, database: Database) -> None:
    both = CONFIG + "  notes: {kind: article, path: notes.txt, language: en}\n"
    await ingest.synchronise(small_mind({"library/a.md": essay(), "notes.txt": "A note."}, both))
    mind = small_mind({}, CONFIG)
    await ingest.synchronise(mind)
    assert {uri for uri, *_ in await contents(database)} == {"library/a.md"}
    async with database.anonymous_transaction() as connection:
        assert [found.name for found in await rows.list_collections(connection, mind.name)] == ["essays"]


async def test_file_added_by_hand_stays_while_it_exists(
    ingest: Ingest, small_mind: WriteMind, database: Database, tmp_path: Path
) -> None:
    mind = small_mind({"library/a.md": "# A\n\nAlpha."}, CONFIG)
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "b.txt").write_text("Beta.")
    (outside / "ignored.exe").write_bytes(b"\x00\x01")
    await ingest.synchronise(mind, ["essays"], {"essays": [outside]})
    await ingest.synchronise(mind)
    assert [content for *_, content, _ in await contents(database)] == ["Beta.", "Alpha."]
    (outside / "b.txt").unlink()
    assert (await ingest.synchronise(mind)).deleted == 1


async def test_what_is_told_of_a_document_stays_with_it(
    ingest: Ingest, small_mind: WriteMind, database: Database
) -> None:
    mind = small_mind(
        {"library/a.html": "<p>Nine hours of sleep.<p hidden>secret"}, CONFIG.replace("library/*.md", "library/*")
    )
    report = await ingest.synchronise(mind)
    assert [(one.uri, [told.kind for told in one.notes]) for one in report.notes] == [
        ("library/a.html", [NoteKind.HIDDEN_TEXT])
    ]
    assert (await ingest.synchronise(mind)).notes == []
    async with database.anonymous_transaction() as connection:
        [collection] = await rows.list_collections(connection, "small")
        [document] = await rows.list_documents(connection, collection.id)
    assert notes_from_records(document.notes) == (Note(NoteKind.HIDDEN_TEXT),)


async def test_links_out_of_a_folder_are_told_and_not_followed(
    ingest: Ingest, small_mind: WriteMind, database: Database, tmp_path: Path
) -> None:
    mind = small_mind({"library/a.md": "# A\n\nShort."}, CONFIG)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "key.md").write_text("# Key\n\nThe gate code.")
    given = tmp_path / "given"
    given.mkdir()
    (given / "own.md").write_text("# Own\n\nMine.")
    (given / "key.md").symlink_to(tmp_path / "secrets" / "key.md")
    (given / "all").symlink_to(tmp_path / "secrets")
    (given / "again.md").symlink_to(given / "own.md")
    (given / "loop").symlink_to(given)
    (given / "old.doc").write_bytes(b"x")
    (given / "photo.png").write_bytes(b"x")
    report = await ingest.synchronise(mind, ["essays"], {"essays": [given]})
    [told] = report.notes
    assert [(one.kind, one.count) for one in told.notes] == [(NoteKind.LINKS_OUTSIDE, 2)]
    assert [(one.uri, type(one.reason)) for one in report.skipped] == [(str(given / "old.doc"), OldFormat)]
    assert {uri for uri, *_ in await contents(database)} == {"library/a.md", str(given / "own.md")}
    # A file that has been replaced by a link is not followed either.
    (given / "own.md").unlink()
    (given / "own.md").symlink_to(tmp_path / "secrets" / "key.md")
    await ingest.synchronise(mind, ["essays"])
    assert {uri for uri, *_ in await contents(database)} == {"library/a.md"}


async def test_changed_chunk_options_rechunk_documents(
    ingest: Ingest, small_mind: WriteMind, database: Database
) -> None:
    await ingest.synchronise(small_mind({"library/a.md": essay()}, CONFIG))
    before = await contents(database)
    report = await ingest.synchronise(small_mind({}, CONFIG.replace("size: 64", "size: 256")))
    assert report.ingested == 1
    assert len(await contents(database)) < len(before)


async def test_unreadable_document_is_reported_and_loses_its_chunks(
    ingest: Ingest, small_mind: WriteMind, database: Database
) -> None:
    await ingest.synchronise(small_mind({"library/a.md": essay(), "library/b.md": "# B\n\nGood."}, CONFIG))
    mind = small_mind({"library/a.md": b"\x00\x01\x02\x03" * 5000}, CONFIG)
    for _ in range(2):
        report = await ingest.synchronise(mind)
        [skipped] = report.skipped
        assert (skipped.collection, skipped.uri) == ("essays", "library/a.md")
        assert "not text" in str(skipped.reason)
        assert [uri for uri, *_ in await contents(database)] == ["library/b.md"]
    report = await ingest.synchronise(small_mind({"library/a.md": "# A\n\nMended."}, CONFIG))
    assert (report.ingested, report.skipped) == (1, [])


async def test_two_concurrent_ingests_store_everything_once(
    database: Database,
    embedder: LoadableEmbedder,
    counter: NamedTokenCounter,
    small_mind: WriteMind,
) -> None:
    mind = small_mind({f"library/{n}.md": essay(SUBJECTS[: n + 1]) for n in range(6)}, CONFIG)
    async with Parser() as one, Parser() as other:
        reports = await asyncio.gather(
            *(Ingest(database, embedder, parser, counter).synchronise(mind) for parser in (one, other))
        )
    found = await contents(database)
    assert sum(report.chunks_added for report in reports) == len(found) == len({row[:2] for row in found})
    assert sum(report.ingested for report in reports) == 6
    assert all(embedded for *_, embedded in found)


PROGRAM = """
import asyncio, sys
from pathlib import Path
from bot.minds import load_mind
from bot.library.embedding import keep_vectors
from bot.library.ingest import Ingest
from bot.library.chunk_options import NamedTokenCounter
from bot.library.parse.notes import Note, NoteKind, notes_from_records
from bot.library.parse.parser import Parser
from db.infra.database import Database
from inference.embedding import E5_MODEL, connect_embedder
from inference.engines.tokenizer import ChatTokenizer

async def main(dsn, folder, base, embedding_url):
    embedder = connect_embedder(embedding_url, E5_MODEL)
    await embedder.start()
    def show(what, done, total):
        print(what, done, total, flush=True)
    counter = NamedTokenCounter("SmolLM2", ChatTokenizer(Path(base)).count)
    async with await Database.open(dsn) as database, Parser() as parser:
        mind = load_mind(Path(folder), require_adapters=False)
        await Ingest(database, embedder, parser, counter, show).synchronise(mind)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("moment", ["reading documents 3", "embedding 64"])
async def test_ingest_continues_after_a_kill(
    moment: str,
    ingest: Ingest,
    small_mind: WriteMind,
    database: Database,
    dsn: str,
    base_model_dir: Path,
    embedding_url: str,
) -> None:
    mind = small_mind({f"library/{n}.md": essay([f"{s} {n}" for s in SUBJECTS]) for n in range(8)}, CONFIG)
    arguments = (dsn, str(mind.folder), str(base_model_dir), embedding_url)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async for line in process.stdout:
        if line.decode().startswith(moment):
            os.kill(process.pid, signal.SIGKILL)
            break
    await process.wait()
    before = await contents(database)
    assert before
    report = await ingest.synchronise(mind)
    after = await contents(database)
    assert report.unchanged == len({uri for uri, *_ in before})
    assert report.ingested == 8 - report.unchanged
    assert report.embedded == len(after) - sum(embedded for *_, embedded in before)
    assert all(embedded for *_, embedded in after)
    assert len(after) == len({row[:2] for row in after})
    if moment.startswith("embedding"):
        assert report.ingested == 0
        assert 64 <= len(after) - report.embedded < len(after)
