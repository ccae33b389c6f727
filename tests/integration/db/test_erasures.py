"""What people delete after a backup does not come back with it, and nothing else is missing."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from db.backup.erasures import export_erasures, read_erasures, write_erasures
from db.backup.errors import ErasuresDamaged, ErasuresDoNotFit
from db.backup.restore import Restored, restore_backup
from db.backup.snapshot import make_backup
from db.infra.database import Database
from db.infra.migrate import migrate
from db.memory import forgetting, memories
from db.memory.forgetting import TurnErasure
from db.people import linking, personal_data, users
from tests.fixtures.backups import owner_of
from tests.fixtures.full_database import connected, fill_database

Rows = dict[UUID, Mapping[str, Any]]


class Deleting:
    """People who delete at random, each in the ways that the service has."""

    def __init__(self, database: Database, dsn: str, seed: int) -> None:
        self.database = database
        self.dsn = dsn
        self.chance = random.Random(seed)

    async def act(self) -> None:
        async with connected(self.dsn) as connection:
            people = [row["id"] for row in await connection.fetch("SELECT id FROM users ORDER BY id")]
        if not people:
            return
        person = self.chance.choice(people)
        action = self.chance.choices(
            [self.forget, self.cut, self.exclude, self.correct, self.forget_all, self.erase, self.link],
            [8, 6, 4, 4, 1, 1, 1],
        )[0]
        if action == self.link:
            await self.link(person, self.chance.choice(people))
        else:
            await action(person)

    async def forget(self, person: UUID) -> None:
        async with self.database.person_transaction(person) as connection:
            ids = [memory.id for memory in await forgetting.list_memories(connection)]
            await forgetting.delete_memories(connection, self.chance.sample(ids, min(3, len(ids))))
            turns = [turn.id for turn in await forgetting.list_turns(connection)]
            chosen = self.chance.sample(turns, min(2, len(turns)))
            await forgetting.erase_turns(connection, [TurnErasure.of_all(turn) for turn in chosen])
            await forgetting.delete_answers(connection, chosen)

    async def cut(self, person: UUID) -> None:
        async with self.database.person_transaction(person) as connection:
            turns = await forgetting.list_turns(connection)
            for turn in self.chance.sample(turns, min(2, len(turns))):
                kept = self.chance.choice([None, turn.question[:7]])
                with_answer = self.chance.random() < 0.5
                erasure = TurnErasure(turn.id, kept, with_answer=with_answer, with_quotations=not with_answer)
                await forgetting.erase_turns(connection, [erasure])

    async def exclude(self, person: UUID) -> None:
        async with self.database.person_transaction(person) as connection:
            turns = [turn.id for turn in await forgetting.list_turns(connection)]
            await forgetting.exclude_turns(connection, self.chance.sample(turns, min(4, len(turns))), turns[:1])

    async def correct(self, person: UUID) -> None:
        async with self.database.person_transaction(person) as connection:
            # A document is not corrected: it is sent again.
            found = [each for each in await forgetting.list_memories(connection) if each.kind == "fact"]
            for memory in self.chance.sample(found, min(2, len(found))):
                await memories.correct(connection, memory.id, f"other words {self.chance.random()}")

    async def forget_all(self, person: UUID) -> None:
        async with self.database.person_transaction(person) as connection:
            await forgetting.exclude_all_turns(connection)
            await memories.forget_all(connection)

    async def erase(self, person: UUID) -> None:
        async with self.database.person_transaction(person) as connection:
            turns = await forgetting.list_turns(connection)
            if turns:
                await personal_data.erase(connection, turns[0].id, [f"person:{person}"])
        if self.chance.random() < 0.8:  # else the process is killed before the last of it
            async with self.database.person_transaction(person) as connection:
                await personal_data.delete_person(connection)

    async def link(self, kept: UUID, gone: UUID) -> None:
        if kept == gone:
            return
        digest = hashlib.sha256(str(self.chance.random()).encode()).digest()
        async with self.database.person_transaction(kept) as connection:
            await linking.create_code(connection, digest, timedelta(minutes=9))
        async with self.database.person_transaction(gone) as connection:
            await linking.request(connection, digest, "b")
            await linking.agree(connection)
        async with self.database.person_transaction(kept) as connection:
            assert await linking.complete(connection) == gone


async def rows(dsn: str, table: str) -> Rows:
    async with connected(dsn) as connection:
        return {row["id"]: row for row in await connection.fetch(f"SELECT * FROM {table}")}


async def restore(dsn: str, path: Path, erasures: Path | None) -> Restored:
    return await restore_backup(owner_of(dsn), path, erasures=erasures)


async def export(dsn: str, path: Path) -> int:
    async with connected(owner_of(dsn)) as connection:
        return len((await export_erasures(connection, path)).entries)


TEXTS = ("question", "answer", "said", "voices", "quotations")


@pytest.mark.parametrize("seed", range(6))
async def test_what_was_deleted_stays_deleted_and_nothing_else(
    dsn: str, owned_dsn: str, tmp_path: Path, seed: int
) -> None:
    await fill_database(dsn)
    async with await Database.open(owner_of(dsn)) as database:
        people = Deleting(database, dsn, seed)
        for _ in range(people.chance.randrange(6)):
            await people.act()
        await make_backup(dsn, tmp_path / "b", program="1")
        copied = {table: await rows(dsn, table) for table in ("memories", "turns", "users")}
        for _ in range(12):
            await people.act()
            if people.chance.random() < 0.3:
                await export(dsn, tmp_path / "list")
    await export(dsn, tmp_path / "list")
    live = {table: await rows(dsn, table) for table in copied}
    restored_from = await restore(owned_dsn, tmp_path / "b", tmp_path / "list")
    back = {table: await rows(owned_dsn, table) for table in copied}
    told = {entry.subject for entry in read_erasures(tmp_path / "list").entries}
    assert restored_from.erased

    for id_, memory in back["memories"].items():
        assert memory["content"] == live["memories"][id_]["content"]
    for id_, memory in copied["memories"].items():
        if id_ in live["memories"] and live["memories"][id_]["content"] == memory["content"]:
            assert id_ in back["memories"], "it was not deleted"

    for id_, turn in back["turns"].items():
        for column in TEXTS:
            assert turn[column] in (live["turns"][id_][column], None, ""), column
        assert turn["forgotten"] >= live["turns"][id_]["forgotten"]
        if id_ not in told:
            assert {name: turn[name] for name in TEXTS} == {name: copied["turns"][id_][name] for name in TEXTS}
    missing = copied["turns"].keys() & live["turns"].keys() - back["turns"].keys()
    assert all(copied["turns"][id_]["state"] == "accepted" and id_ in told for id_ in missing)

    linked = {entry.subject: entry.kept for entry in read_erasures(tmp_path / "list").entries if entry.kind == "link"}
    async with connected(dsn) as connection:
        with_accounts = {row[0] for row in await connection.fetch("SELECT DISTINCT user_id FROM identities")}
    for id_ in back["users"]:
        while id_ in linked:
            id_ = linked[id_]
        assert id_ in with_accounts
    assert (copied["users"].keys() & with_accounts) <= back["users"].keys()
    async with connected(owned_dsn) as connection:
        assert (
            await connection.fetch(
                "SELECT FROM allowances WHERE key LIKE 'person:%'"
                " AND substr(key, 8)::uuid NOT IN (SELECT id FROM users)"
            )
            == []
        )
        assert (
            await connection.fetch(
                "SELECT FROM consilium_pgqueuer WHERE dedupe_key::uuid NOT IN (SELECT id FROM turns)"
            )
            == []
        )


async def test_a_list_holds_ids_and_no_words(dsn: str, tmp_path: Path) -> None:
    await fill_database(dsn)
    async with await Database.open(owner_of(dsn)) as database:
        people = Deleting(database, dsn, 1)
        for _ in range(12):
            await people.act()
    assert await export(dsn, tmp_path / "list") > 10
    content = (tmp_path / "list").read_text("ascii")
    assert not any(word in content for word in ("telegram", "Бегает", "other words", "agoge"))
    assert "\\u" not in content
    assert {key for entry in read_erasures(tmp_path / "list").entries for key in entry.__slots__} == {
        "id", "at", "kind", "subject", "kept",
    }  # fmt: skip


async def test_ordinary_life_puts_nothing_on_the_list(dsn: str) -> None:
    await fill_database(dsn)
    async with connected(dsn) as connection:
        before = await connection.fetchval("SELECT count(*) FROM erasures")
        await connection.execute("UPDATE turns SET answer = NULL, error = 'x', question = question || '!'")
        await connection.execute("UPDATE turns SET state = 'delivered', answer = 'x', remembered = true")
        await connection.execute("UPDATE memories SET valid_until = now(), embedding = NULL, embedder = NULL")
        await connection.execute("INSERT INTO identities SELECT 'discord', external_id, user_id FROM identities")
        await connection.execute("DELETE FROM identities WHERE platform = 'discord'")
        await connection.execute("DELETE FROM link_codes; DELETE FROM record_lists; DELETE FROM parts")
        assert await connection.fetchval("SELECT count(*) FROM erasures") == before


async def test_the_service_can_read_the_list_and_not_write_it(database: Database) -> None:
    for statement in (
        "INSERT INTO erasures (kind, subject) VALUES ('memory', gen_random_uuid())",
        "DELETE FROM erasures",
        "UPDATE erasures SET kind = 'turn'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.anonymous_transaction() as connection:
                await connection.fetch(statement)
    async with database.anonymous_transaction() as connection:
        assert await connection.fetch("SELECT * FROM erasures") == []


async def test_a_list_of_another_time_or_service_is_refused(dsn: str, owned_dsn: str, tmp_path: Path) -> None:
    async with await Database.open(owner_of(dsn)) as database, database.anonymous_transaction() as connection:
        person = await users.identify(connection, platform="t", external_id="1")
    await export(dsn, tmp_path / "early")
    async with connected(dsn) as connection:
        await connection.execute("DELETE FROM users WHERE id = $1", person.id)
    await make_backup(dsn, tmp_path / "b", program="1")
    with pytest.raises(ErasuresDoNotFit, match="before the backup"):
        await restore(owned_dsn, tmp_path / "b", tmp_path / "early")
    await export(dsn, tmp_path / "late")
    late = read_erasures(tmp_path / "late")
    write_erasures(tmp_path / "foreign", type(late)(late.exported_at, []))
    with pytest.raises(ErasuresDoNotFit, match="lacks 1 deletion"):
        await restore(owned_dsn, tmp_path / "b", tmp_path / "foreign")
    damaged = (tmp_path / "late").read_bytes().replace(b"person", b"memory")
    (tmp_path / "late").write_bytes(damaged)
    with pytest.raises(ErasuresDamaged):
        await restore(owned_dsn, tmp_path / "b", tmp_path / "late")
    with pytest.raises(ErasuresDamaged):
        await export(dsn, tmp_path / "late")
    assert (tmp_path / "late").read_bytes() == damaged
    async with connected(owned_dsn) as connection:
        assert await connection.fetchval("SELECT count(*) FROM audit_log") == 0


async def test_a_backup_of_before_the_list_takes_none(dsn: str, owned_dsn: str, tmp_path: Path) -> None:
    await export(dsn, tmp_path / "list")
    await migrate(owner_of(dsn), "0019")
    await make_backup(dsn, tmp_path / "b", program="1")
    with pytest.raises(ErasuresDoNotFit, match="older than such lists"):
        await restore(owned_dsn, tmp_path / "b", tmp_path / "list")


async def test_a_list_outlives_the_database(dsn: str, owned_dsn: str, tmp_path: Path) -> None:
    """After a restore, the file still has what was deleted in the lost database, and goes on from there."""
    async with connected(dsn) as connection:
        await connection.execute("INSERT INTO users DEFAULT VALUES")
        await make_backup(dsn, tmp_path / "b", program="1")
        await connection.execute("DELETE FROM users")
    assert await export(dsn, tmp_path / "list") == 1
    first = await restore(owned_dsn, tmp_path / "b", None)
    assert first.erased is None
    async with connected(owned_dsn) as connection:
        await connection.execute("INSERT INTO users DEFAULT VALUES")
        await connection.execute("DELETE FROM users WHERE created_at = (SELECT max(created_at) FROM users)")
    assert await export(owned_dsn, tmp_path / "list") == 2
