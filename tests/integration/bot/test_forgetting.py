"""/forget, /export and /privacy: what is held of a person is his to take along and to take back."""

from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest

from bot.core.messages import Incoming, Outcome
from bot.turns import worker
from db.errors import DatabaseError
from db.people import users
from db.people.personal_data import TABLES
from tests.fakes.sglang_server import SGLangServer
from tests.fakes.talk import Talk

NEEDLE = "zebra-4711"
"""Planted wherever a person can put something."""
ELSEWHERE = {"access_rules"}
"""Belongs to the operator, and says so in /privacy."""


async def traces(dsn: str, *needles: str) -> dict[str, int]:
    """How many rows of each table hold any of these, as text or in bytes."""
    owner = await asyncpg.connect(dsn)
    found = {}
    try:
        for row in await owner.fetch("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"):
            columns = await owner.fetch(
                "SELECT column_name AS name, data_type AS type FROM information_schema.columns WHERE table_name = $1",
                row["name"],
            )
            as_text = " || ' ' || ".join(
                f"coalesce(encode({c['name']}, 'escape'), '')"
                if c["type"] == "bytea"
                else f"coalesce({c['name']}::text, '')"
                for c in columns
            )
            for needle in needles:
                statement = f"SELECT count(*) FROM {row['name']} WHERE strpos({as_text}, $1) > 0"
                if count := await owner.fetchval(statement, needle):
                    found[row["name"]] = found.get(row["name"], 0) + count
    finally:
        await owner.close()
    return found


async def fill(talk: Talk, person: str, needle: str, platform: str = "telegram") -> None:
    """Have a person leave something in every table."""
    where = {"platform": platform}
    await talk.say(person, f"/remember {needle} is my locker", **where)
    await talk.say(person, "/mode base", **where)
    await talk.say(person, f"What of {needle}?", **where)
    await talk.say(person, f"What of {needle}?", chat=f"-{needle}", **where)
    await talk.say(person, "/link", **where)


async def test_nothing_is_left_of_who_is_forgotten_and_all_of_the_others(talk: Talk, dsn: str) -> None:
    await fill(talk, f"person-{NEEDLE}", NEEDLE)
    await fill(talk, "leo", "lion-1", "discord")
    await talk.settled()
    before = await traces(dsn, "lion-1")
    assert set(await traces(dsn, NEEDLE)) >= {"identities", "sessions", "turns", "parts", "memories"}
    asked = await talk.say(f"person-{NEEDLE}", "/forget me")
    assert "/forget me yes" in asked.answer
    assert (await traces(dsn, NEEDLE)).keys() >= {"turns", "memories"}
    said = await talk.say(f"person-{NEEDLE}", "/forget me yes")
    assert "All your data has been deleted" in said.answer
    await talk.settled()
    assert await traces(dsn, NEEDLE) == {}
    assert await traces(dsn, "lion-1") == before
    owner = await asyncpg.connect(dsn)
    counts = {table: await owner.fetchval(f"SELECT count(*) FROM {table}") for table in ("users", "link_codes")}
    await owner.close()
    assert counts == {"users": 1, "link_codes": 1}
    again = await talk.say(f"person-{NEEDLE}", "/memory")
    assert again.table is None


async def test_it_is_asked_for_in_words_in_both_languages(talk: Talk, dsn: str) -> None:
    await talk.say("7", f"/remember {NEEDLE}")
    assert "/forget меня да" in (await talk.say("7", "/forget меня", language="ru")).answer
    for hasty in ("/forget me please", "/forget me yes please", "/forget yes"):
        await talk.say("7", hasty)
    assert "memories" in await traces(dsn, NEEDLE)
    assert "Все ваши данные удалены" in (await talk.say("7", "/forget Меня ДА", language="ru")).answer
    await talk.settled()
    assert await traces(dsn, NEEDLE) == {}


async def test_all_accounts_of_a_person_are_forgotten(talk: Talk, dsn: str) -> None:
    await fill(talk, f"person-{NEEDLE}", NEEDLE)
    assert "linked now" in await talk.link(f"person-{NEEDLE}", f"second-{NEEDLE}")
    await talk.say(f"second-{NEEDLE}", "/forget me yes", platform="discord")
    await talk.settled()
    assert await traces(dsn, NEEDLE) == {}


async def test_an_answer_under_way_is_stopped_and_leaves_nothing(talk: Talk, server: SGLangServer, dsn: str) -> None:
    server.answer_gate = asyncio.Event()
    await talk.say("7", "/mode base")
    await talk.send(talk.message("7", f"What of {NEEDLE}?"))
    await talk.send(talk.message("7", f"And of {NEEDLE}?"))
    await server.until(requests=1)
    await talk.say("7", "/forget me yes")
    async with asyncio.timeout(30):
        await server.aborted.wait()
    server.answer_gate.set()
    await talk.settled()
    assert await traces(dsn, NEEDLE) == {}
    assert await traces(dsn, '"turn"') == {}, "a job is left"
    assert [outcome for _, outcome in talk.platforms["telegram"].shown if outcome.turn] == []


async def test_the_last_of_a_person_goes_even_if_he_cannot_be_told(talk: Talk, dsn: str) -> None:
    await talk.say("7", f"/remember {NEEDLE}")
    talk.platforms["telegram"].gone.add("private-7")
    await talk.send(talk.message("7", "/forget me yes"))
    await talk.settled()
    assert await traces(dsn, NEEDLE) == {}
    owner = await asyncpg.connect(dsn)
    assert await owner.fetchval("SELECT count(*) FROM users") == 0
    await owner.close()


async def handed_in(talk: Talk, message: Incoming) -> None:
    """Hand a message in as a platform does: again, when the database did not take it."""
    async with asyncio.timeout(60):
        while True:
            try:
                await talk.send(message)
            except DatabaseError:
                continue
            return


async def test_who_writes_while_he_is_forgotten_begins_anew(talk: Talk, dsn: str) -> None:
    for round_ in range(5):
        person = f"person-{round_}"
        await talk.say(person, f"/remember {NEEDLE}")
        later = [talk.message(person, f"/remember later {n}") for n in range(4)]
        # Of a message that goes with the person nothing is shown: nobody waits for that.
        await asyncio.gather(talk.say(person, "/forget me yes"), *(handed_in(talk, message) for message in later))
        await talk.settled()
    assert await traces(dsn, NEEDLE) == {}
    owner = await asyncpg.connect(dsn)
    # Nobody is left without a name: each later message went either with the person or to his new beginning.
    assert await owner.fetchval("SELECT count(*) FROM users WHERE id NOT IN (SELECT user_id FROM identities)") == 0
    await owner.close()


async def test_all_that_is_held_is_handed_over(talk: Talk, dsn: str) -> None:
    await fill(talk, f"person-{NEEDLE}", NEEDLE)
    await fill(talk, "leo", "lion-1", "discord")
    await talk.say("1", f"/admin grant editor telegram:person-{NEEDLE}")
    said = await talk.say(f"person-{NEEDLE}", "/export")
    names = [file.name for file in said.files]
    assert names == ["consilium-export.json", "consilium-export.md"]
    told = json.loads(said.files[0].content)
    assert set(told) == {"made", *TABLES, "allowances", "access_rules"}
    assert [one["external_id"] for one in told["identities"]] == [f"person-{NEEDLE}"]
    assert [one["content"] for one in told["memories"] if one["kind"] == "fact"] == [f"{NEEDLE} is my locker"]
    assert {one["chat"] for one in told["sessions"]} == {None, f"-{NEEDLE}"}
    assert [one["role"] for one in told["access_rules"]] == ["editor"]
    asked = [one["question"] for one in told["turns"] if one["kind"] == "question"]
    assert asked == [f"What of {NEEDLE}?"] * 2
    assert len(told["parts"]) == 2
    assert "embedding" not in told["memories"][0]
    text = said.files[1].content.decode()
    assert f"> What of {NEEDLE}?" in text
    assert "> Rest and sleep." in text
    for file in said.files:
        assert b"lion-1" not in file.content
        assert b"leo" not in file.content


async def test_files_are_kept_until_they_have_been_handed_over_and_no_longer(
    talk: Talk, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "POLL_INTERVAL", 60.0)  # it looks when it is woken
    await talk.say("7", f"/remember {NEEDLE}")
    receipt = await talk.services.inbox.receive(talk.message("7", "/export"))
    assert "said_files" in await traces(dsn, NEEDLE)
    talk.worker.wake()
    await talk.settled()
    assert "said_files" not in await traces(dsn, NEEDLE)
    outcome = await talk.platforms["telegram"].end(str(receipt.turn.address and receipt.turn.address["message"]))
    assert NEEDLE.encode() in outcome.files[0].content


async def test_every_table_with_a_persons_rows_is_handed_over(dsn: str) -> None:
    owner = await asyncpg.connect(dsn)
    rows = await owner.fetch(
        "SELECT DISTINCT table_name AS name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'user_id'"
    )
    await owner.close()
    assert {row["name"] for row in rows} | {"users", "audit_log"} == set(TABLES)


async def test_it_is_said_what_is_kept_in_both_languages(talk: Talk) -> None:
    for language, word in (("en", "How long"), ("ru", "Как долго")):
        said = await talk.say("7", "/privacy", language=language)
        assert word in said.answer
        assert "/export" in said.answer
        assert "/forget" in said.answer


FACT = "My left knee hurts"


async def test_a_memory_can_be_corrected_with_a_text_of_several_lines(talk: Talk) -> None:
    await talk.say("7", f"/remember {FACT}")
    assert (await talk.say("7", "/memory 1\nI own a boat\nand a car")).error is None
    table = (await talk.say("7", "/memory")).table
    assert table is not None
    assert "boat" in table.rows[0][1]


async def forget_first(talk: Talk, person: str = "7") -> Outcome:
    """Forget the first of what is remembered, once all that was said has been."""
    await talk.settled()
    return await talk.say(person, "/forget 1")


async def test_what_is_forgotten_is_in_no_later_prompt_and_in_nothing_that_is_kept(
    talk: Talk, server: SGLangServer, dsn: str
) -> None:
    await talk.say("7", "/mode base")
    before = await talk.say("7", "Is rice good?")
    await talk.say("7", f"/remember {FACT}")
    server.pieces = ("Spare", " your", " left", " knee,", " it", " hurts.")
    await talk.say("7", "How shall I train?")
    server.pieces = ("That", " joint", " needs", " rest.")
    await talk.say("7", "And tomorrow?")
    await talk.say("7", "/memory")
    said = await forget_first(talk)
    assert FACT in said.answer
    await talk.settled()
    server.pieces = ("Eat", " well.")
    await talk.say("7", "And then?")
    prompt = [message["content"] for message in server.requests[-1]["messages"]]
    # Neither the answer that said it, nor one that may say it in other words.
    assert not any("knee" in text or "joint" in text for text in prompt)
    assert prompt[1:] == ["Is rice good?", before.answer, "And then?"]
    assert await traces(dsn, FACT, "left knee") == {}
    # Nor is it recalled in another conversation.
    await talk.say("7", "/new")
    await talk.say("7", "Which joint needs rest?")
    assert "That joint" not in server.requests[-1]["messages"][0]["content"]


async def test_a_message_that_told_it_goes_with_its_answer_and_cannot_be_asked_again(
    talk: Talk, server: SGLangServer, dsn: str
) -> None:
    await talk.say("7", "/mode base")
    await talk.say("7", f"{FACT}. Shall I run?")
    await talk.say("7", f"/remember {FACT}")
    await forget_first(talk)
    assert await traces(dsn, "knee") == {}
    assert "nothing to ask again" in ((await talk.say("7", "/retry")).error or "")
    async with talk.services.database.anonymous_transaction() as connection:
        person = await users.identify(connection, platform="telegram", external_id="7")
    async with talk.services.database.person_transaction(person.id) as connection:
        assert await connection.fetchval("SELECT count(*) FROM turns WHERE kind = 'question'") == 1


async def test_an_answer_under_way_is_not_remembered_with_what_is_forgotten_meanwhile(
    talk: Talk, server: SGLangServer, dsn: str
) -> None:
    await talk.say("7", "/mode base")
    await talk.say("7", f"/remember {FACT}")
    server.answer_gate = asyncio.Event()
    question = talk.message("7", "What does a knee want?")
    asked = asyncio.create_task(talk.answer(question))
    await server.until(requests=1)
    assert FACT in server.requests[-1]["messages"][0]["content"]
    await talk.say("7", "/forget 1")
    server.answer_gate.set()
    await asked
    await talk.settled()
    assert await traces(dsn, FACT) == {}
    await talk.say("7", "And then?")
    assert [message["content"] for message in server.requests[-1]["messages"][1:]] == ["And then?"]


async def test_after_everything_is_forgotten_nothing_that_was_said_is_before_the_model(
    talk: Talk, server: SGLangServer
) -> None:
    await talk.say("7", "/mode base")
    await talk.say("7", "I keep bees. Is rice good?")
    await talk.settled()
    await talk.say("7", "/forget all")
    await talk.say("7", "And then?")
    prompt = [message["content"] for message in server.requests[-1]["messages"]]
    assert prompt[1:] == ["And then?"]
    assert "bees" not in prompt[0]
