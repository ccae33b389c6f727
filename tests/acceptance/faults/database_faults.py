"""Faults of the database while it runs: read-only minutes, errors at random statements, bad rows, stepped clocks."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Final

import asyncpg

WRITTEN_TABLES: Final = ("turns", "parts", "consilium_pgqueuer", "sessions", "processes")
GARBAGE: Final = (b"not json", b"{}", b"[]", b"\xff\xfe", b'{"turn": 1, "user": 2}')
_PREPARE: Final = """
    CREATE TABLE fault_injection (sqlstate text NOT NULL, share double precision NOT NULL);
    GRANT SELECT ON fault_injection TO PUBLIC;
    CREATE FUNCTION inject_fault() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        fault public.fault_injection;
    BEGIN
        SELECT * INTO fault FROM public.fault_injection LIMIT 1;
        IF FOUND AND random() < fault.share THEN
            RAISE EXCEPTION 'injected' USING ERRCODE = fault.sqlstate;
        END IF;
        RETURN NEW;
    END
    $$;
"""
_STEP: Final = (
    """UPDATE turns SET created_at = created_at {step}, updated_at = updated_at {step}, give_up_at = give_up_at {step},
        ended_at = ended_at {step}""",
    "UPDATE processes SET seen_at = seen_at {step}, started_at = started_at {step}",
    "UPDATE allowances SET refilled_at = refilled_at {step}",
    """UPDATE consilium_pgqueuer SET created = created {step}, updated = updated {step},
        execute_after = execute_after {step}, heartbeat = heartbeat {step}""",
)


@dataclass(frozen=True)
class DatabaseFaults:
    """Makes a running server fail; each fault is over when its method returns."""

    dsn: str
    chance: random.Random

    async def prepare(self) -> None:
        """Once, before the first fault: what injects errors is there, and does nothing yet."""
        triggers = [
            f"CREATE TRIGGER inject_fault BEFORE INSERT OR UPDATE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION inject_fault()"
            for table in WRITTEN_TABLES
        ]
        await self._run(_PREPARE, *triggers)

    async def read_only(self, seconds: float) -> None:
        """The server takes no changes, as a standby; sessions that are connected feel it too."""
        await self._run("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
        await asyncio.sleep(seconds)
        await self._run("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")

    async def errors(self, sqlstate: str, seconds: float) -> None:
        """Some of all writes fail with an error."""
        share = self.chance.uniform(0.1, 0.5)
        await self._run(f"INSERT INTO fault_injection VALUES ('{sqlstate}', {share})")
        await asyncio.sleep(seconds)
        await self._run("DELETE FROM fault_injection")

    async def garbage(self) -> None:
        """A job that nobody can read, and one of somebody's question that nobody can read any more."""
        payload = self.chance.choice(GARBAGE).hex()
        await self._run(
            f"""INSERT INTO consilium_pgqueuer (priority, status, entrypoint, payload)
                VALUES (9, 'queued', 'answer:agoge', decode('{payload}', 'hex'))""",
            f"""UPDATE consilium_pgqueuer SET payload = decode('{payload}', 'hex')
                WHERE id = (SELECT max(id) FROM consilium_pgqueuer WHERE status = 'queued')""",
        )

    async def clock_step(self) -> None:
        """Everything stored looks as if the database's clock had been set by an hour."""
        step = self.chance.choice(("+ interval '1 hour'", "- interval '1 hour'"))
        await self._run("BEGIN; " + "; ".join(statement.format(step=step) for statement in _STEP) + "; COMMIT")

    async def questions(self) -> list[str]:
        """What is stored of what was asked."""
        return await self._column("SELECT question FROM turns")

    async def documents(self) -> list[str]:
        """The names of the documents that are kept, each as often as it is."""
        return await self._column("SELECT content FROM memories WHERE kind = 'document'")

    async def _column(self, query: str) -> list[str]:
        connection = await asyncpg.connect(self.dsn)
        try:
            return [row[0] for row in await connection.fetch(query)]
        finally:
            await connection.close()

    async def _run(self, *statements: str) -> None:
        """Run statements, again while the server restarts or its rows are locked."""
        async with asyncio.timeout(60):
            for statement in statements:
                while True:
                    try:
                        connection = await asyncpg.connect(self.dsn, timeout=10)
                        try:
                            await connection.execute("SET default_transaction_read_only = off; SET lock_timeout = '5s'")
                            await connection.execute(statement)
                        finally:
                            await connection.close(timeout=5)
                        break
                    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                        await asyncio.sleep(0.2)
