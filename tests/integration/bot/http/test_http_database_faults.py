"""What a client hears when the database does not take its message: 503 and when to try again, and nothing untrue."""

from __future__ import annotations

import pytest

from tests.fixtures.statement_errors import fail_inserts
from tests.integration.bot.http.conftest import Served

REQUEST = {"model": "base", "messages": [{"role": "user", "content": "How do I sleep better?"}]}


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "25006", "55P03", "42703", "53100", "XX000", "ZZ001"])
async def test_what_may_pass_is_answered_with_503(served: Served, dsn: str, sqlstate: str) -> None:
    await fail_inserts(dsn, sqlstate, 10**6)
    async with served.http() as http:
        refused = await http.post("/v1/chat/completions", json=REQUEST)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "service_unavailable")
        assert int(refused.headers["Retry-After"]) > 0
        assert "kept" not in refused.text
        await fail_inserts(dsn, sqlstate, 0)
        assert (await http.post("/v1/chat/completions", json=REQUEST)).status_code == 200
    assert len(await served.turns()) == 1


async def test_a_conflict_is_repeated_at_once(served: Served, dsn: str) -> None:
    await fail_inserts(dsn, "40001", 3)
    async with served.http() as http:
        assert (await http.post("/v1/chat/completions", json=REQUEST)).status_code == 200
    assert len(await served.turns()) == 1


async def test_a_mistake_of_ours_is_a_500_that_claims_nothing(served: Served, dsn: str) -> None:
    await fail_inserts(dsn, "23514", 10**6)
    async with served.http() as http:
        failed = await http.post("/v1/chat/completions", json=REQUEST)
    assert failed.status_code == 500
    assert "kept" not in failed.text
    assert "words of the server" not in failed.text
