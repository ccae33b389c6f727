"""/link: two accounts become one person, with the data of both."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import asyncpg
import pytest

from db.infra.database import Database
from db.memory import memories
from db.memory.memories import Origin
from db.people import linking, sessions, users
from db.turns import turns
from tests.fakes.sglang_server import SGLangServer
from tests.fakes.talk import Talk


async def code_of(talk: Talk, person: str, platform: str = "telegram") -> str:
    said = await talk.say(person, "/link", platform=platform)
    found = re.search(r"/link (\S+)", said.answer)
    assert found, said
    return found[1]


async def count(dsn: str, statement: str) -> int:
    owner = await asyncpg.connect(dsn)
    try:
        return int(await owner.fetchval(statement))
    finally:
        await owner.close()


async def test_linked_accounts_share_the_data_of_both(talk: Talk, dsn: str) -> None:
    await talk.say("7", "/remember I run three times a week")
    await talk.say("d7", "/remember my knee aches", platform="discord")
    await talk.say("d7", "/mode base", platform="discord")
    await talk.say("d7", "How far today?", platform="discord")
    code = await code_of(talk, "7")
    said = await talk.say("d7", f"/link {code.lower().replace('-', ' ')}", platform="discord")
    assert "linked now" in said.answer
    for person, platform in (("7", "telegram"), ("d7", "discord")):
        listed = await talk.say(person, "/memory", platform=platform)
        assert listed.table is not None
        assert [row[1] for row in listed.table.rows] == ["I run three times a week", "my knee aches"]
    assert (await talk.say("d7", "/mode", platform="discord")).mode == "base"
    assert (await talk.say("d7", "/retry", platform="discord")).answer == "Rest and sleep."
    assert await count(dsn, "SELECT count(*) FROM users") == 1


async def test_code_works_once_and_not_for_its_own_account(talk: Talk) -> None:
    code = await code_of(talk, "7")
    assert "your own" in (await talk.say("7", f"/link {code}")).answer
    assert "linked now" in (await talk.say("d7", f"/link {code}", platform="discord")).answer
    assert "no such code" in (await talk.say("d8", f"/link {code}", platform="discord")).answer


async def test_code_ends_with_a_newer_one_or_with_time(talk: Talk, dsn: str) -> None:
    older, newer = await code_of(talk, "7"), await code_of(talk, "7")
    assert "no such code" in (await talk.say("d7", f"/link {older}", platform="discord")).answer
    owner = await asyncpg.connect(dsn)
    await owner.execute("UPDATE link_codes SET expires_at = now()")
    await owner.close()
    assert "no such code" in (await talk.say("d7", f"/link {newer}", platform="discord")).answer


async def test_only_a_digest_of_the_code_is_stored(talk: Talk, dsn: str) -> None:
    code = await code_of(talk, "7")
    # The turn holds what was said to the person, and with it the code; the codes' own table does not.
    assert await count(dsn, f"SELECT count(*) FROM link_codes WHERE link_codes::text LIKE '%{code}%'") == 0
    assert await count(dsn, "SELECT length(digest) FROM link_codes") == 32


async def test_guessing_is_limited_even_for_the_right_code(talk: Talk) -> None:
    code = await code_of(talk, "7")
    wrong = [await talk.say("d7", f"/link 0000-000{n}", platform="discord") for n in range(5)]
    assert all("no such code" in said.answer for said in wrong)
    assert "Too many codes" in (await talk.say("d7", f"/link {code}", platform="discord")).answer
    assert "linked now" in (await talk.say("d8", f"/link {code}", platform="discord")).answer


async def test_malformed_code_does_not_count_as_an_attempt(talk: Talk) -> None:
    for _ in range(6):
        assert "/link 7K2M-9PQX" in ((await talk.say("d7", "/link please", platform="discord")).error or "")
    code = await code_of(talk, "7")
    assert "linked now" in (await talk.say("d7", f"/link {code}", platform="discord")).answer


async def test_unlinked_account_starts_without_data(talk: Talk, dsn: str) -> None:
    assert "not linked to any other" in (await talk.say("7", "/link off")).answer
    await talk.say("7", "/remember I run")
    code = await code_of(talk, "7")
    await talk.say("d7", f"/link {code}", platform="discord")
    assert "is unlinked" in (await talk.say("d7", "/link off", platform="discord")).answer
    assert (await talk.say("d7", "/memory", platform="discord")).table is None
    assert (await talk.say("7", "/memory")).table is not None
    assert await count(dsn, "SELECT count(*) FROM users") == 2


async def test_duplicate_update_links_once(talk: Talk) -> None:
    message = talk.message("d7", f"/link {await code_of(talk, '7')}", platform="discord")
    first = await talk.answer(message)
    again = await talk.send(message)
    assert not again.is_new
    assert again.turn.answer == first.answer


async def test_answer_in_progress_ends_as_the_merged_person(talk: Talk, server: SGLangServer, dsn: str) -> None:
    await talk.say("d7", "/mode base", platform="discord")
    server.answer_gate = asyncio.Event()
    question = talk.message("d7", "How far today?", platform="discord")
    await talk.send(question)
    await server.until(requests=1)
    code = await code_of(talk, "7")
    joined = talk.message("d7", f"/link {code}", platform="discord")
    assert "linked now" in (await talk.answer(joined)).answer
    server.answer_gate.set()
    assert question.address is not None
    async with asyncio.timeout(60):
        outcome = await talk.platforms["discord"].end(str(question.address["message"]))
    assert outcome.answer == "Rest and sleep."
    await talk.settled()
    assert await count(dsn, "SELECT count(*) FROM consilium_pgqueuer") == 0


async def test_linking_from_both_sides_at_once(talk: Talk, dsn: str) -> None:
    for n in range(5):
        code_a, code_b = await code_of(talk, f"a{n}"), await code_of(talk, f"b{n}", "discord")
        both = await asyncio.gather(
            talk.say(f"a{n}", f"/link {code_b}"), talk.say(f"b{n}", f"/link {code_a}", platform="discord")
        )
        assert sum("linked now" in said.answer for said in both) >= 1, both
        statement = f"SELECT count(DISTINCT user_id) FROM identities WHERE external_id IN ('a{n}', 'b{n}')"
        assert await count(dsn, statement) == 1


async def test_messages_during_linking_are_all_kept(talk: Talk, dsn: str) -> None:
    code = await code_of(talk, "7")
    said = await asyncio.gather(
        talk.say("d7", f"/link {code}", platform="discord"),
        *(talk.say("7", f"/remember mine {n}") for n in range(8)),
        *(talk.say("d7", f"/remember his {n}", platform="discord") for n in range(8)),
    )
    assert not [one.error for one in said if one.error]
    assert await count(dsn, "SELECT count(*) FROM memories") == 16
    assert await count(dsn, "SELECT count(DISTINCT user_id) FROM memories") == 1
    assert await count(dsn, "SELECT count(*) FROM users") == 1


@pytest.mark.parametrize("kept_turns", [0, 2])
async def test_sessions_in_one_group_are_merged(database: Database, kept_turns: int) -> None:
    async def come(name: str, questions: int, mode: str) -> users.User:
        async with database.anonymous_transaction() as connection:
            user = await users.identify(connection, platform="telegram", external_id=name)
            person = await connection.become_person(user.id)
            session = await sessions.get_or_create(person, platform="telegram", place="agoge/-1", mode=mode, chat="-1")
            for n in range(questions):
                arrival = turns.NewTurn(f"{name} {n}", mode, update_id=f"{n}", address={"chat": -1})
                turn = await turns.accept(person, session.id, arrival)
                await memories.remember(person, "fact", f"{name} {n}", origin=Origin(session.id, turn.id))
        return user

    kept, gone = await come("kept", kept_turns, "core"), await come("gone", 3, "base")
    async with database.person_transaction(kept.id) as connection:
        await linking.create_code(connection, b"x" * 32, timedelta(minutes=1))
    async with database.person_transaction(gone.id) as connection:
        assert await linking.redeem_code(connection, b"y" * 32) is None
        assert await linking.redeem_code(connection, b"x" * 32) == kept.id
    async with database.person_transaction(gone.id) as connection:
        assert await users.get(connection) is None
    async with database.person_transaction(kept.id) as connection:
        session = await sessions.get_or_create(connection, platform="telegram", place="agoge/-1")
        assert (session.mode, session.chat, session.window_start) == ("core", "-1", kept_turns + 4)
        found = await turns.list_unfinished(connection)
        assert [turn.seq for turn in sorted(found, key=lambda turn: turn.seq)] == list(range(1, kept_turns + 4))
        assert {turn.session_id for turn in found} == {session.id}
        assert len(await memories.list_valid(connection)) == kept_turns + 3
        names = {one.external_id for one in await linking.list_identities(connection)}
    assert names == {"kept", "gone"}
