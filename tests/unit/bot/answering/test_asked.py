"""What a turn asks: quotations as data before the question, and what is searched for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answering.asked import question_text, quotations_of, render_quotations, said_before, search_text
from bot.answering.prompt import Exchange, build_prompt
from bot.core.attachments import Attachments
from bot.core.errors import MessageTooLong
from bot.core.i18n import Translator
from bot.core.messages import FileRef
from bot.core.quotations import Quotation, quotations_to_json
from db.turns.turns import Turn
from inference.engines.port import Message


class WordCounter:
    """Counts words as tokens."""

    def count(self, text: str) -> int:
        return len(text.split())

    def count_prompt(self, messages: Sequence[Message]) -> int:
        return sum(self.count(message.content) for message in messages)


SAY = Translator("en")
NOW = datetime(2026, 3, 2, tzinfo=UTC)
TURN = Turn(
    UUID(int=1), UUID(int=2), UUID(int=3), 1, "question", "accepted", "", None, None, "auto", (), None, None, None,
    None, None, None, 0, 0, False, False, None, NOW, NOW, None, None, None, [], [], None, {}, None, None,
)  # fmt: skip


def turn(question: str, *quotations: Quotation) -> Turn:
    return replace(TURN, question=question, quotations=quotations_to_json(quotations))


@given(st.text(max_size=200), st.text(max_size=30), st.integers(0, 100))
def test_every_line_of_a_quotation_is_marked(text: str, author: str, limit: int) -> None:
    quotation = Quotation.clean("reply", text, author=author)
    heading, *lines = render_quotations([quotation], SAY, limit).split("\n")
    assert heading.startswith("Quoted message")
    assert heading.endswith(":")
    assert all(line == ">" or line.startswith("> ") for line in lines)
    assert "<|" not in "".join([heading, *lines])


def test_headings_name_the_author() -> None:
    shown = render_quotations(
        [
            Quotation("reply", "a\nb", "Anna"),
            Quotation("reply", "c", is_own=True),
            Quotation("forward", "d", "News", "2026-05-01"),
            Quotation("forward", "e"),
        ],
        SAY,
    )
    assert shown == (
        "Quoted message of Anna:\n> a\n> b\n\nQuoted message of yours:\n> c\n\n"
        "Forwarded message of News (2026-05-01):\n> d\n\nForwarded message:\n> e"
    )


def test_quotation_of_the_last_answer_is_shortened() -> None:
    answer = "Squats make you **strong**. " * 40
    quoted = Quotation("reply", answer.replace("*", ""), is_own=True)
    (short,) = quotations_of(turn("why?", quoted), [Exchange("?", answer)])
    assert len(short.text) == 200
    assert quotations_of(turn("why?", quoted), [Exchange("?", "Something else.")]) == (quoted,)
    excerpt = replace(quoted, is_excerpt=True)
    assert quotations_of(turn("why?", excerpt), [Exchange("?", answer)]) == (excerpt,)


def test_search_uses_the_quotation_only_for_short_questions() -> None:
    quotation = Quotation("forward", "How far do recruits ski?")
    assert search_text(turn("translate this", quotation)) == "translate this How far do recruits ski?"
    assert search_text(turn("", quotation)) == "How far do recruits ski?"
    question = "What do you think about the following plan for the winter?"
    assert search_text(turn(question, quotation)) == question


def test_question_in_the_window() -> None:
    files = Attachments.from_file_refs([FileRef("a.md", 1, {}), FileRef("b.md", 1, {})], "library").to_document()
    assert question_text(replace(TURN, files=files), SAY) == "[a.md] [b.md]"
    assert question_text(replace(TURN, files=files, question="What of it?"), SAY) == "What of it?"
    assert question_text(replace(TURN, unread=["picture"]), SAY) == "[picture]"
    assert question_text(TURN, SAY) == ""
    past = question_text(turn("and?", Quotation("reply", "x" * 5000, "Anna")), SAY)
    assert past.startswith("Quoted message of Anna:\n> xxx")
    assert past.endswith("…\n\nand?")
    assert len(past) < 1000


def test_long_quotations_are_shortened_before_the_question_is_refused() -> None:
    def prompt(question: str, quoted: str) -> str:
        built = build_prompt(
            question, quotations=quoted, system=lambda *_: "You help.", counter=WordCounter(), budget=60
        )
        return built.messages[-1].content

    assert prompt("translate this", "> short words") == "> short words\n\ntranslate this"
    shortened = prompt("translate this", "> " + "word " * 500)
    assert shortened.endswith("…\n\ntranslate this")
    assert shortened.count("word") > 10
    with pytest.raises(MessageTooLong):
        prompt("word " * 100, "> short words")


def test_what_was_said_before_goes_back_to_the_last_question_that_stands_alone() -> None:
    before = said_before(
        [
            ("How do I lift?", "Slowly."),
            ("How do I start running?", "Walk first."),
            ("and how long?", "Twenty minutes."),
            ("thanks!", "You are welcome."),
        ]
    )
    assert before.questions == "How do I start running? and how long?"
    assert before.answers == ("Walk first.", "Twenty minutes.")
    assert before.with_question("why?") == "How do I start running? and how long? why?"


def test_small_talk_is_nothing_to_go_on_from() -> None:
    assert said_before([("hello", "Hello."), ("Спасибо", "Пожалуйста.")]).questions == ""
    assert said_before([]).with_question("why?") == "why?"


@given(st.lists(st.sampled_from(["and why?", "how often?", "is that safe?"]), max_size=8))
def test_only_the_latest_questions_are_gone_back_to(asked: list[str]) -> None:
    before = said_before([("How do I start running?", "Walk."), *((each, "Yes.") for each in asked)])
    assert 1 <= len(before.answers) <= 3
    assert before.questions.endswith(asked[-1] if asked else "running?")
