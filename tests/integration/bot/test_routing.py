"""`auto` with the real embedder and the demo mind, its vectors in Postgres, and what /why says of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace

import numpy as np
import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.answering.router import PastQuestion, Router, routing_of
from bot.answering.routing.index import index_texts
from bot.answering.routing.texts import load_adapter_texts
from bot.answering.routing.vectors import PostgresVectors, embed_texts
from bot.app.bootstrap import open_services
from bot.app.settings import Settings
from bot.minds import Mind
from db.infra.database import Database
from inference.embedding import E5_MODEL, Embedder, connect_embedder
from tests.fakes.talk import Talk, talking
from tests.fakes.word_counts import WordCounts


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def router(embedding_url: str, agoge: Mind) -> AsyncIterator[Router]:
    """It has its vectors from the run's embedder, which the service below asks for the same ones."""
    embedder = connect_embedder(embedding_url, E5_MODEL)
    await embedder.start()
    yield Router(embedder, agoge)
    await embedder.close()


@pytest.mark.parametrize(
    ("message", "adapter"),
    [
        ("How many sets of squats should I do for strength?", "sport"),
        ("Сколько приседаний делать за тренировку?", "sport"),
        ("Подскажи, какой warm-up делать перед deadlift?", "sport"),
        ("Why does a pendulum swing back?", "physics"),
        ("Почему железный корабль не тонет?", "physics"),
        ("I am ashamed of a lie I told my brother", "core"),
        ("Муж не разговаривает со мной после ссоры", "core"),
        ("Что ты знаешь о физике?", "physics"),
    ],
)
async def test_messages_in_any_language_find_their_adapter(router: Router, message: str, adapter: str) -> None:
    assert (await router.route(message)).adapter == adapter


@pytest.mark.parametrize(
    "message",
    ["привет", "спасибо!", "good evening", "what's the weather tomorrow?", "Сколько лет живут слоны?", "😀", "", "1+1"],
)
async def test_small_talk_and_other_subjects_stay_with_the_core(router: Router, message: str) -> None:
    routed = await router.route(message)
    assert (routed.mode.text, routed.adapter) == ("core", None)


SQUATS = PastQuestion("Сколько раз в неделю приседать?", "sport")
SHIPS = PastQuestion("Why does a steel ship float?", "physics")


@pytest.mark.parametrize(
    ("history", "message", "adapter", "stayed"),
    [
        ([SQUATS], "а в дни отдыха?", "sport", True),
        ([SQUATS], "а если я устал?", "sport", True),
        ([SQUATS], "почему?", "sport", True),
        ([SHIPS], "why?", "physics", True),
        ([SHIPS], "а можно пример?", "physics", True),
        ([SHIPS, PastQuestion("thanks")], "tell me more", "physics", True),
        ([SHIPS, SQUATS], "почему?", "sport", True),
        ([SQUATS], "Почему лодка не тонет?", "physics", False),
        ([SHIPS], "And how do I train for a marathon?", "sport", False),
        ([SQUATS], "спасибо, пока", None, False),
        ([SQUATS], "What is the capital of Peru?", None, False),
    ],
)
async def test_follow_ups_stay_and_new_subjects_switch(
    router: Router, history: Sequence[PastQuestion], message: str, adapter: str | None, stayed: bool
) -> None:
    found = (await router.route(message, history)).comparison
    assert found is not None
    assert (found.adapter, found.stayed) == (adapter, stayed)


async def test_probabilities_are_calibrated_on_the_dialogues(router: Router) -> None:
    made = (await router.index()).calibration
    assert made.questions >= 3 * 96
    assert made.accuracy is not None
    assert made.accuracy > 0.8
    assert made.abstention is not None
    assert made.abstention > 0.85


async def route_all(database: Database, mind: Mind, embedder: WordCounts) -> list[object]:
    router = Router(embedder, mind, PostgresVectors(database, mind.name))
    return [await router.route(message) for message in ("How many squats?", "What is torque?", "thanks")]


async def test_a_restart_embeds_only_messages(database: Database, agoge: Mind) -> None:
    first, second = WordCounts(), WordCounts()
    before = await route_all(database, agoge, first)
    assert max(first.calls) > 300
    assert await route_all(database, agoge, second) == before
    assert second.calls == [1, 1, 1]


async def test_processes_that_start_at_once_choose_alike(dsn: str, database: Database, agoge: Mind) -> None:
    async with await Database.open(dsn) as other:
        one, two = await asyncio.gather(route_all(database, agoge, WordCounts()), route_all(other, agoge, WordCounts()))
    assert one == two


async def test_what_a_mind_no_longer_has_is_deleted_and_other_minds_are_left_alone(
    database: Database, agoge: Mind
) -> None:
    texts = index_texts(load_adapter_texts(agoge))
    await embed_texts(texts[:50], WordCounts(), PostgresVectors(database, "other"))
    await embed_texts(texts, WordCounts(), PostgresVectors(database, agoge.name))
    await embed_texts(texts[10:], WordCounts(), PostgresVectors(database, agoge.name))
    async with database.anonymous_transaction() as connection:
        rows = await connection.fetch("SELECT mind, count(*) AS kept FROM router_vectors GROUP BY mind")
    assert {row["mind"]: row["kept"] for row in rows} == {"other": 50, agoge.name: len(texts) - 10}


async def test_vectors_come_back_as_they_were_used(database: Database, agoge: Mind, embedder: Embedder) -> None:
    texts = index_texts(load_adapter_texts(agoge))[:8]
    store = PostgresVectors(database, agoge.name)
    made, kept = await embed_texts(texts, embedder, store), await embed_texts(texts, embedder, store)
    assert all(np.array_equal(made[text], kept[text]) for text in texts)


async def test_why_says_what_was_compared(talk: Talk) -> None:
    assert (await talk.say("1", "/why")).answer == "I have not answered anything here yet."
    assert (await talk.say("1", "How many sets of squats should I do for strength?")).mode == "core+sport"
    chosen = (await talk.say("1", "/why")).answer
    assert re.match(r"I answered as core\+sport: the message is closest to “sport”. I was \d+% sure", chosen)
    assert re.search(r"\nCompared: sport \d+%, .*physics \d+%.*; none of them \d+%\.\n", chosen)
    assert re.search(r"\nThe nearest example, with a similarity of 0\.\d\d: “.+”$", chosen)
    assert (await talk.say("1", "а в дни отдыха?")).mode == "core+sport"
    stayed = (await talk.say("1", "/почему", language="ru")).answer
    assert "сообщение продолжает разговор, поэтому тема осталась прежней — «sport»" in stayed
    assert (await talk.say("1", "thanks a lot")).mode == "core"
    assert (await talk.say("1", "/why")).answer.startswith("I answered as core: the message belongs to no adapter")
    assert (await talk.say("1", "I am ashamed of a lie I told my brother")).mode == "core"
    assert (await talk.say("1", "/why")).answer.startswith("I answered as core: the message is closest to the core")
    await talk.say("1", "/mode physics")
    await talk.say("1", "What is torque?")
    assert (await talk.say("1", "/why")).answer == "I answered as core+physics, because this mode was chosen."


async def test_the_subject_outlives_a_restart_and_a_new_conversation_has_none(
    sglang_settings: Settings, dsn: str
) -> None:
    settings = sglang_settings.model_copy(update={"database_url": SecretStr(dsn), "prewarm_modes": 0})
    async with open_services(settings, role="all") as services, talking(services, "telegram") as talk:
        assert (await talk.say("1", "Сколько приседаний делать за тренировку?")).mode == "core+sport"
        await talk.say("2", "/mode physics")
        assert (await talk.say("2", "What is torque?")).mode == "core+physics"
        await talk.say("2", "/mode auto")
        await talk.settled()
    async with open_services(settings, role="all") as services, talking(services, "telegram") as talk:
        talk.start_over_at(100)
        assert (await talk.say("1", "а если я устал?")).mode == "core+sport"
        # A mode that was chosen is a subject as well.
        assert (await talk.say("2", "why?")).mode == "core+physics"
        await talk.say("1", "/new")
        assert (await talk.say("1", "а если так?")).mode == "core"


def test_a_newer_release_may_have_stored_more() -> None:
    document = {
        "adapter": "sport", "shares": {"sport": 0.9}, "sureness": 0.9, "stayed": False, "nearest": "Squats?",
        "similarity": 0.7, "threshold": 0.5, "mood": "good",
    }  # fmt: skip
    turn = SimpleNamespace(routing=document)
    stored = routing_of(turn)  # type: ignore[arg-type]  # only this is looked at
    assert stored is not None
    assert (stored.comparison.adapter, stored.threshold) == ("sport", 0.5)
