"""A question asked many times, in the same and in other words, does not crowd out what answers it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.memory import PersonalMemory
from db.memory.memories import Origin
from db.people.sessions import Session

CASES = Path(__file__).parents[3] / "fixtures" / "memory_cases" / "repeated.jsonl"
TOLD_AT = datetime(2026, 5, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("case", [json.loads(line) for line in CASES.read_text().splitlines()])
async def test_the_fact_stays_first(memory: PersonalMemory, session: Session, case: dict[str, Any]) -> None:
    person, at = session.user_id, TOLD_AT

    async def save(text: str, **origin: Any) -> None:
        nonlocal at
        at += timedelta(minutes=3)
        await memory.save(person, "episode", text, Origin(session.id, **origin), valid_from=at)

    await save(case["fact"])
    for _ in range(2):
        for question in case["asks"]:
            await save(question)
            await save(case["answer"], voice="mind")
    for question in case["asks"]:
        [first, *_] = await memory.recall(person, question, 5)
        assert case["holds"] in first.memory.content, [first.memory.content, question]
