"""`consilium audit`: what was done to access, accounts and data, and by whom."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from bot.app.components import open_database
from bot.app.settings import Settings
from bot.cli.common import format_time, new_table, stdout_console
from db.infra.database import Access
from db.people import audit


def show_audit_log(
    context: typer.Context,
    most: Annotated[int, typer.Option(help="How many entries at most, the latest first.", min=1, max=10_000)] = 50,
) -> None:
    """List who changed access, linked or unlinked accounts, exported or deleted data; never what was said."""
    stdout_console().print(audit_table(asyncio.run(_read(context.obj, most))))


def audit_table(entries: Sequence[audit.Entry]) -> Table:
    """The entries as a table, a line each."""
    table = new_table("when", "person", "action", "subject", wrapped=["subject"])
    for entry in entries:
        actor = "operator" if entry.actor == audit.OPERATOR else str(entry.actor)
        table.add_row(format_time(entry.at), actor, entry.action, entry.subject)
    return table


async def _read(settings: Settings, most: int) -> list[audit.Entry]:
    async with open_database(settings, Access.READ) as database, database.anonymous_transaction() as connection:
        return await audit.list_latest(connection, most)
