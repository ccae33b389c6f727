"""The library, searched over HTTP."""

from __future__ import annotations

from pathlib import Path

from tests.integration.bot.http.conftest import Serve


async def test_passages_of_a_mode(serve: Serve, bilingual_mind: Path) -> None:
    async with serve(mind=bilingual_mind) as served, served.http() as http:
        found = (await http.get("/v1/library/search", params={"query": "sleep", "limit": 3})).json()
        assert found["object"] == "list"
        assert len(found["data"]) <= 3
        for params, status in (({"query": ""}, 400), ({"query": "x", "limit": 0}, 400), ({}, 400),
                               ({"query": "x", "mode": "no such"}, 404)):  # fmt: skip
            assert (await http.get("/v1/library/search", params=params)).status_code == status


async def test_a_search_needs_a_key(serve: Serve) -> None:
    async with serve() as served, served.http(None, Authorization="Bearer wrong") as http:
        assert (await http.get("/v1/library/search", params={"query": "x"})).status_code == 401
