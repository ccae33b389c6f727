"""Thoughts and answers told apart, wherever the stream is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.port import TextDelta, ThoughtDelta
from inference.engines.reasoning import ReasoningParser, find_open_thought

ANALYSIS = "<|channel|>analysis<|message|>Hm.<|end|>"
FINAL = "<|start|>assistant<|channel|>final<|message|>"
WRITTEN = [
    ("<think>\nTwo and two.\n</think>\n\nFour.", "\nTwo and two.\n", "Four."),
    ("\n<think></think>Four.", "", "Four."),
    ("[THINK]Hm.[/THINK]Four.", "Hm.", "Four."),
    ("<reasoning>Hm, <b>?</reasoning> Four.", "Hm, <b>?", "Four."),
    (f"{ANALYSIS}{FINAL}Four.", "Hm.", "Four."),
    (f"{ANALYSIS}<|start|>assistant<|channel|>commentary<|message|>So.<|end|>{FINAL}Four.", "Hm.So.", "Four."),
    ("<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Four.", "Hm.", "Four."),
    ("<|channel>thought\nHm.<channel|>Four.", "Hm.", "Four."),
    ("Four.", "", "Four."),
    ("  Four, with spaces before.", "", "  Four, with spaces before."),
    ("The mark <think> begins a thought, and </think> ends it.", "", None),
    ("<thin ice", "", None),
    ("<", "", None),
    ("<think>never ended", "never ended", ""),
    ("", "", ""),
    ("   ", "", None),
]


def parse(pieces: list[str], parser: ReasoningParser) -> tuple[str, str]:
    events = [event for piece in pieces for event in parser.feed(piece)]
    events += parser.finish()
    kinds = [type(event) for event in events]
    assert kinds == sorted(kinds, key=[ThoughtDelta, TextDelta].index), "no thought comes after the answer has begun"
    assert all(event.text for event in events)
    return (
        "".join(event.text for event in events if isinstance(event, ThoughtDelta)),
        "".join(event.text for event in events if isinstance(event, TextDelta)),
    )


@pytest.mark.parametrize(("text", "thought", "answer"), WRITTEN)
@given(cuts=st.lists(st.integers(0, 200), max_size=12))
def test_a_text_is_parted_alike_wherever_it_is_cut(
    text: str, thought: str, answer: str | None, cuts: list[int]
) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert parse(pieces, ReasoningParser()) == (thought, text if answer is None else answer)
    assert parse(list(text), ReasoningParser()) == (thought, text if answer is None else answer)


def test_a_thought_that_the_prompt_began_needs_no_mark() -> None:
    assert parse(["Hm.</th", "ink>\n\nFour."], ReasoningParser("</think>")) == ("Hm.", "Four.")


def test_thoughts_that_came_by_another_way_leave_the_text_to_the_answer() -> None:
    parser = ReasoningParser("</think>")
    parser.close_thought()
    assert parse(["Four."], parser) == ("", "Four.")


def test_what_does_not_belong_in_an_answer_is_taken_out_of_it_alone() -> None:
    parser = ReasoningParser(None, lambda text: text.replace("<|x|>", ""))
    assert parse(["<think>a<|x|></think>b<|x|>"], parser) == ("a<|x|>", "b")


def test_a_thought_is_not_held_back_for_its_end() -> None:
    parser = ReasoningParser()
    assert list(parser.feed("<think>Two and <")) == [ThoughtDelta("Two and ")]
    assert list(parser.feed("b> two")) == [ThoughtDelta("<b> two")]


@pytest.mark.parametrize(
    ("prompt", "end"),
    [
        ("<|assistant|><think>\n", "</think>"),
        ("[/INST][THINK]", "[/THINK]"),
        ("<|im_start|>assistant\n<think>\n\n</think>\n\n", None),
        ("<|im_start|>assistant\n", None),
    ],
)
def test_a_prompt_shows_whether_it_has_begun_a_thought(prompt: str, end: str | None) -> None:
    found = find_open_thought(prompt)
    assert (found.end if found else None) == end
