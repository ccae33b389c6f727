"""`consilium backup`, `consilium restore` and `consilium erasures`: everything in one file, and back."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich import filesize
from rich.console import Console
from rich.text import Text

from bot.app import backup as backups
from bot.app.components import backup_addresses
from bot.app.settings import Settings
from bot.cli.common import format_time, key_value_table, stdout_console
from bot.core.loops import run_periodically
from db.backup.erasures import read_erasures
from db.backup.file_format import Contents, check_backup

MAX_EXPORT_PAUSE: Final = 300.0
"""Seconds that the pauses between failing exports grow to."""

erasures = typer.Typer(
    name="erasures",
    help="Keep the list of what people have deleted outside the database, for a restored backup.",
    no_args_is_help=True,
)

FileArgument = Annotated[Path, typer.Argument(help="The file of the backup.", metavar="FILE")]


def backup(context: typer.Context, file: FileArgument) -> None:
    """Write everything in the database into one new file.

    The service goes on meanwhile. The file holds what people have said: only you may read it, and it is not encrypted.
    The mind's folder is not in it.
    """
    settings: Settings = context.obj
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leaves no half-written file behind
    with _show_tables("backing up") as show:
        contents = asyncio.run(backups.back_up(settings, file, show))
    _say(f"{file}: {_count(contents)}, as of {_moment(contents)}.")
    _say(f"Not in it: the mind's folder ({settings.mind}) and the settings (.env). Keep copies of both.")
    _say("Keep as well, always up to date: the list that `consilium erasures export LIST` writes.")


def restore(
    context: typer.Context,
    file: FileArgument,
    erasures: Annotated[
        Path | None,
        typer.Option(
            help="The list of `consilium erasures export`: what was deleted after the backup is deleted again."
        ),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only check the file, and say what it holds.")] = False,
) -> None:
    """Fill an empty database with a backup, or check the file.

    All of it is restored, or nothing. Stop the service first; it migrates what is restored when it starts.
    """
    settings: Settings = context.obj
    if check:
        contents = check_backup(file)
        stdout_console().print(key_value_table(_describe(contents)))
        if erasures is not None:
            _say(f"{erasures}: {len(read_erasures(erasures).entries)} deletions; the file is whole.")
        return
    with _show_tables("restoring") as show:
        restored = asyncio.run(backups.restore(settings, file, erasures, show))
    contents = restored.contents
    _say(f"Restored {_count(contents)}, as of {_moment(contents)}.")
    if restored.erased is None:
        _say(
            f"What people deleted after {_moment(contents)} is back, because no list of it was given (--erasures). "
            "If you have one, empty the database and restore again with it before the service starts."
        )
    else:
        _say(f"Deletions after the backup that were applied: {restored.erased}.")
    digest = backups.folder_digest(settings.mind)
    if contents.header.mind_digest and digest != contents.header.mind_digest:
        _say(f"The mind's folder {settings.mind} is not as it was when the backup was made.")


@erasures.command("export")
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The list; one that is there is brought up to date.", metavar="LIST")],
    every: Annotated[
        float | None, typer.Option(help="Go on, and repeat it after so many seconds, until stopped.", min=1)
    ] = None,
) -> None:
    """Write the list of what people have deleted: ids, never what was said. Keep it where the database is not."""
    settings: Settings = context.obj
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    asyncio.run(_export(settings, file, every))


async def _export(settings: Settings, file: Path, every: float | None) -> None:
    async with backup_addresses(settings) as addresses:
        exported = await backups.update_erasures(addresses.owner, file)
        _say(f"{file}: {len(exported.entries)} deletions, until {format_time(exported.exported_at)}.")
        if every is not None:

            async def update() -> None:
                await backups.update_erasures(addresses.owner, file)

            await run_periodically("erasures-export", update, every, max_pause=max(every, MAX_EXPORT_PAUSE))


@contextmanager
def _show_tables(label: str) -> Iterator[Callable[[str, int], None]]:
    """On a terminal, the table that was copied last; nothing where the output goes elsewhere."""
    with Console(stderr=True).status(label) as status:
        yield lambda table, rows: status.update(f"{label}: {table}, {rows:,} rows")


def _say(text: str) -> None:
    stdout_console().print(Text(text), soft_wrap=True)


def _count(contents: Contents) -> str:
    return f"{contents.total:,} rows of {len(contents.rows)} tables, {filesize.decimal(contents.bytes)}"


def _moment(contents: Contents) -> str:
    return format_time(datetime.fromisoformat(contents.header.made_at))


def _describe(contents: Contents) -> list[tuple[str, str]]:
    header = contents.header
    return [
        ("backup", header.id),
        ("as of", _moment(contents)),
        ("holds", _count(contents)),
        ("people", f"{contents.rows.get('users', 0):,}"),
        ("memories", f"{contents.rows.get('memories', 0):,}"),
        ("version", f"{header.program}, schema {header.revision}"),
        ("database", f"Postgres {header.postgres}, pgvector {header.pgvector}"),
        ("mind", f"{header.mind} {header.mind_digest[:12]}"),
        ("checksums", "right"),
    ]
