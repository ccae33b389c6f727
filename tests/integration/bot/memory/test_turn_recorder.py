import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from bot.memory import ExtractedMemories, FinishedTurn, PersonalMemory, TurnRecorder
from bot.memory.records import Record
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
    """What the engine writes when it is asked for facts."""
    return json.dumps(
        {"facts": [{"action": action, "fact": fact, "number": number} for action, fact, number in facts]},
        ensure_ascii=False,
    )


async def finish_turn(
    database: Database, session: Session, question: str, reply: str = "So be it.", **more: object
) -> FinishedTurn:
    async with database.person_transaction(session.user_id) as connection:
        turn = await answer(connection, await ask(connection, session.id, question), reply)
    values: dict[str, Any] = {"said_at": turn.created_at, "window_size": 20, **more}
    return FinishedTurn(
        id=turn.id, user_id=session.user_id, session_id=session.id, question=question, answer=reply, **values
    )


async def record(recorder: TurnRecorder, turn: FinishedTurn) -> ExtractedMemories:
    """Everything that is done after a turn."""
    await recorder.save_episodes(turn)
    return await recorder.extract_memories(turn)


async def list_memories(database: Database, session: Session, *kinds: str) -> list[Memory]:
    async with database.person_transaction(session.user_id) as connection:
        return await rows.list_valid(connection, kinds)  # type: ignore[arg-type]


async def test_turn_becomes_two_episodes_and_facts(
    database: Database, session: Session, memory: PersonalMemory
) -> None:
    turn = await finish_turn(database, session, "I moved to Berlin in May. Is it cold there?", "In winter it is.")
    scribe = Scribe([notes(("add", "Moved to Berlin in May", 0))])
    recorder = TurnRecorder(database, scribe, memory)
    assert await recorder.save_episodes(turn) == 2
    extracted = await recorder.extract_memories(turn)
    (fact,) = extracted.facts
    assert (fact.content, fact.source_turn_id, fact.valid_from) == ("Moved to Berlin in May", turn.id, turn.said_at)
    by_voice = {episode.voice: episode.content for episode in await list_memories(database, session, "episode")}
    assert by_voice == {"person": turn.question, "mind": turn.answer}
    # The model sees the person's own statements and nothing else of the turn.
    [request] = scribe.requests
    assert request.messages[-1].content == "<<<I moved to Berlin in May.>>>"
    assert request.adapter is None
    assert request.schema is not None
    # Repeated, as after a crash, it does nothing twice.
    assert await recorder.save_episodes(turn) == 0
    assert (await recorder.extract_memories(turn)).facts == ()
    assert len(await list_memories(database, session, "episode", "fact")) == 3


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
async def test_unsupported_fact_is_dropped(
    database: Database, session: Session, memory: PersonalMemory, message: str, written: str
) -> None:
    turn = await finish_turn(database, session, message)
    recorder = TurnRecorder(database, Scribe([written]), memory)
    assert await recorder.save_episodes(turn) == 2
    assert (await recorder.extract_memories(turn)).facts == ()


async def test_changed_fact_ends_the_old_one(database: Database, session: Session, memory: PersonalMemory) -> None:
    scribe = Scribe([notes(("add", "Я живу в Твери", 0)), notes(("update", "Я переехала в Омск", 1))])
    recorder = TurnRecorder(database, scribe, memory)
    await record(recorder, await finish_turn(database, session, "Я живу в Твери, у меня кот."))
    extracted = await record(recorder, await finish_turn(database, session, "Я переехала в Омск из Твери."))
    assert extracted.ended_facts == 1
    assert [fact.content for fact in await list_memories(database, session, "fact")] == ["Я переехала в Омск"]
    assert scribe.requests[-1].messages[-1].content.startswith("1. Я живу в Твери\n")
    async with database.person_transaction(session.user_id) as connection:
        assert (
            await connection.fetchval("SELECT valid_until FROM memories WHERE content = 'Я живу в Твери'") is not None
        )


async def test_fact_does_not_end_without_a_mention_of_change(
    database: Database, session: Session, memory: PersonalMemory
) -> None:
    recorder = TurnRecorder(
        database, Scribe([notes(("add", "I like tea", 0)), notes(("update", "I like coffee", 1))]), memory
    )
    await record(recorder, await finish_turn(database, session, "I like tea very much."))
    extracted = await record(recorder, await finish_turn(database, session, "I like coffee very much."))
    assert extracted.ended_facts == 0
    assert [fact.content for fact in await list_memories(database, session, "fact")] == ["I like tea", "I like coffee"]


async def test_known_fact_is_saved_once(database: Database, session: Session, memory: PersonalMemory) -> None:
    recorder = TurnRecorder(database, Scribe([notes(("add", "I like green tea", 0))]), memory)
    for _ in range(2):
        await record(recorder, await finish_turn(database, session, "I like green tea very much."))
    assert len(await list_memories(database, session, "fact")) == 1


@pytest.mark.parametrize("fault", [{"away": True}, {"stuck": True}, {"reason": FinishReason.LENGTH}])
async def test_episodes_are_saved_when_the_engine_fails(
    database: Database, session: Session, memory: PersonalMemory, fault: dict[str, object]
) -> None:
    scribe = Scribe([notes(("add", "I moved to Berlin", 0))], **fault)  # type: ignore[arg-type]
    turn = await finish_turn(database, session, "I moved to Berlin in May.")
    recorder = TurnRecorder(database, scribe, memory, timeout=0.2)
    assert await recorder.save_episodes(turn) == 2
    assert (await recorder.extract_memories(turn)).facts == ()


async def test_deleted_turn_is_not_an_error(database: Database, session: Session, memory: PersonalMemory) -> None:
    deleted = FinishedTurn(
        id=uuid4(),
        user_id=session.user_id,
        session_id=session.id,
        question="I moved.",
        answer="Oh.",
        said_at=datetime.now(UTC),
        window_size=20,
    )
    recorder = TurnRecorder(database, Scribe(), memory)
    assert await recorder.save_episodes(deleted) == 0
    assert (await recorder.extract_memories(deleted)).facts == ()


async def test_memories_of_a_group_chat_stay_in_it(
    database: Database, session: Session, memory: PersonalMemory
) -> None:
    scribe = Scribe([notes(("add", "I moved to Berlin in May", 0))])
    turn = await finish_turn(database, session, "I moved to Berlin in May.", chat="telegram:1")
    await record(TurnRecorder(database, scribe, memory), turn)
    assert {(memory.scope, memory.chat) for memory in await list_memories(database, session, "fact", "episode")} == {
        ("chat", "telegram:1")
    }
    assert await memory.recall(session.user_id, "Berlin", 5, chat="telegram:2") == []


async def test_summary_covers_turns_that_left_the_window(
    database: Database, session: Session, memory: PersonalMemory
) -> None:
    scribe = Scribe(['{"facts": []}'])
    recorder = TurnRecorder(database, scribe, memory)
    for number in range(5):
        extracted = await record(
            recorder, await finish_turn(database, session, f"My plan number {number} is to swim.", window_size=2)
        )
        assert extracted.summary is None
    # Facts are requested first, then the summary; four turns have left the window now.
    scribe.answers = ['{"facts": []}', '{"summary": "The plan is to swim, number 0 to 3."}']
    extracted = await record(
        recorder, await finish_turn(database, session, "My plan number 5 is to swim.", window_size=2)
    )
    assert extracted.summary is not None
    assert extracted.summary.content == "The plan is to swim, number 0 to 3."
    asked = scribe.requests[-1].messages[-1].content
    assert "number 0" in asked
    assert "number 3" in asked
    assert "number 4" not in asked
    # A summary that the conversation does not support is replaced by the person's own sentences.
    scribe.answers = [
        '{"facts": []}',
        '{"facts": []}',
        '{"facts": []}',
        '{"facts": []}',
        '{"summary": "A dragon ate Rome."}',
    ]
    for number in range(6, 10):
        extracted = await record(
            recorder, await finish_turn(database, session, f"My plan number {number} is to swim.", window_size=2)
        )
    assert extracted.summary is not None
    assert "dragon" not in extracted.summary.content
    assert "My plan number 6 is to swim." in extracted.summary.content
    assert len(await list_memories(database, session, "summary")) == 1
    async with database.person_transaction(session.user_id) as connection:
        assert await session_summary.current_summary(connection, session.id) == extracted.summary
        await sessions.start_window(connection, session.id)
        assert await session_summary.current_summary(connection, session.id) is None


async def test_summary_is_rewritten_without_a_forgotten_fact(
    database: Database, session: Session, memory: PersonalMemory
) -> None:
    fact = '{"facts": [{"action": "add", "fact": "I own a red boat", "number": 0}]}'
    scribe = Scribe(['{"facts": []}'] * 3 + [fact])
    recorder = TurnRecorder(database, scribe, memory)
    for question in ("My plan is to swim.", "My plan is to rest.", "My plan is to run.", "I own a red boat."):
        await record(recorder, await finish_turn(database, session, question, window_size=0))
    scribe.answers = ['{"facts": []}', '{"summary": "The plan is to swim, rest and run, a red boat."}']
    await record(recorder, await finish_turn(database, session, "My plan is to sleep.", window_size=0))
    [summary] = await list_memories(database, session, "summary")
    [boat] = await list_memories(database, session, "fact")
    async with database.person_transaction(session.user_id) as connection:
        assert await memory.forget(connection, [Record("memory", boat.id)])
    episodes = {episode.content for episode in await list_memories(database, session, "episode")}
    assert summary not in await list_memories(database, session, "summary")
    assert "My plan is to run." in episodes
    assert "I own a red boat." not in episodes
    scribe.answers = ['{"facts": []}', '{"summary": "The plan is to swim, rest and run."}']
    await record(recorder, await finish_turn(database, session, "My plan is to eat.", window_size=0))
    asked = scribe.requests[-1].messages[-1].content
    assert "My plan is to run." in asked
    assert "boat" not in asked


async def test_fact_forgotten_during_summarising_is_in_no_summary(
    database: Database, session: Session, memory: PersonalMemory
) -> None:
    async with database.person_transaction(session.user_id) as connection:
        boat = await rows.remember(connection, "fact", "I own a red boat")
    assert boat is not None

    class Forgetting(Scribe):
        async def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationEvent, None]:
            if "boat" in request.messages[-1].content and len(self.answers) == 1:
                async with database.person_transaction(session.user_id) as connection:
                    await memory.forget(connection, [Record("memory", boat.id)])
            async for event in super().generate(request):
                yield event

    scribe = Forgetting(['{"facts": []}'] * 4 + ['{"summary": "The plan is to swim, a red boat."}'])
    recorder = TurnRecorder(database, scribe, memory)
    for question in ("My plan is to swim.", "My plan is to rest.", "My plan is to run.", "I own a red boat."):
        extracted = await record(recorder, await finish_turn(database, session, question, window_size=0))
    assert "boat" in scribe.requests[-1].messages[-1].content
    assert extracted.summary is None
    assert await list_memories(database, session, "summary", "fact") == []


@pytest.mark.model
async def test_bundled_model_notes_nothing_unsupported(
    database: Database, session: Session, memory: PersonalMemory, local_engine: LocalEngine
) -> None:
    """It is weak and may note little, but only in the person's words."""
    recorder = TurnRecorder(database, local_engine, memory, timeout=60)
    turn = await finish_turn(database, session, "I am a nurse and I live in Leeds. What should I eat?")
    assert await recorder.save_episodes(turn) == 2
    extracted = await recorder.extract_memories(turn)
    assert all("castle" not in fact.content for fact in extracted.facts)
    for fact in extracted.facts:
        assert {"nurse", "Leeds", "live"} & set(fact.content.split())
