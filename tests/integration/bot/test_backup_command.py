"""`consilium backup`, `restore` and `erasures` as an operator runs them, on what people have said and forgotten."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import asyncpg

from bot.app.backup import folder_digest
from tests.fakes.talk import Talk
from tests.fixtures.backups import owner_of
from tests.fixtures.full_database import rows_of


async def consilium(folder: Path, dsn: str, *arguments: str, login: str | None = None) -> tuple[int, str]:
    """Run a command as the operator of a database; its exit code, and what it said.

    Args:
        login: the service's own address, to be used in the place of the owner's.
    """
    environment = {
        **os.environ,
        "CONSILIUM_DATABASE_URL": login or owner_of(dsn),
        "CONSILIUM_DATABASE_BACKUP_URL": dsn,
        "CONSILIUM_STATE_DIR": str(folder / "state"),
        "CONSILIUM_LANGUAGE": "en",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.cli",
        *arguments,
        cwd=folder,
        env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, " ".join(output.decode().split())


async def test_what_people_forgot_since_does_not_come_back(
    talk: Talk, dsn: str, owned_dsn: str, tmp_path: Path
) -> None:
    await talk.say("7", "/remember my dog is called Baskerville")
    await talk.say("7", "/remember I run in the morning")
    await talk.say("8", "/remember my sister is called Eulalia")
    await talk.settled()
    login = talk.services.database.service_dsn
    code, said = await consilium(tmp_path, dsn, "backup", "one", login=login)
    assert code == 0, said
    await talk.say("7", "/forget 1")
    await talk.say("8", "/forget me yes")
    await talk.settled()
    code, said = await consilium(tmp_path, dsn, "erasures", "export", "list", login=login)
    assert code == 0, said
    code, said = await consilium(tmp_path, dsn, "restore", "one", "--erasures", "list")
    assert code != 0
    assert "is not empty" in said
    code, said = await consilium(tmp_path, owned_dsn, "restore", "one", "--erasures", "list")
    assert code == 0, said
    live = str(await rows_of(dsn))
    assert "Baskerville" not in live
    assert "Eulalia" not in live
    everything = str(await rows_of(owned_dsn))
    assert "I run in the morning" in everything
    assert "Baskerville" not in everything
    assert "Eulalia" not in everything
    code, said = await consilium(tmp_path, owned_dsn, "audit")
    assert "operator backup.restored" in said
    assert "operator backup.started one" in said


async def test_a_restore_without_the_list_says_what_that_means(dsn: str, owned_dsn: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("INSERT INTO users DEFAULT VALUES")
    await connection.close()
    assert (await consilium(tmp_path, dsn, "backup", "one"))[0] == 0
    code, said = await consilium(tmp_path, owned_dsn, "restore", "one", "--check")
    assert code == 0
    assert "checksums right" in said
    code, said = await consilium(tmp_path, owned_dsn, "restore", "one")
    assert code == 0
    assert "is back, because no list of it was given" in said


def test_a_folders_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("1")
    first = folder_digest(tmp_path)
    assert first == folder_digest(tmp_path)
    (tmp_path / "a" / "x").rename(tmp_path / "a" / "y")
    second = folder_digest(tmp_path)
    (tmp_path / "a" / "y").write_text("2")
    assert len({first, second, folder_digest(tmp_path)}) == 3
    assert folder_digest(tmp_path / "nowhere") == ""
