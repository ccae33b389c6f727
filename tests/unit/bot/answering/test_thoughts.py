"""Thoughts are shown only where the mind says so, and kept nowhere."""

from __future__ import annotations

import pytest

from bot.answering.draft import AUTHOR, Draft
from bot.answering.generation import GenerationContext, answer_with_one_voice
from bot.answering.prompt import Prompt
from bot.core.errors import NothingButThoughts
from bot.core.i18n import Translator
from bot.core.messages import Outcome
from bot.minds.schema import MindSpec, Thinking
from bot.text.thoughts import quote_thought
from inference.engines.port import Message, Sampling
from tests.fakes.scripted_engine import ScriptedEngine

PROMPT = Prompt((Message("user", "How do I rest?"),), (), (), 0, 4)


class Recorder:
    """A reply that keeps what it is to show."""

    def __init__(self) -> None:
        self.thoughts: list[str] = []
        self.text = ""

    async def show_queue_position(self, ahead: int) -> None: ...

    async def show_status(self, text: str) -> None: ...

    async def start(self, mode: str) -> None: ...

    async def write_thought(self, text: str) -> None:
        self.thoughts.append(text)

    async def write(self, text: str) -> None:
        self.text += text

    async def finish(self, outcome: Outcome) -> None: ...

    async def close(self) -> None: ...


def context(engine: ScriptedEngine, thinking: Thinking) -> tuple[GenerationContext, Recorder]:
    reply = Recorder()
    made = GenerationContext(
        engine=engine,  # type: ignore[arg-type]  # scores nothing
        sampling=Sampling(),
        timeout_seconds=5,
        draft=Draft(mode="core", prompt=PROMPT),
        reply=reply,
        say=Translator("en"),
        question="How do I rest?",
        cites_library=False,
        thinking=thinking,
    )
    return made, reply


@pytest.mark.parametrize(
    ("thinking", "shown"), [(Thinking.OFF, []), (Thinking.HIDDEN, []), (Thinking.SHOWN, ["Beds exist."])]
)
async def test_a_thought_is_no_part_of_what_is_kept(thinking: Thinking, shown: list[str]) -> None:
    made, reply = context(ScriptedEngine(thought="Beds exist."), thinking)
    await answer_with_one_voice(made)
    assert reply.thoughts == shown
    assert reply.text == made.draft.text == "Rest and sleep."
    assert "".join(made.draft.spoken[AUTHOR]) == "Rest and sleep."
    assert "Beds" not in str(made.draft.to_generated_answer())


async def test_nothing_but_thoughts_is_told() -> None:
    made, _ = context(ScriptedEngine(thought="Beds exist.", pieces=()), Thinking.HIDDEN)
    with pytest.raises(NothingButThoughts, match="256 tokens"):
        await answer_with_one_voice(made)


@pytest.mark.parametrize(("written", "expected"), [(False, "off"), ("off", "off"), ("hidden", "hidden")])
def test_yaml_may_write_off_bare(written: object, expected: str) -> None:
    spec = MindSpec.model_validate(
        {"name": "m", "base_model": "b", "adapters": {}, "thinking": written}, context={"folder": None}
    )
    assert spec.thinking == expected


def test_a_thought_is_quoted_by_its_end() -> None:
    assert quote_thought("  ") == ""
    assert quote_thought("One.\nTwo.\n") == "> 💭 One.\n> Two."
    assert quote_thought("a" * 2000 + " end").endswith("a end")
    assert len(quote_thought("a" * 2000)) < 900
