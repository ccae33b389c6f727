"""When the library is quoted below an answer: where facts are asked for, within the client's limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering.draft import Draft
from bot.answering.generation import GenerationContext, answer_with_one_voice
from bot.answering.history import without_sources
from bot.answering.prompt import Prompt
from bot.core.i18n import Translator
from bot.core.messages import ClientConversation
from inference.engines.port import Message, Sampling
from tests.fakes.scripted_engine import ScriptedEngine
from tests.fixtures.passages import passage
from tests.unit.bot.answering.test_thoughts import Recorder

SLEEP = passage("A recruit earns at least 7.5 hours of sleep a night.[3] ↑ In the quiet week everyone earns 8.5 hours.")
QUESTION = "How many hours of sleep does a recruit earn?"
QUOTED = "From the library: “A recruit earns at least 7.5 hours of sleep a night. In the quiet week everyone earns 8.5 hours.” [1]"  # noqa: E501  # one line of an answer


async def answer(pieces: tuple[str, ...] = ("Go to bed.",), *, quotes: bool = True, **limits: object) -> str:
    client = ClientConversation("core", **limits) if limits else None  # type: ignore[arg-type]  # given by name
    made = GenerationContext(
        engine=ScriptedEngine(pieces=pieces),  # type: ignore[arg-type]  # scores nothing
        sampling=Sampling(),
        timeout_seconds=5,
        draft=Draft(mode="core", prompt=Prompt((Message("user", QUESTION),), (), (SLEEP,), 0, 4)),
        reply=Recorder(),
        say=Translator("en"),
        question=QUESTION,
        cites_library=True,
        quotes_library=quotes,
        client_conversation=client,
    )
    await answer_with_one_voice(made)
    assert len(made.draft.sources) == ("[1]" in made.draft.text)
    return made.draft.text


async def test_library_is_quoted_without_the_traces_of_its_footnotes() -> None:
    assert await answer() == f"Go to bed.\n\n{QUOTED}"


async def test_library_is_not_quoted_where_it_may_not_be() -> None:
    assert await answer(quotes=False) == "Go to bed."


async def test_supported_answer_gets_a_mark_all_the_same() -> None:
    text = "A recruit earns 7.5 hours of sleep a night."
    assert await answer((text,), quotes=False) == f"{text} [1]"


@pytest.mark.parametrize("stop", ["\n\n", "From", "library", "8.5 hours", "”"])
async def test_no_quotation_has_a_stop_text(stop: str) -> None:
    assert await answer(stop=(stop,)) == "Go to bed."


async def test_nothing_follows_a_stop_text_that_ended_the_answer() -> None:
    assert await answer(("Go to bed. STOP ", "And wake."), stop=("STOP",)) == "Go to bed."


async def test_quotation_fits_into_the_tokens_that_are_left() -> None:
    assert await answer(max_tokens=5) == "Go to bed."
    assert await answer(max_tokens=500) == f"Go to bed.\n\n{QUOTED}"


def test_past_answers_have_neither_marks_nor_quotations() -> None:
    assert without_sources(f"Go to bed. [1]\n\n{QUOTED}") == "Go to bed."
    assert without_sources("Иди спать. [1][2]\n\nИз библиотеки: «Спит восемь часов.» [2]") == "Иди спать."
    assert without_sources("Use `a[1]`. [2]") == "Use `a[1]`."
    assert without_sources("The list is: [3, 1, 2]") == "The list is: [3, 1, 2]"


@given(st.text(alphabet="ab.[]［］【】12, \n^№", max_size=60))
def test_no_mark_is_left_in_a_past_answer(answer: str) -> None:
    left = without_sources(answer)
    assert not any(f"[{number}]" in left for number in ("1", "2", "12", "^1", "№2"))
