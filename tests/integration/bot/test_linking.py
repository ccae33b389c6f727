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


async def ask(talk: Talk, person: str, code: str, platform: str = "discord") -> str:
    """Enter a code; the word that this side is to agree with."""
    said = await talk.say(person, f"/link {code}", platform=platform)
    return word_in(said.answer)


def word_in(answer: str) -> str:
    found = re.search(r"/link yes (\S+)", answer)
    assert found, answer
    return found[1]


async def join(talk: Talk, asker: str, joiner: str, *, at: str = "telegram", of: str = "discord") -> str:
    """All four messages of a link; the last answer."""
    word = await ask(talk, joiner, await code_of(talk, asker, at), of)
    assert "have agreed" in (await talk.say(joiner, f"/link yes {word}", platform=of)).answer
    word = word_in((await talk.say(asker, "/link", platform=at)).answer)
    return (await talk.say(asker, f"/link yes {word}", platform=at)).answer


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
    await talk.settled()
    assert "linked now" in await join(talk, "7", "d7")
    for person, platform in (("7", "telegram"), ("d7", "discord")):
        listed = await talk.say(person, "/memory", platform=platform)
        assert listed.table is not None
        assert [row[1] for row in listed.table.rows] == [
            "I run three times a week",
            "my knee aches",
            "you wrote: How far today?",
        ]
    assert (await talk.say("d7", "/mode", platform="discord")).mode == "base"
    assert (await talk.say("d7", "/retry", platform="discord")).answer == "Rest and sleep."
    assert await count(dsn, "SELECT count(*) FROM users") == 1


async def test_code_is_entered_by_one_and_not_by_its_own_account(talk: Talk) -> None:
    code = await code_of(talk, "7")
    assert "your own" in (await talk.say("7", f"/link {code}")).answer
    await ask(talk, "d7", code.lower().replace("-", " "))
    assert "no such code" in (await talk.say("d8", f"/link {code}", platform="discord")).answer


async def test_both_accounts_are_named_to_both(talk: Talk) -> None:
    code = await code_of(talk, "7")
    asked = await talk.say("d7", f"/link {code}", platform="discord")
    assert "telegram 7" in asked.answer
    assert "discord d7" in asked.answer
    assert "has not agreed yet" in (await talk.say("7", "/link")).answer
    await talk.say("d7", f"/link yes {word_in(asked.answer)}", platform="discord")
    assert "have agreed" in (await talk.say("d7", "/link", platform="discord")).answer
    asked = await talk.say("7", "/link")
    assert "telegram 7" in asked.answer
    assert "discord d7" in asked.answer


# What a victim can be talked into with one message, in each order; `{code}` is the attacker's, `{word}` the attacker's.
@pytest.mark.parametrize("message", ["/link {code}", "/link yes", "/link yes {word}", "/link да {word}", "/link"])
@pytest.mark.parametrize("victim_asks", [False, True], ids=["enters the code", "shows the code"])
async def test_one_message_of_a_victim_hands_over_nothing(
    talk: Talk, dsn: str, message: str, victim_asks: bool
) -> None:
    await talk.say("victim", "/remember my illness")
    await talk.say("attacker", "/remember nothing", platform="discord")
    if victim_asks:
        word = await ask(talk, "attacker", await code_of(talk, "victim"))
        code = "0000-0000"
        await talk.say("attacker", f"/link yes {word}", platform="discord")
    else:
        code = await code_of(talk, "attacker", "discord")
        word = "0000"
    await talk.say("victim", message.format(code=code, word=word))
    for attempt in ("/link", f"/link yes {word}"):
        await talk.say("attacker", attempt, platform="discord")
    listed = await talk.say("attacker", "/memory", platform="discord")
    assert "illness" not in str(listed)
    assert await count(dsn, "SELECT count(*) FROM users") == 2


async def test_neither_agreement_is_enough_alone(talk: Talk, dsn: str) -> None:
    code = await code_of(talk, "7")
    word = await ask(talk, "d7", code)
    assert "To see what you agree to" in (await talk.say("7", f"/link yes {word}")).answer
    await talk.say("d7", f"/link yes {word}", platform="discord")
    assert await count(dsn, "SELECT count(*) FROM users") == 2
    assert "Nothing is linked" in (await talk.say("7", "/link no")).answer
    assert "nothing to agree to" in (await talk.say("d7", f"/link yes {word}", platform="discord")).answer
    assert await count(dsn, "SELECT count(*) FROM users") == 2


async def test_time_ends_what_was_agreed(talk: Talk, dsn: str) -> None:
    word = await ask(talk, "d7", await code_of(talk, "7"))
    await talk.say("d7", f"/link yes {word}", platform="discord")
    word = word_in((await talk.say("7", "/link")).answer)
    owner = await asyncpg.connect(dsn)
    await owner.execute("UPDATE link_codes SET expires_at = now()")
    await owner.close()
    assert "nothing to agree to" in (await talk.say("7", f"/link yes {word}")).answer
    assert await count(dsn, "SELECT count(*) FROM users") == 2


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
    await ask(talk, "d8", code)


async def test_malformed_code_does_not_count_as_an_attempt(talk: Talk) -> None:
    for _ in range(6):
        assert "/link 7K2M-9PQX" in ((await talk.say("d7", "/link please", platform="discord")).error or "")
    await ask(talk, "d7", await code_of(talk, "7"))


async def test_unlinked_account_starts_without_data(talk: Talk, dsn: str) -> None:
    assert "not linked to any other" in (await talk.say("7", "/link off")).answer
    await talk.say("7", "/remember I run")
    await join(talk, "7", "d7")
    assert "is unlinked" in (await talk.say("d7", "/link off", platform="discord")).answer
    assert (await talk.say("d7", "/memory", platform="discord")).table is None
    assert (await talk.say("7", "/memory")).table is not None
    assert await count(dsn, "SELECT count(*) FROM users") == 2


async def test_duplicate_update_links_once(talk: Talk) -> None:
    await talk.say("d7", f"/link yes {await ask(talk, 'd7', await code_of(talk, '7'))}", platform="discord")
    message = talk.message("7", f"/link yes {word_in((await talk.say('7', '/link')).answer)}")
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
    assert "linked now" in await join(talk, "7", "d7")
    server.answer_gate.set()
    assert question.address is not None
    async with asyncio.timeout(60):
        outcome = await talk.platforms["discord"].end(str(question.address["message"]))
    assert outcome.answer == "Rest and sleep."
    await talk.settled()
    assert await count(dsn, "SELECT count(*) FROM consilium_pgqueuer") == 0


async def test_linking_from_both_sides_at_once(talk: Talk, dsn: str) -> None:
    for n in range(3):
        code_a, code_b = await code_of(talk, f"a{n}"), await code_of(talk, f"b{n}", "discord")
        word_a = await ask(talk, f"a{n}", code_b, "telegram")
        word_b = await ask(talk, f"b{n}", code_a)
        await talk.say(f"a{n}", f"/link yes {word_a}")
        await talk.say(f"b{n}", f"/link yes {word_b}", platform="discord")
        asked = [await talk.say(f"a{n}", "/link"), await talk.say(f"b{n}", "/link", platform="discord")]
        words = [re.search(r"/link yes (\S+)", said.answer) for said in asked]
        await asyncio.gather(
            *(
                talk.say(person, f"/link yes {word[1]}", platform=platform)
                for person, platform, word in ((f"a{n}", "telegram", words[0]), (f"b{n}", "discord", words[1]))
                if word
            )
        )
        statement = f"SELECT count(*) FROM identities WHERE external_id IN ('a{n}', 'b{n}')"
        assert await count(dsn, statement) == 2


async def test_messages_during_linking_are_all_kept(talk: Talk, dsn: str) -> None:
    await talk.say("d7", f"/link yes {await ask(talk, 'd7', await code_of(talk, '7'))}", platform="discord")
    word = word_in((await talk.say("7", "/link")).answer)
    said = await asyncio.gather(
        talk.say("7", f"/link yes {word}"),
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
        assert await linking.request(connection, b"y" * 32, "gone") is None
        assert await linking.request(connection, b"x" * 32, "gone") == kept.id
        assert await linking.complete(connection) is None
        assert await linking.agree(connection)
    async with database.person_transaction(kept.id) as connection:
        assert await linking.complete(connection) == gone.id
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
