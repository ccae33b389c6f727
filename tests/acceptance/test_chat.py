"""A person at a pipe: modes, answers, memory, and everything again in a second process.

Loading the models takes seconds, so tests that are not about a process of their own share one: a person says the
lines of all `SECTIONS` in it, and each test looks at the answers to its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import Ended, Home

KEYS = {"turn", "mode", "adapter", "answer", "sources", "memories", "usage", "error"}

SECTIONS: dict[str, list[str | bytes]] = {
    "stranger": ["/mode", "/memory"],
    "russian": ["включить режим: физика+агоге", "/mode", "/lang en", "/mode", "switch to sport + core"],
    "bad messages": [
        "/mode sport+classical",
        "/mode spotr",
        "/mode sport*9",
        "/mdoe sport",
        "/forget 7",
        "",
        "\u200b",
        "word " * 20_000,
        "<|use_lora_sprot|> hello",
        "/mode",
    ],
    "trigger": ["/mode core", "<|use_lora_sport|> How long should I rest?", "/mode"],
    "base and auto": [
        "/mode base",
        "What is a heart?",
        "/mode auto",
        "How many sets of squats should I do each week?",
    ],
    "forgotten": [
        "/mode core",
        "/remember I am afraid of deep water.",
        "Tell me about courage.",
        "/new",
        "/forget 1",
        "/memory",
        "Am I afraid of deep water?",
    ],
    "bytes": ["/mode core", b"/remember \xff\xfe\x00 odd", "/memory"],
}


@dataclass(frozen=True)
class Conversation:
    """What one process answered to everything that one person said."""

    ended: Ended
    answers: dict[str, list[dict[str, Any]]]
    """By section."""


@pytest.fixture(scope="module")
def anna(shared_home: Home, brief_mind: Path) -> tuple[Ended, Ended]:
    """Two processes, one after the other, that Anna talks to."""
    own = {"CONSILIUM_MIND": str(brief_mind)}
    question = "How do I recover after a hard day, when my legs are heavy and I have slept badly for a week?"
    first = shared_home.chat("/mode sport+core", "/remember My knee hurts since Tuesday.", question, **own)
    return first, shared_home.chat("/mode", "Is my knee well enough to run?", "/memory", **own)


@pytest.fixture(scope="module")
def boris(shared_home: Home, brief_mind: Path, anna: tuple[Ended, Ended]) -> Conversation:
    """Boris says all sections, each in a window of its own, where Anna has been before him."""
    lines = [line for section in SECTIONS.values() for line in ("/new", *section)]
    said = b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in lines)
    ended = shared_home.run("chat", "--json", "--user", "boris", "--mind", str(brief_mind), say=said)
    left = iter(ended.objects)
    return Conversation(
        ended, {name: [next(left) for _ in ("/new", *section)][1:] for name, section in SECTIONS.items()}
    )


def test_composed_mind_answers_and_second_process_remembers(anna: tuple[Ended, Ended]) -> None:
    first, second = anna
    assert first.code == 0, first.err
    mode, remembered, answer = first.objects
    assert all(set(turn) == KEYS for turn in first.objects)
    assert mode["mode"] == "core+sport"
    assert mode["error"] is None
    assert "knee" in remembered["answer"]
    assert answer["mode"] == "core+sport"
    assert answer["adapter"].startswith("c-")
    assert len(answer["answer"]) > 20
    assert answer["usage"]["completion_tokens"] > 5
    assert answer["turn"]
    assert answer["error"] is None

    assert second.code == 0, second.err
    mode, answer, memory = second.objects
    assert "core+sport" in mode["answer"]
    assert answer["adapter"] == first.objects[2]["adapter"]
    [recalled] = answer["memories"]
    assert recalled.startswith("as of ")
    assert recalled.endswith(": My knee hurts since Tuesday.")
    # The window came back: the prompt holds the first process's exchange as well.
    assert answer["usage"]["prompt_tokens"] > first.objects[2]["usage"]["prompt_tokens"] + 50
    assert "knee" in memory["answer"]


def test_stranger_sees_no_mode_and_no_memory_of_another_person(boris: Conversation) -> None:
    assert boris.ended.code == 0, boris.ended.err
    assert "auto" in boris.answers["stranger"][0]["answer"]
    assert "knee" not in boris.ended.out


def test_mode_is_switched_in_russian_words(boris: Conversation) -> None:
    turns = boris.answers["russian"]
    assert [turn["mode"] for turn in turns] == ["core+physics"] * 4 + ["core+sport"]
    assert "Режим" in turns[0]["answer"]
    assert "Mode" in turns[3]["answer"]


def test_bad_messages_get_a_sentence_each_and_end_nothing(boris: Conversation) -> None:
    turns = boris.answers["bad messages"]
    errors = [turn["error"] for turn in turns]
    assert all(errors[:-1])
    assert errors[-1] is None
    assert "classical" in errors[0]
    assert "sport" in errors[1]
    assert "3.00" in errors[2]
    assert "/mode" in errors[3]
    assert "nothing to forget" in errors[4]
    assert "tokens" in errors[7]
    assert "sport" in errors[8]
    assert all("Traceback" not in turn["error"] for turn in turns[:-1])
    assert "Traceback" not in boris.ended.err


def test_trigger_changes_the_mode_of_one_message_only(boris: Conversation) -> None:
    assert [turn["mode"] for turn in boris.answers["trigger"]] == ["core", "core+sport", "core"]


def test_base_answers_without_an_adapter_and_auto_finds_one(boris: Conversation) -> None:
    turns = boris.answers["base and auto"]
    assert (turns[1]["mode"], turns[1]["adapter"]) == ("base", None)
    assert turns[3]["mode"] == "core+sport"
    assert turns[3]["adapter"]


def test_forgotten_memory_is_gone_from_the_next_prompt(boris: Conversation) -> None:
    turns = boris.answers["forgotten"]
    assert "afraid" not in turns[5]["answer"]
    # What was said about courage may come back as a memory of that conversation; what was forgotten may not.
    assert not any("afraid" in memory for memory in turns[6]["memories"])


def test_bytes_that_are_not_text_are_answered(boris: Conversation) -> None:
    assert all(turn["error"] is None for turn in boris.answers["bytes"])


def test_demo_command_speaks_with_the_demo_mind(shared_home: Home) -> None:
    ended = shared_home.run("demo", "--user", "vera", say="/mode sport+core\n/mode\n")
    assert ended.code == 0, ended.err
    assert ended.out.count("core+sport") >= 2
