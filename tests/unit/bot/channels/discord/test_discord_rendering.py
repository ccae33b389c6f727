"""Answers and tables as Discord messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app.settings import DEMO_MIND
from bot.channels.discord.components import MAX_OPTIONS, ComponentBuilder
from bot.channels.discord.rendering import (
    MAX_MESSAGE_LENGTH,
    MAX_UPLOAD_BYTES,
    AnswerRenderer,
    table_as_code_block,
    table_as_text,
)
from bot.core.i18n import Translator
from bot.core.messages import Choice, File, Outcome, Source, Table
from bot.minds import load_mind

MIND = load_mind(DEMO_MIND)
ENGLISH = AnswerRenderer("42", Translator("en"), ComponentBuilder(MIND, frozenset({"retry"})))
RUSSIAN = AnswerRenderer("42", Translator("ru"), ComponentBuilder(MIND, frozenset()))


def labels(rows: tuple[dict[str, object], ...]) -> list[object]:
    return [part.get("label") or part.get("placeholder") for row in rows for part in row["components"]]  # type: ignore[attr-defined]


@given(st.text("ab `\n.", max_size=6000), st.integers(0, 6000))
def test_complete_answer_keeps_the_full_messages_of_its_draft(text: str, length: int) -> None:
    draft = [body.content for body in ENGLISH.render_draft(text[:length], "core")]
    complete = [body.content for body in ENGLISH.render_outcome(Outcome("core", text, turn="1"))]
    assert complete[: len(draft) - 1] == draft[:-1]
    assert all(0 < len(content) <= MAX_MESSAGE_LENGTH for content in (*draft, *complete))


def test_buttons_are_under_the_last_message() -> None:
    bodies = ENGLISH.render_draft("word " * 1000, "core")
    assert [labels(body.components) for body in bodies] == [[], [], ["Stop"]]
    bodies = ENGLISH.render_outcome(Outcome("core", "word " * 1000, turn="1"))
    assert [labels(body.components) for body in bodies] == [[], [], ["Ask again", "Mode"]]


def test_no_button_without_its_command() -> None:
    assert labels(RUSSIAN.render_outcome(Outcome("core", "Да.", turn="1"))[0].components) == ["Режим"]
    assert RUSSIAN.render_outcome(Outcome("core", "Сказано."))[0].components == ()


def test_all_parts_of_an_outcome() -> None:
    outcome = Outcome(
        "core+sport",
        "As far as ```code\nleft open",
        table=Table(("a",), [("b",)]),
        sources=[Source(1, "On strength", "page 3", "…")],
        error="It broke.",
        stopped=True,
        turn="1",
    )
    (body,) = ENGLISH.render_outcome(outcome)
    parts = body.content.split("\n\n")
    assert parts[-4:] == ["```\na\nb\n```", "-# [1] On strength, page 3", "It broke.", "-# core+sport · Stopped."]


def test_empty_outcome_shows_something() -> None:
    assert ENGLISH.render_outcome(Outcome("core"))[0].content


@pytest.mark.parametrize("renderer", [ENGLISH, RUSSIAN])
def test_menus_fit_discord(renderer: AnswerRenderer) -> None:
    for menu in ("modes", "languages"):
        (body,) = renderer.render_outcome(Outcome("core", "Choose.", menu=menu))  # type: ignore[arg-type]
        assert 1 <= len(body.components) <= 5
        for row in body.components:
            for part in row["components"]:
                assert len(part.get("options", [])) <= MAX_OPTIONS
                assert all(len(option["label"]) <= 100 for option in part.get("options", []))
                assert part["custom_id"].endswith(":42")


def test_files_fill_messages() -> None:
    files = [File(f"{n}.txt", b"x") for n in range(12)]
    first, second = ENGLISH.render_outcome(Outcome("core", "Here.", files=files))
    assert (len(first.files), len(second.files)) == (10, 2)


def test_too_large_file_is_named() -> None:
    files = [
        File("large.zip", b"x" * (MAX_UPLOAD_BYTES + 1)),
        File("half", b"x" * (MAX_UPLOAD_BYTES // 2 + 1)),
        File("same", b"x" * MAX_UPLOAD_BYTES),
    ]
    bodies = ENGLISH.render_outcome(Outcome("core", "Here.", files=files))
    assert [[file.name for file in body.files] for body in bodies] == [["half"], ["same"]]
    assert "large.zip is too large" in bodies[0].content


def test_markdown_is_escaped_outside_answers() -> None:
    text = "*here* and _there_"
    assert ENGLISH.render_outcome(Outcome("core", text, turn="1"))[0].content.startswith(text)
    content = ENGLISH.render_outcome(Outcome("core", text, error="*why*"))[0].content
    assert content == r"\*here\* and \_there\_" + "\n\n" + r"\*why\*"


def test_narrow_table_is_an_aligned_grid() -> None:
    table = Table(("mode", "about"), [("sport", "Сила"), ("日本", "wide")])
    assert table_as_text(table) == "mode   about\nsport  Сила\n日本   wide"


def test_wide_table_is_paragraphs_without_empty_cells() -> None:
    table = Table(("mode", "kind", "about"), [("sport", "topic", "a" * 60), ("auto", "", "chosen")])
    assert table_as_text(table) == f"sport\n  kind: topic\n  about: {'a' * 60}\n\nauto\n  about: chosen"


def test_two_columns_need_no_column_name() -> None:
    assert table_as_text(Table(("command", "what it does"), [("/help", "a" * 60)])) == f"/help\n  {'a' * 60}"


def test_table_cannot_close_its_code_block() -> None:
    block = table_as_code_block(Table(("what",), [("``` and out",)]))
    assert block.count("```") == 2
    assert "and out" in block


@given(
    st.lists(st.builds(Choice, st.text(max_size=200), st.text(max_size=130).map(lambda text: f"/{text}")), max_size=60)
)
def test_choices_keep_the_limits(choices: list[Choice]) -> None:
    (row,) = ENGLISH.components.choices(choices, "7", Translator("en")) or (None,)
    fits = [choice for choice in choices if choice.label.strip() and len(choice.command) <= 100]
    assert (row is None) == (not fits)
    options = row["components"][0]["options"] if row else []
    assert len(options) == min(len({choice.command for choice in fits}), 25)
    values = [option["value"] for option in options]
    assert len(set(values)) == len(values)
    assert all(0 < len(option["label"]) <= 100 and len(option["value"]) <= 100 for option in options)
