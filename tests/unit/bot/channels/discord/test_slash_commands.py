from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.discord.slash_commands import (
    ASK,
    SlashInvocation,
    build_slash_commands,
    is_valid_command_name,
    name_localizations,
    parse_invocation,
    truncate_at_word,
)
from bot.intake.parsing import COMMAND_NAMES


@dataclass
class Listed:
    name: str
    usage: str
    summary: str = "does something"


def option(usage: str) -> dict[str, object]:
    made = build_slash_commands([Listed("thing", f"/thing {usage}")])[1]["options"]
    assert len(made) == 1
    return made[0]


def test_a_command_without_an_argument_takes_none() -> None:
    assert build_slash_commands([Listed("help", "/help")])[1]["options"] == []


def test_alternatives_are_choices_and_the_rest_is_text() -> None:
    assert [choice["value"] for choice in option("ru|en|auto")["choices"]] == ["ru", "en", "auto"]  # type: ignore[attr-defined]
    assert "choices" not in option("N|all")
    assert option("N|all")["name"] == "argument"
    assert (option("TEXT")["name"], option("MODE")["name"], option("MODE")["autocomplete"]) == ("text", "mode", True)


def test_a_name_that_discord_does_not_take_is_left_out() -> None:
    names = [made["name"] for made in build_slash_commands([Listed("Bad Name", "/Bad Name"), Listed("good", "/good")])]
    assert names == [ASK, "good"]


def test_every_russian_name_is_one_that_discord_takes_and_no_other_command_has() -> None:
    russian = [name_localizations(name.removeprefix("/"))["ru"] for name in COMMAND_NAMES]
    assert all(is_valid_command_name(name) for name in russian)
    assert len(set(russian)) == len(russian)


@pytest.mark.parametrize("name", ["", "a" * 33, "With", "Режим", "two words", "what?"])
def test_what_is_no_name(name: str) -> None:
    assert not is_valid_command_name(name)


@given(st.text(max_size=300), st.integers(2, 100))
def test_descriptions_fit(text: str, limit: int) -> None:
    cut = truncate_at_word(text, limit)
    assert len(cut) <= limit
    assert cut == text or cut.endswith("…")


def test_a_call_is_the_message_it_stands_for() -> None:
    mode = {"name": "mode", "options": [{"name": "mode", "value": "sport+core"}]}
    assert parse_invocation(mode) == SlashInvocation("mode", "/mode sport+core")
    assert parse_invocation({"name": "help"}) == SlashInvocation("help", "/help")
    assert parse_invocation({"name": "ask", "options": [{"name": "question", "value": "How?"}]}) == SlashInvocation(
        "ask", "How?"
    )


def test_a_call_has_its_document() -> None:
    given = [{"name": "question", "value": "What is it?"}, {"name": "file", "value": "7"}]
    document = {"id": "7", "filename": "a.pdf"}
    called = parse_invocation({"name": "ask", "options": given, "resolved": {"attachments": {"7": document}}})
    assert called.attachment == document


@pytest.mark.parametrize(
    ("called", "private"),
    [
        (SlashInvocation("memory", "/memory"), True),
        (SlashInvocation("ask", "How far?"), False),
        (SlashInvocation("ask", " /memory"), True),
        (SlashInvocation("retry", "/retry"), False),
    ],
)
def test_only_what_is_asked_for_all_is_answered_for_all(called: SlashInvocation, private: bool) -> None:
    assert called.is_private is private
