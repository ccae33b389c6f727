"""`consilium keys`, as an operator runs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from pydantic import SecretStr

from bot.app.keys import create_key, find_keys, list_keys, revoke_key
from bot.app.settings import Settings
from bot.cli.keys import keys_table, parse_choices, parse_lifetime, parse_people
from bot.core.api_keys import SHOWN_LENGTH, is_key
from db.infra.database import Access, Database
from db.people import audit
from tests.integration.bot.http.conftest import FULL_SCOPE


async def test_keys_are_made_listed_and_revoked(dsn: str, tmp_path: Path) -> None:
    settings = Settings(_env_file=None, database_url=SecretStr(dsn), data_dir=tmp_path)  # type: ignore[call-arg]
    text, key = await create_key(settings, "agoge", "site", FULL_SCOPE, timedelta(days=1))
    assert is_key(text)
    await create_key(settings, "other", "site", FULL_SCOPE, None)
    [listed] = await list_keys(settings, "agoge")
    assert (listed.id, listed.prefix, listed.is_valid) == (key.id, text[:SHOWN_LENGTH], True)
    for name in (str(key.id), str(key.id)[:8], key.prefix):
        assert [found.id for found, _, _ in await find_keys(settings, "agoge", name)] == [key.id]
    assert await find_keys(settings, "agoge", text) == []
    await revoke_key(settings, key)
    [revoked] = await list_keys(settings, "agoge")
    assert not revoked.is_valid
    assert keys_table([revoked]).row_count == 1
    async with (
        await Database.open(dsn, access=Access.CHECK) as database,
        database.anonymous_transaction() as connection,
    ):
        entries = await audit.list_latest(connection, 10)
    assert [entry.action for entry in entries] == ["key.revoked", "key.created", "key.created"]
    assert all(text not in entry.subject for entry in entries)


@pytest.mark.parametrize("text", ["soon", "-1d", "0d", "2001-01-01", "90", "1.5d", ""])
def test_a_lifetime_that_is_none(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_lifetime(text)


def test_lifetimes() -> None:
    assert parse_lifetime("90d") == timedelta(days=90)
    assert parse_lifetime("12h") == timedelta(hours=12)
    now = datetime(2026, 12, 1, tzinfo=UTC)
    assert parse_lifetime("2026-12-02T00:00:00+00:00", now) == timedelta(days=1)


def test_people_and_choices() -> None:
    assert parse_people("anna, team-*,anna") == ["anna", "team-*"]
    assert parse_people("none") == []
    for text in ("", "a*b", "*a", ","):
        with pytest.raises(typer.BadParameter):
            parse_people(text)
    assert parse_choices("--rights", "write, read", ("read", "write")) == ["write", "read"]
    for text in ("", "admin", "read,admin"):
        with pytest.raises(typer.BadParameter):
            parse_choices("--rights", text, ("read", "write"))
