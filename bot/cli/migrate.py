"""`consilium migrate`: bring the database to this version, in two halves with the restart of the service between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from bot.app.components import database_dsn, service_dsn
from bot.app.settings import Settings
from bot.cli.common import new_table, stdout_console
from bot.core.i18n import Translator, system_language
from consilium.errors import N_
from db.errors import EmbeddedDatabaseMissing
from db.infra.database import Access, Database
from db.infra.migrate import UpgradePlan, migrate, plan_upgrade
from db.infra.migrations.revisions import Migration, Stage

MIGRATION_DEADLINE: Final = 3600.0
"""Seconds that all of it may take: nobody waits for this command, and large tables take their time."""
_STAGES: Final = {Stage.BEFORE: N_("before the restart"), Stage.AFTER: N_("after the restart")}


def migrate_database(
    context: typer.Context,
    after: Annotated[
        bool,
        typer.Option("--after", help="Run the contracting migrations too; refused while an older program runs."),
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would be run, and change nothing.")] = False,
) -> None:
    """Migrate the database: first what older programs can bear, and with `--after` the rest.

    An upgrade without downtime: `consilium migrate`, restart each process with the new version, `consilium migrate
    --after`.
    """
    asyncio.run(_migrate(context.obj, after=after, only_plan=plan))


def plan_table(pending: Sequence[Migration], say: Translator) -> Table:
    """The migrations that are left to run, a line each."""
    table = new_table("revision", "when", "what", wrapped=("what",))
    for migration in pending:
        table.add_row(migration.revision, say(_STAGES[migration.stage]), migration.summary)
    return table


async def _migrate(settings: Settings, *, after: bool, only_plan: bool) -> None:
    say = Translator(settings.language or system_language())
    if only_plan:
        await _show_plan(settings, say)
        return
    async with database_dsn(settings) as dsn:
        plan = await plan_upgrade(dsn)
        # A database without a schema has no older programs: it gets everything.
        pending = [*plan.expanding, *(plan.rest if after or plan.version.revision == "base" else ())]
        if pending:
            await migrate(
                dsn,
                pending[-1].revision,
                deadline=MIGRATION_DEADLINE,
                on_step=lambda revision: _print(say("revision {revision} done", revision=revision)),
            )
        left = await plan_upgrade(dsn)
        if not any(migration.stage is Stage.BEFORE for migration in left.rest):
            # The service's login is made and tried here, so that the processes find it.
            async with await Database.open(dsn, service_dsn=service_dsn(settings), access=Access.CHECK):
                pass
    _print_end(left, say, ran=bool(pending))


def _print_end(left: UpgradePlan, say: Translator, *, ran: bool) -> None:
    revision = left.version.revision
    if not ran and not left.rest:
        _print(say("The database is at revision {revision}; there is nothing to run.", revision=revision))
        return
    _print(say("The database is at revision {revision}.", revision=revision))
    if left.rest:
        _print(
            say(
                "Left for `consilium migrate --after`, once no older program runs: {revisions}",
                revisions=", ".join(migration.revision for migration in left.rest),
            )
        )


async def _show_plan(settings: Settings, say: Translator) -> None:
    try:
        async with database_dsn(settings, as_it_is=True) as dsn:
            plan = await plan_upgrade(dsn)
    except EmbeddedDatabaseMissing as error:
        _print(say("There is no database in {directory} yet; it would be made.", **error.details))
        return
    pending = [*plan.expanding, *plan.rest]
    if not pending:
        _print_end(plan, say, ran=False)
        return
    _print(
        say("The database at {server} is at revision {revision}.", server=plan.server, revision=plan.version.revision)
    )
    stdout_console().print(plan_table(pending, say))
    if plan.version.revision == "base":
        _print(say("`consilium migrate` runs all of them: there is no schema yet."))
        return
    if plan.expanding:
        _print(say("`consilium migrate` runs up to {revision}.", revision=plan.expanding[-1].revision))
    if plan.rest:
        _print(say("`consilium migrate --after` runs up to {revision}.", revision=plan.rest[-1].revision))
    for program in plan.older:
        _print(say("running, and in its way: {program}", program=program))


def _print(text: str) -> None:
    stdout_console().print(Text(text), soft_wrap=True)
