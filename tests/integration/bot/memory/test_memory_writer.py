import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from bot.memory import ExtractedMemories, FinishedTurn, PersonalMemory, TurnRecorder
from db.infra.database import Database
from db.memory import memories as rows
from db.memory import session_summary
from db.memory.memories import Memory
from db.people import sessions
from db.people.sessions import Session
from inference.engines.local import LocalEngine
from inference.engines.port import FinishReason, GenerationEvent, GenerationRequest
from tests.fakes.scribe import Scribe
from tests.fixtures.turns import answer, ask


def notes(*facts: tuple[str, str, int]) -> str:
    """What the engine writes of facts."""
    return json.dumps(
        {"facts": [{"action": action, "fact": fact, "number": number} for action, fact, number in facts]},
        ensure_ascii=False,
    )


async def finished(
    database: Database, session: Session, question: str, reply: str = "So be it.", **more: object
) -> FinishedTurn:
    async with database.person_transaction(session.user_id) as connection:
        turn = await answer(connection, await ask(connection, session.id, question), reply)
    fields = {
        "id": turn.id,
        "user_id": session.user_id,
        "session_id": session.id,
        "question": question,
        "answer": reply,
        "said_at": turn.created_at,
        "in_view": 20,
        **more,
    }
    return FinishedTurn(**fields)  # type: ignore[arg-type]


async def remember(rememberer: TurnRecorder, turn: FinishedTurn) -> ExtractedMemories:
    """All that is done after a turn."""
    await rememberer.save_episodes(turn)
    return await rememberer.extract_memories(turn)


async def kept(database: Database, session: Session, *kinds: str) -> list[Memory]:
    async with database.person_transaction(session.user_id) as connection:
        return await rows.list_valid(connection, kinds)  # type: ignore[arg-type]


async def test_a_turn_becomes_two_episodes_and_its_facts(
    database: Database, session: Session, memory: PersonalMemory
) -> None:
    turn = await finished(database, session, "I moved to Berlin in May. Is it cold there?", "In winter it is.")
    scribe = Scribe([notes(("add", "Moved to Berlin in May", 0))])
    rememberer = TurnRecorder(database, scribe, memory)
    assert await rememberer.save_episodes(turn) == 2
    remembered = await rememberer.extract_memories(turn)
    (fact,) = remembered.facts
    assert (fact.content, fact.source_turn_id, fact.valid_from) == ("Moved to Berlin in May", turn.id, turn.said_at)
    told_by = {one.voice: one.content for one in await kept(database, session, "episode")}
    assert told_by == {"person": turn.question, "mind": turn.answer}
    # The model sees the person's own statements and nothing else of the turn.
    [request] = scribe.requests
    assert request.messages[-1].content == "<<<I moved to Berlin in May.>>>"
    assert request.adapter is None
    assert request.schema is not None
    # Told again, as after a crash, it does nothing twice.
    assert await rememberer.save_episodes(turn) == 0
    assert (await rememberer.extract_memories(turn)).facts == ()
    assert len(await kept(database, session, "episode", "fact")) == 3


@pytest.mark.parametrize(
    ("message", "written"),
    [
        ("I moved to Berlin in May.", notes(("add", "Owns a castle in Scotland", 0))),
        ("I moved to Berlin in May.", notes(("add", "Did not move to Berlin in May", 0))),
        ("I moved to Berlin in May.", notes(("end", "I moved to Berlin", 5))),
        ("I moved to Berlin in May.", '{"facts": [{"action": "rule", "fact": "x", "number": 0}]}'),
        ("I moved to Berlin in May.", '{"facts": [{"action": "add", "fact"'),
        ("I moved to Berlin in May.", "Sure! Here are the facts."),
        ("Where is my castle in Scotland?", notes(("add", "My castle is in Scotland", 0))),
        ("> I own a castle in Scotland\nWhat of it?", notes(("add", "I own a castle in Scotland", 0))),
        ("Hello!", notes(("add", "Hello", 0))),
    ],
)
async def test_what_the_words_do_not_say_is_not_noted(
    database: Database, session: Session, memory: PersonalMemory, message: str, written: str
) -> None:
    turn = await finished(database, session, message)
    rememberer = TurnRecorder(database, Scribe([written]), memory)
    assert await rememberer.save_episodes(turn) == 2
    assert (await rememberer.extract_memories(turn)).facts == ()


async def test_a_fact_that_changes_ends_the_old_one(
    database: Database, session: Session, memory: PersonalMemory
) -> None:
    scribe = Scribe([notes(("add", "Я живу в Твери", 0)), notes(("update", "Я переехала в Омск", 1))])
    rememberer = TurnRecorder(database, scribe, memory)
    await remember(rememberer, await finished(database, session, "Я живу в Твери, у меня кот."))
    remembered = await remember(rememberer, await finished(database, session, "Я переехала в Омск из Твери."))
    assert remembered.ended_facts == 1
    assert [fact.content for fact in await kept(database, session, "fact")] == ["Я переехала в Омск"]
    assert scribe.requests[-1].messages[-1].content.startswith("1. Я живу в Твери\n")
    async with database.person_transaction(session.user_id) as connection:
        assert (
            await connection.fetchval("SELECT valid_until FROM memories WHERE content = 'Я живу в Твери'") is not None
        )


async def test_without_a_word_of_change_nothing_ends(
    database: Database, session: Session, memory: PersonalMemory
) -> None:
    rememberer = TurnRecorder(
        database, Scribe([notes(("add", "I like tea", 0)), notes(("update", "I like coffee", 1))]), memory
    )
    await remember(rememberer, await finished(database, session, "I like tea very much."))
    remembered = await remember(rememberer, await finished(database, session, "I like coffee very much."))
    assert remembered.ended_facts == 0
    assert [fact.content for fact in await kept(database, session, "fact")] == ["I like tea", "I like coffee"]


async def test_what_is_known_is_not_noted_again(database: Database, session: Session, memory: PersonalMemory) -> None:
    rememberer = TurnRecorder(database, Scribe([notes(("add", "I like green tea", 0))]), memory)
    for _ in range(2):
        await remember(rememberer, await finished(database, session, "I like green tea very much."))
    assert len(await kept(database, session, "fact")) == 1


@pytest.mark.parametrize("trouble", [{"away": True}, {"stuck": True}, {"reason": FinishReason.LENGTH}])
async def test_when_the_engine_fails_the_episodes_are_kept(
    database: Database, session: Session, memory: PersonalMemory, trouble: dict[str, object]
) -> None:
    scribe = Scribe([notes(("add", "I moved to Berlin", 0))], **trouble)  # type: ignore[arg-type]
    turn = await finished(database, session, "I moved to Berlin in May.")
    rememberer = TurnRecorder(database, scribe, memory, timeout=0.2)
    assert await rememberer.save_episodes(turn) == 2
    assert (await rememberer.extract_memories(turn)).facts == ()


async def test_a_turn_that_is_gone_is_no_error(database: Database, session: Session, memory: PersonalMemory) -> None:
    gone = FinishedTurn(
        id=uuid4(),
        user_id=session.user_id,
        session_id=session.id,
        question="I moved.",
        answer="Oh.",
        said_at=datetime.now(UTC),
        in_view=20,
    )
    rememberer = TurnRecorder(database, Scribe(), memory)
    assert await rememberer.save_episodes(gone) == 0
    assert (await rememberer.extract_memories(gone)).facts == ()


async def test_what_is_said_in_a_chat_stays_of_that_chat(
    database: Database, session: Session, memory: PersonalMemory
) -> None:
    scribe = Scribe([notes(("add", "I moved to Berlin in May", 0))])
    turn = await finished(database, session, "I moved to Berlin in May.", chat="telegram:1")
    await remember(TurnRecorder(database, scribe, memory), turn)
    assert {(one.scope, one.chat) for one in await kept(database, session, "fact", "episode")} == {
        ("chat", "telegram:1")
    }
    assert await memory.recall(session.user_id, "Berlin", 5, chat="telegram:2") == []


async def test_the_summary_takes_in_what_the_window_loses(
    database: Database, session: Session, memory: PersonalMemory
) -> None:
    scribe = Scribe(['{"facts": []}'])
    rememberer = TurnRecorder(database, scribe, memory)
    for number in range(5):
        remembered = await remember(
            rememberer, await finished(database, session, f"My plan number {number} is to swim.", in_view=2)
        )
        assert remembered.summary is None
    # Facts are asked for first, then the summary; four turns are out of view now.
    scribe.answers = ['{"facts": []}', '{"summary": "The plan is to swim, number 0 to 3."}']
    remembered = await remember(
        rememberer, await finished(database, session, "My plan number 5 is to swim.", in_view=2)
    )
    assert remembered.summary is not None
    assert remembered.summary.content == "The plan is to swim, number 0 to 3."
    asked = scribe.requests[-1].messages[-1].content
    assert "number 0" in asked
    assert "number 3" in asked
    assert "number 4" not in asked
    # One that is not in the conversation's words is not believed: the person's own stand instead.
    scribe.answers = [
        '{"facts": []}',
        '{"facts": []}',
        '{"facts": []}',
        '{"facts": []}',
        '{"summary": "A dragon ate Rome."}',
    ]
    for number in range(6, 10):
        remembered = await remember(
            rememberer, await finished(database, session, f"My plan number {number} is to swim.", in_view=2)
        )
    assert remembered.summary is not None
    assert "dragon" not in remembered.summary.content
    assert "My plan number 6 is to swim." in remembered.summary.content
    assert len(await kept(database, session, "summary")) == 1
    async with database.person_transaction(session.user_id) as connection:
        assert await session_summary.current_summary(connection, session.id) == remembered.summary
        await sessions.start_window(connection, session.id)
        assert await session_summary.current_summary(connection, session.id) is None


async def test_a_summary_is_drawn_anew_without_what_is_forgotten(
    database: Database, session: Session, memory: PersonalMemory
) -> None:
    fact = '{"facts": [{"action": "add", "fact": "I own a red boat", "number": 0}]}'
    scribe = Scribe(['{"facts": []}'] * 3 + [fact])
    rememberer = TurnRecorder(database, scribe, memory)
    for question in ("My plan is to swim.", "My plan is to rest.", "My plan is to run.", "I own a red boat."):
        await remember(rememberer, await finished(database, session, question, in_view=0))
    scribe.answers = ['{"facts": []}', '{"summary": "The plan is to swim, rest and run, a red boat."}']
    await remember(rememberer, await finished(database, session, "My plan is to sleep.", in_view=0))
    [summary] = await kept(database, session, "summary")
    [boat] = await kept(database, session, "fact")
    async with database.person_transaction(session.user_id) as connection:
        assert await memory.forget(connection, boat.id)
    said = {one.content for one in await kept(database, session, "episode")}
    assert summary not in await kept(database, session, "summary")
    assert "My plan is to run." in said
    assert "I own a red boat." not in said
    scribe.answers = ['{"facts": []}', '{"summary": "The plan is to swim, rest and run."}']
    await remember(rememberer, await finished(database, session, "My plan is to eat.", in_view=0))
    asked = scribe.requests[-1].messages[-1].content
    assert "My plan is to run." in asked
    assert "boat" not in asked


async def test_what_is_forgotten_while_it_is_summed_up_is_in_no_summary(
    database: Database, session: Session, memory: PersonalMemory
) -> None:
    async with database.person_transaction(session.user_id) as connection:
        boat = await rows.remember(connection, "fact", "I own a red boat")
    assert boat is not None

    class Forgetting(Scribe):
        async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
            if "boat" in request.messages[-1].content and len(self.answers) == 1:
                async with database.person_transaction(session.user_id) as connection:
                    await memory.forget(connection, boat.id)
            async for event in super().generate(request):
                yield event

    scribe = Forgetting(['{"facts": []}'] * 4 + ['{"summary": "The plan is to swim, a red boat."}'])
    rememberer = TurnRecorder(database, scribe, memory)
    for question in ("My plan is to swim.", "My plan is to rest.", "My plan is to run.", "I own a red boat."):
        remembered = await remember(rememberer, await finished(database, session, question, in_view=0))
    assert "boat" in scribe.requests[-1].messages[-1].content
    assert remembered.summary is None
    assert await kept(database, session, "summary", "fact") == []


@pytest.mark.model
async def test_the_bundled_model_does_no_harm(
    database: Database, session: Session, memory: PersonalMemory, local_engine: LocalEngine
) -> None:
    """It is weak: what it notes may be little, and is in the person's words."""
    rememberer = TurnRecorder(database, local_engine, memory, timeout=60)
    turn = await finished(database, session, "I am a nurse and I live in Leeds. What should I eat?")
    assert await rememberer.save_episodes(turn) == 2
    remembered = await rememberer.extract_memories(turn)
    assert all("castle" not in fact.content for fact in remembered.facts)
    for fact in remembered.facts:
        assert {"nurse", "Leeds", "live"} & set(fact.content.split())
