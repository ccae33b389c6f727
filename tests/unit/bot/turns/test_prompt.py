from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.turns.errors import MessageTooLong
from bot.turns.prompt import Exchange, Prompt, build_prompt
from inference.engine.port import Message


class WordCounter:
    """Counts a word as a token, and two more for each message's frame."""

    def count(self, text: str) -> int:
        return len(text.split())

    def count_prompt(self, messages: Sequence[Message]) -> int:
        return sum(self.count(message.content) + 2 for message in messages)


def system(memories: Sequence[str]) -> str:
    return " ".join(["You are the coach.", *memories])


def build(question: str, memories: Sequence[str] = (), window: Sequence[Exchange] = (), budget: int = 1000) -> Prompt:
    return build_prompt(question, system=system, memories=memories, window=window, counter=WordCounter(), budget=budget)


def test_everything_goes_in_when_there_is_room() -> None:
    prompt = build("Why?", ["Knee hurts."], [Exchange("Hi", "Hello")])
    assert [(m.role, m.content) for m in prompt.messages] == [
        ("system", "You are the coach. Knee hurts."),
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "Why?"),
    ]
    assert prompt.tokens == WordCounter().count_prompt(prompt.messages)


def test_the_oldest_exchanges_give_way_first() -> None:
    window = [Exchange("one one", "two two"), Exchange("three", "four")]
    prompt = build("Why?", [], window, budget=6 + 3 + 6)
    assert prompt.exchanges == 1
    assert prompt.messages[1].content == "three"


def test_memories_come_before_the_window() -> None:
    prompt = build("Why?", ["a b c"], [Exchange("d", "e")], budget=6 + 3 + 3)
    assert (prompt.memories, prompt.exchanges) == (("a b c",), 0)


def test_a_question_over_the_budget_is_refused_with_what_fits() -> None:
    with pytest.raises(MessageTooLong) as refused:
        build("word " * 100, budget=50)
    assert refused.value.details == {"tokens": 100, "limit": 42}


@given(
    st.text("ab ", max_size=60),
    st.lists(st.text("ab ", min_size=1, max_size=40), max_size=5),
    st.lists(st.builds(Exchange, st.text("ab ", max_size=30), st.text("ab ", max_size=30)), max_size=6),
    st.integers(1, 120),
)
def test_a_prompt_never_exceeds_its_budget(
    question: str, memories: list[str], window: list[Exchange], budget: int
) -> None:
    try:
        prompt = build(question, memories, window, budget)
    except MessageTooLong:
        assert WordCounter().count_prompt([Message("system", system(())), Message("user", question)]) > budget
        return
    assert prompt.tokens <= budget
    assert prompt.messages[-1] == Message("user", question)
    assert prompt.memories == tuple(memories[: len(prompt.memories)])
    kept = window[len(window) - prompt.exchanges :]
    assert [m.content for m in prompt.messages[1:-1]] == [
        text for e in kept for text in ((e.question, e.answer) if e.question else (e.answer,))
    ]
