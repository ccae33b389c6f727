from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering.prompt import Exchange, Prompt, build_prompt
from bot.core.errors import MessageTooLong
from bot.library.passage import Passage
from inference.engines.port import Message
from tests.fixtures.passages import passage


class WordCounter:
    """Counts a word as a token, and two more tokens for each message."""

    def count(self, text: str) -> int:
        return len(text.split())

    def count_prompt(self, messages: Sequence[Message]) -> int:
        return sum(self.count(message.content) + 2 for message in messages)


def system(memories: Sequence[str], passages: Sequence[Passage] = ()) -> str:
    return " ".join([*(passage.quote for passage in passages), "You are the coach.", *memories])


def build(
    question: str,
    memories: Sequence[str] = (),
    window: Sequence[Exchange] = (),
    budget: int = 1000,
    passages: Sequence[str] = (),
) -> Prompt:
    return build_prompt(
        question,
        system=system,
        memories=memories,
        passages=[passage(text, n) for n, text in enumerate(passages)],
        window=window,
        counter=WordCounter(),
        budget=budget,
    )


def quotes(prompt: Prompt) -> list[str]:
    return [passage.quote for passage in prompt.passages]


def test_everything_fits_a_large_budget() -> None:
    prompt = build("Why?", ["Knee hurts."], [Exchange("Hi", "Hello")])
    assert [(m.role, m.content) for m in prompt.messages] == [
        ("system", "You are the coach. Knee hurts."),
        ("user", "Hi"),
        ("assistant", "Hello"),
        ("user", "Why?"),
    ]
    assert prompt.tokens == WordCounter().count_prompt(prompt.messages)


def test_oldest_exchanges_are_dropped_first() -> None:
    window = [Exchange("one one", "two two"), Exchange("three", "four")]
    prompt = build("Why?", [], window, budget=6 + 3 + 6)
    assert prompt.exchanges == 1
    assert prompt.messages[1].content == "three"


def test_memories_precede_the_window() -> None:
    prompt = build("Why?", ["a b c"], [Exchange("d", "e")], budget=6 + 3 + 3)
    assert (prompt.memories, prompt.exchanges) == (("a b c",), 0)


def test_passages_and_memories_share_the_budget() -> None:
    # The instructions, two frames and the question take 9 words.
    both = {"memories": ["m m", "n n"], "passages": ["p p", "q q", "r r"], "window": [Exchange("d", "e")]}
    prompt = build("Why?", budget=9 + 8, **both)
    assert (prompt.memories, quotes(prompt), prompt.exchanges) == (("m m", "n n"), ["p p", "q q"], 0)
    prompt = build("Why?", budget=9 + 4, **both)
    assert (prompt.memories, quotes(prompt)) == (("m m",), ["p p"])
    prompt = build("Why?", budget=9 + 6, memories=["m"], passages=["p p", "q q", "r r"])
    assert (prompt.memories, quotes(prompt)) == (("m",), ["p p", "q q"])
    assert quotes(build("Why?", budget=9 + 6, passages=["p p", "q q", "r r"])) == ["p p", "q q", "r r"]
    assert prompt.messages[0].content.startswith("p p q q You are")


def test_passages_precede_the_window() -> None:
    prompt = build("Why?", (), [Exchange("d", "e")], budget=9 + 3, passages=["a b c"])
    assert (quotes(prompt), prompt.exchanges) == (["a b c"], 0)


def test_question_over_the_budget_is_refused() -> None:
    with pytest.raises(MessageTooLong) as refused:
        build("word " * 100, budget=50)
    assert refused.value.details == {"tokens": 100, "limit": 42}


@given(
    st.text("ab ", max_size=60),
    st.lists(st.text("ab ", min_size=1, max_size=40), max_size=5),
    st.lists(st.builds(Exchange, st.text("ab ", max_size=30), st.text("ab ", max_size=30)), max_size=6),
    st.integers(1, 120),
    st.lists(st.text("ab ", min_size=1, max_size=40), max_size=5),
)
def test_prompt_never_exceeds_its_budget(
    question: str, memories: list[str], window: list[Exchange], budget: int, passages: list[str]
) -> None:
    try:
        prompt = build(question, memories, window, budget, passages)
    except MessageTooLong:
        assert WordCounter().count_prompt([Message("system", system(())), Message("user", question)]) > budget
        return
    assert prompt.tokens <= budget
    assert prompt.messages[-1] == Message("user", question)
    assert prompt.memories == tuple(memories[: len(prompt.memories)])
    assert quotes(prompt) == passages[: len(prompt.passages)]
    exchanges = window[len(window) - prompt.exchanges :]
    assert [m.content for m in prompt.messages[1:-1]] == [
        text for e in exchanges for text in ((e.question, e.answer) if e.question else (e.answer,))
    ]
