"""A server as a provider gives it: over TCP, with a password, for a role that is no superuser."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import asyncpg
import numpy as np
import pytest
import pytest_asyncio

from db.backup.errors import RowsHidden
from db.backup.restore import restore_backup
from db.backup.snapshot import make_backup
from db.errors import (
    DatabaseRefused,
    MigrationFailed,
    SchemaMissing,
    SchemaUnreadable,
    ServiceRoleDenied,
    UnsafeRole,
)
from db.infra.database import Access, Database
from db.infra.embedded_roles import OWNER_ROLE
from db.infra.embedded_server import EmbeddedServer
from db.infra.login_role import login_name
from db.infra.migrate import migrate
from db.memory import memories, recall
from db.memory.memories import Embedding, Origin
from db.people import sessions, users
from db.turns import admin_queries, jobs, states
from db.turns.admin_queries import ModeUsage
from tests.fixtures.full_database import fill_database, rows_of
from tests.fixtures.postgres import copy_server, dsn_of, run_sql, server_directory
from tests.fixtures.turns import ask

PASSWORD = "s3cr:t/@ №1"


@dataclass(frozen=True)
class Provider:
    admin_dsn: str
    port: int

    async def give(self, name: str, *, may_create_roles: bool = True, extension: str | None = "extensions") -> str:
        """A role with a database of its own; the role's DSN."""
        await run_sql(
            self.admin_dsn,
            f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}' {'CREATEROLE' if may_create_roles else ''}",
            f"CREATE DATABASE {name} OWNER {name}",
        )
        if extension is not None:
            await run_sql(
                dsn_of(self.admin_dsn, name),
                f"CREATE SCHEMA IF NOT EXISTS {extension}",
                f"GRANT USAGE ON SCHEMA {extension} TO PUBLIC",
                f"CREATE EXTENSION vector SCHEMA {extension}",
            )
        return self.address(name, PASSWORD)

    async def give_login(self, database: str, name: str) -> str:
        """A login of the service's own for somebody's database, as an operator makes it."""
        await run_sql(
            self.admin_dsn,
            "DO $$ BEGIN CREATE ROLE consilium_app NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            f"GRANT consilium_app TO {database} WITH INHERIT FALSE, SET TRUE",
            f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'",
            f"GRANT consilium_app TO {name} WITH INHERIT TRUE, SET TRUE",
        )
        return self.address(name, PASSWORD).rpartition("/")[0] + f"/{database}"

    def address(self, name: str, password: str) -> str:
        return f"postgresql://{name}:{quote(password, safe='')}@127.0.0.1:{self.port}/{name}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def provider(server_template: Path) -> AsyncIterator[Provider]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with server_directory() as folder:
        copy_server(server_template, folder)
        async with await EmbeddedServer.open(folder) as server:
            # A provider's server knows nothing of us.
            await run_sql(server.dsn, "DROP ROLE consilium_app", f"DROP ROLE {login_name(OWNER_ROLE)}")
            await run_sql(
                server.dsn, "ALTER SYSTEM SET listen_addresses = '127.0.0.1'", f"ALTER SYSTEM SET port = {port}"
            )
            await asyncio.to_thread(server.cluster.stop, 30)
            yield Provider(await asyncio.to_thread(server.cluster.start, 60), port)


async def test_everything_works_for_a_role_that_is_no_superuser(provider: Provider) -> None:
    dsn = await provider.give("coach")
    async with await Database.open(dsn) as database, await Database.open(dsn) as second:
        assert not database.logs_in_as_owner
        assert PASSWORD not in database.service_dsn
        people = await asyncio.gather(
            *(identify(one, name) for one in (database, second) for name in ("anna", "boris") for _ in range(10))
        )
        assert len(set(people)) == 2
        anna, boris = people[0], people[10]
        async with database.person_transaction(anna) as connection:
            session = await sessions.get_or_create(connection, platform="telegram", place="1")
            turn = await ask(connection, session.id, "Как спать лучше?")
            await jobs.enqueue(connection, "answer:agoge", turn.id, anna)
            held = await states.claim(connection, turn.id, turn.id)
            assert held is not None
            await states.start_answering(connection, held, mode="core+sleep", adapter=None)
            embedding = Embedding("e", np.ones(384))
            origin = Origin(session.id, turn.id)
            kept = await memories.remember(connection, "fact", "Спит плохо", embedding=embedding, origin=origin)
            features = await recall.compute_features(connection, recall.RecallQuery("почему я плохо сплю", [embedding]))
            assert features.similarity.tolist() == pytest.approx([1.0])
            assert features.hits[0] > 0
            assert await recall.load_by_ids(connection, [features.memory_id(0)]) == [kept]
        async with second.person_transaction(boris) as connection:
            assert await memories.list_valid(connection) == []
            assert await admin_queries.most_used_modes(connection, turn.created_at, 5) == [ModeUsage("core+sleep", 1)]
    owner = await asyncpg.connect(dsn)
    try:
        for table in ("sessions", "turns", "memories"):
            assert await owner.fetchval(f"SELECT count(*) FROM {table}") == 0, "security is forced on the owner too"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute("INSERT INTO sessions (user_id, platform, place) SELECT id, 'x', 'x' FROM users")
        assert await owner.execute("DELETE FROM users") == "DELETE 0"
    finally:
        await owner.close()


async def identify(database: Database, name: str) -> UUID:
    async with database.anonymous_transaction() as connection:
        return (await users.identify(connection, platform="telegram", external_id=name)).id


async def test_a_role_that_may_not_create_roles_can_be_granted_the_services(provider: Provider) -> None:
    dsn = await provider.give("modest", may_create_roles=False)
    with pytest.raises(MigrationFailed, match="consilium_app"):
        await Database.open(dsn)
    await run_sql(provider.admin_dsn, "GRANT consilium_app TO modest")
    async with await Database.open(dsn) as database:
        await database.ping()
        assert database.logs_in_as_owner, "no login of its own could be made"


async def test_the_service_can_be_given_a_login_of_its_own(provider: Provider) -> None:
    dsn = await provider.give("strict", may_create_roles=False)
    await run_sql(
        provider.admin_dsn,
        "GRANT consilium_app TO strict WITH INHERIT FALSE, SET TRUE",
        f"CREATE ROLE strict_login LOGIN PASSWORD '{PASSWORD}'",
        "GRANT consilium_app TO strict_login WITH INHERIT TRUE, SET TRUE",
    )
    service_dsn = dsn.replace("//strict:", "//strict_login:", 1)
    async with await Database.open(dsn, service_dsn=service_dsn) as database:
        assert not database.logs_in_as_owner
        async with database.anonymous_transaction() as connection:
            assert await connection.fetchval("SELECT session_user::text") == "strict_login"
    await run_sql(provider.admin_dsn, "GRANT strict TO strict_login")
    with pytest.raises(UnsafeRole, match="can become the owner"):
        await Database.open(dsn, service_dsn=service_dsn)


async def test_a_user_that_may_not_act_as_the_service_is_told_so(provider: Provider) -> None:
    dsn = await provider.give("revoked")
    await run_sql(provider.admin_dsn, "GRANT consilium_app TO revoked")
    await migrate(dsn)
    await run_sql(provider.admin_dsn, "REVOKE consilium_app FROM revoked")
    with pytest.raises(ServiceRoleDenied, match='permission denied to set role "consilium_app"'):
        await Database.open(dsn)


async def test_a_service_role_that_can_become_the_owner_is_not_worked_with(provider: Provider) -> None:
    dsn = await provider.give("upside_down")
    await run_sql(provider.admin_dsn, "GRANT consilium_app TO upside_down")
    await migrate(dsn)
    await run_sql(provider.admin_dsn, "REVOKE consilium_app FROM upside_down", "GRANT upside_down TO consilium_app")
    try:
        with pytest.raises(UnsafeRole, match=r"can become the owner of .*memories"):
            await Database.open(dsn_of(provider.admin_dsn, "upside_down"))
    finally:
        await run_sql(provider.admin_dsn, "REVOKE upside_down FROM consilium_app")


async def test_without_the_extension_it_says_so(provider: Provider) -> None:
    with pytest.raises(MigrationFailed, match='permission denied to create extension "vector"'):
        await Database.open(await provider.give("bare", extension=None))


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [("postgres", "wrong-one", "password authentication failed"), ("stranger", "wrong-one", "password authentication")],
)
async def test_a_wrong_password_is_refused_without_repeating_it(
    provider: Provider, name: str, password: str, said: str
) -> None:
    with pytest.raises(DatabaseRefused, match=said) as caught:
        await Database.open(provider.address(name, password))
    assert password not in str(caught.value)


async def test_a_database_that_is_not_there(provider: Provider) -> None:
    with pytest.raises(DatabaseRefused, match='"nowhere" does not exist'):
        await Database.open(dsn_of(provider.admin_dsn, "nowhere"))


async def test_a_backup_goes_from_the_embedded_server_to_the_providers_and_on(
    provider: Provider, dsn: str, tmp_path: Path
) -> None:
    """With roles that are no superusers, and pgvector in a schema of its own; row by row and vector by vector."""
    await fill_database(dsn)
    await make_backup(dsn, tmp_path / "embedded", program="1")
    first, second = await provider.give("moved"), await provider.give("moved_on")
    await run_sql(
        provider.admin_dsn,
        # Another test's migration may have made it, and then an administrator has to grant it.
        "DO $$ BEGIN CREATE ROLE consilium_app NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "GRANT consilium_app TO moved, moved_on",
    )
    await restore_backup(first, tmp_path / "embedded")
    with pytest.raises(RowsHidden, match="moved does not see everybody's rows"):
        await make_backup(first, tmp_path / "blind", program="1")
    await run_sql(
        provider.admin_dsn,
        f"CREATE ROLE provider_backup LOGIN BYPASSRLS PASSWORD '{PASSWORD}'",
        "GRANT pg_read_all_data TO provider_backup",
    )
    await make_backup(first.replace("//moved:", "//provider_backup:", 1), tmp_path / "provider", program="1")
    await restore_backup(second, tmp_path / "provider")
    found = [
        dict(await rows_of(address))
        for address in (dsn, dsn_of(provider.admin_dsn, "moved"), dsn_of(provider.admin_dsn, "moved_on"))
    ]
    logs = [set(rows.pop("audit_log")) for rows in found]
    assert found[0] == found[1] == found[2]
    assert logs[0] < logs[1] < logs[2], "each restore is an entry"
    async with await Database.open(second) as database:
        person = await identify(database, "1")
        async with database.person_transaction(person) as connection:
            assert len(await memories.list_valid(connection)) == 38


async def test_a_process_of_the_service_needs_no_address_but_its_own(provider: Provider) -> None:
    owner = await provider.give("apart")
    login = await provider.give_login("apart", "apart_login")
    with pytest.raises(SchemaMissing):
        await Database.open(login, access=Access.CHECK)
    await migrate(owner)
    async with await Database.open(login, access=Access.CHECK) as database:
        assert not database.logs_in_as_owner
        assert database.service_dsn == login
        assert database.schema.is_current
        await identify(database, "anna")
        for statement in ("UPDATE schema_version SET revision = 'x'", "DELETE FROM alembic_version"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with database.anonymous_transaction() as connection:
                    await connection.execute(statement)
    async with await Database.open(login) as database:
        assert database.service_dsn == login, "nothing is left to migrate, so nothing is asked of the owner"
    await migrate(owner, "0026")
    with pytest.raises(SchemaUnreadable, match="consilium migrate"):
        await Database.open(login, access=Access.CHECK)


async def test_a_login_that_can_become_the_owner_is_no_login_of_the_service(provider: Provider) -> None:
    owner = await provider.give("mixed")
    login = await provider.give_login("mixed", "mixed_login")
    await migrate(owner)
    await run_sql(dsn_of(provider.admin_dsn, "mixed"), "GRANT mixed TO mixed_login")
    async with await Database.open(login, access=Access.CHECK) as database:
        assert database.logs_in_as_owner or database.service_dsn != login
