from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app.settings import DEMO_MIND
from bot.channels.discord.components import MAX_OPTIONS, ComponentBuilder
from bot.channels.discord.rendering import MAX_MESSAGE_LENGTH, MAX_UPLOAD_BYTES, AnswerRenderer
from bot.core.i18n import Translator
from bot.core.messages import File, Outcome, Source, Table
from bot.minds import load_mind

MIND = load_mind(DEMO_MIND)
RENDERING = AnswerRenderer("42", Translator("en"), ComponentBuilder(MIND, frozenset({"retry"})))
RUSSIAN = AnswerRenderer("42", Translator("ru"), ComponentBuilder(MIND, frozenset()))


def labels(rows: tuple[dict[str, object], ...]) -> list[object]:
    return [part.get("label") or part.get("placeholder") for row in rows for part in row["components"]]  # type: ignore[attr-defined]


@given(st.text("ab `\n.", max_size=6000), st.integers(0, 6000))
def test_the_whole_answer_only_adds_to_what_its_draft_has_filled(text: str, length: int) -> None:
    draft = [body.content for body in RENDERING.render_draft(text[:length], "core")]
    whole = [body.content for body in RENDERING.render_outcome(Outcome("core", text, turn="1"))]
    assert whole[: len(draft) - 1] == draft[:-1]
    assert all(0 < len(content) <= MAX_MESSAGE_LENGTH for content in (*draft, *whole))


def test_only_the_last_message_has_buttons() -> None:
    bodies = RENDERING.render_draft("word " * 1000, "core")
    assert [labels(body.components) for body in bodies] == [[], [], ["Stop"]]
    bodies = RENDERING.render_outcome(Outcome("core", "word " * 1000, turn="1"))
    assert [labels(body.components) for body in bodies] == [[], [], ["Ask again", "Mode"]]


def test_a_button_without_its_command_is_not_shown() -> None:
    assert labels(RUSSIAN.render_outcome(Outcome("core", "Да.", turn="1"))[0].components) == ["Режим"]
    assert RUSSIAN.render_outcome(Outcome("core", "Сказано."))[0].components == ()


def test_everything_of_an_outcome_is_said() -> None:
    outcome = Outcome(
        "core+sport",
        "As far as ```code\nleft open",
        table=Table(("a",), [("b",)]),
        sources=[Source(1, "On strength", "page 3", "…")],
        error="It broke.",
        stopped=True,
        turn="1",
    )
    (body,) = RENDERING.render_outcome(outcome)
    parts = body.content.split("\n\n")
    assert parts[-4:] == ["```\na\nb\n```", "-# [1] On strength, page 3", "It broke.", "-# core+sport · Stopped."]


def test_an_outcome_with_nothing_to_say_still_shows_something() -> None:
    assert RENDERING.render_outcome(Outcome("core"))[0].content


@pytest.mark.parametrize("rendering", [RENDERING, RUSSIAN])
def test_menus_fit_discord(rendering: AnswerRenderer) -> None:
    for menu in ("modes", "languages"):
        (body,) = rendering.render_outcome(Outcome("core", "Choose.", menu=menu))  # type: ignore[arg-type]
        assert 1 <= len(body.components) <= 5
        for row in body.components:
            for part in row["components"]:
                assert len(part.get("options", [])) <= MAX_OPTIONS
                assert all(len(option["label"]) <= 100 for option in part.get("options", []))
                assert part["custom_id"].endswith(":42")


def test_files_go_with_the_last_message_as_many_as_it_takes() -> None:
    files = [File(f"{n}.txt", b"x") for n in range(12)]
    first, second = RENDERING.render_outcome(Outcome("core", "Here.", files=files))
    assert (len(first.files), len(second.files)) == (10, 2)


def test_a_file_too_large_is_named_and_the_others_come() -> None:
    files = [
        File("large.zip", b"x" * (MAX_UPLOAD_BYTES + 1)),
        File("half", b"x" * (MAX_UPLOAD_BYTES // 2 + 1)),
        File("same", b"x" * MAX_UPLOAD_BYTES),
    ]
    bodies = RENDERING.render_outcome(Outcome("core", "Here.", files=files))
    assert [[file.name for file in body.files] for body in bodies] == [["half"], ["same"]]
    assert "large.zip is too large" in bodies[0].content


def test_markdown_is_meant_in_answers_alone() -> None:
    text = "*here* and _there_"
    assert RENDERING.render_outcome(Outcome("core", text, turn="1"))[0].content.startswith(text)
    said = RENDERING.render_outcome(Outcome("core", text, error="*why*"))[0].content
    assert said == r"\*here\* and \_there\_" + "\n\n" + r"\*why\*"
