"""Cases that were written from what people say before the code was read: two batches, kept as data."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from bot.memory.forget_plan import plan_forgetting
from bot.memory.grounding import is_supported, own_sentences
from bot.memory.identity import Fact, cut_units
from bot.memory.record_numbers import is_about
from bot.memory.records import Record
from bot.memory.superseding import supersedes
from db.memory.forgetting import MemoryTexts, TurnTexts

CASES = Path(__file__).parents[3] / "fixtures" / "memory_cases"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
MAX_ASKED_SHARE = 1 / 6
"""Of sixty cases ten may be left to the person."""


def _load(*names: str) -> list[dict[str, Any]]:
    return [json.loads(line) for name in names for line in (CASES / f"{name}.jsonl").read_text().splitlines()]


FORGETTING = _load("forgetting", "forgetting_second")
BY_FACT = [case for case in FORGETTING if "fact" in case]
KNOWN_MISSES = {"Actually it's 72 kilos"}


def _turn(question: str, answer: str, kind: Any = "question") -> TurnTexts:
    return TurnTexts(uuid4(), uuid4(), 1, kind, True, question, answer, None, NOW, None, None, None, [])


def _memory(kind: Any, content: str, turn: TurnTexts | None, voice: Any = "person") -> MemoryTexts:
    source, session = (turn.id, turn.session_id) if turn else (None, None)
    return MemoryTexts(uuid4(), kind, content, voice, source, session, "passport.pdf", None, NOW)


def _outcome(case: dict[str, Any]) -> str:
    """What forgetting a fact does with something else that is kept: `goes`, `stays` or `asks`."""
    command = _turn(f"/remember {case['fact']}", "Noted.", "command")
    fact = _memory("fact", case["fact"], command)
    other = case["other"]
    turn: TurnTexts | None = _turn("Hello there", "Hi")
    match case["as"]:
        case "user":
            turn = _turn(other, "All right.")
            memory, record = _memory("episode", other, turn), Record("message", turn.id)
        case "assistant":
            turn = _turn("Hello there", other)
            memory, record = _memory("episode", other, turn, "mind"), Record("answer", turn.id)
        case "document":
            turn = None
            memory = _memory("passage", other, None)
            record = Record("memory", memory.id)
        case _:
            memory = _memory("summary", other, turn)
            record = Record("memory", memory.id)
    turns = [command, *([turn] if turn else [])]
    plan = plan_forgetting([Record("memory", fact.id)], turns, [fact, memory])
    assert plan is not None
    if any(line.record == record for line in plan.unsure):
        return "asks"
    gone: set[UUID] = {*plan.deleted_memories, *plan.cut_memories}
    is_rewritten = case["as"] == "summary" and memory.session_id in plan.summary_sessions
    return "goes" if memory.id in gone or is_rewritten else "stays"


def test_forgetting_takes_what_says_the_same_and_nothing_else() -> None:
    outcomes = [(case, _outcome(case)) for case in BY_FACT]
    assert [pair for pair in outcomes if pair[1] not in ("asks", pair[0]["expect"])] == []
    asked = [case for case, outcome in outcomes if outcome == "asks" and case["as"] != "document"]
    assert len(asked) <= MAX_ASKED_SHARE * len(FORGETTING), asked


@pytest.mark.parametrize("case", [case for case in FORGETTING if "about" in case], ids=lambda case: case["other"])
def test_what_is_about_a_topic_is_listed(case: dict[str, Any]) -> None:
    assert is_about(case["about"], case["other"]) == (case["expect"] == "goes")


@pytest.mark.parametrize("case", _load("whose", "whose_second"), ids=lambda case: case["text"][:40])
def test_whose_fact_it_is(case: dict[str, Any]) -> None:
    """With an engine that notes every sentence it is given as it stands."""
    sentences = own_sentences(case["text"])
    facts = [sentence for sentence in sentences if is_supported(sentence, " ".join(sentences))]
    if case.get("none"):
        assert facts == []
    for words in case.get("facts", ()):
        assert any(all(word.lower() in fact.lower() for word in words) for fact in facts), facts
    if "never" in case:
        claims = [fact for fact in facts if re.search(case["never"], fact, re.IGNORECASE)]
        frame = case.get("frame", "(?!)")
        assert [claim for claim in claims if not re.search(frame, claim, re.IGNORECASE)] == []


def _updates() -> list[Any]:
    # Rules cannot tell what is set right where nothing is named.
    miss = pytest.mark.xfail(strict=True, reason="a known miss")
    cases = _load("updates", "updates_second")
    return [pytest.param(case, marks=[miss] if case["says"][-1] in KNOWN_MISSES else []) for case in cases]


@pytest.mark.parametrize("case", _updates())
def test_what_holds_after_an_update(case: dict[str, Any]) -> None:
    held: list[str] = []
    for said in case["says"]:
        for sentence in own_sentences(said):
            held = [*(fact for fact in held if not supersedes(sentence, fact)), sentence]
    text = "\n".join(held)
    assert all(word.lower() in text.lower() for word in case["holds"]), held
    assert not any(re.search(ended, text, re.IGNORECASE | re.MULTILINE) for ended in case["ended"]), held


@pytest.mark.parametrize(
    ("fact", "said", "left"),
    [
        ("I take metformin", "I take ibuprofen, metformin and lisinopril.", "I take ibuprofen, lisinopril."),
        ("Я пью эутирокс", "По утрам пью эутирокс, омепразол и витамин Д", "По утрам пью омепразол и витамин Д"),
        ("I have diabetes", "I have asthma and diabetes", "I have asthma"),
        ("I like tea", "I like tea and coffee", "I like coffee"),
        (
            "I speak Italian",
            "I speak English, French and Italian. I live in Oslo.",
            "I speak English, French. I live in Oslo.",
        ),
    ],
)
def test_of_a_list_only_the_thing_goes(fact: str, said: str, left: str) -> None:
    assert cut_units(said, Fact(fact).compare(said).same) == left
