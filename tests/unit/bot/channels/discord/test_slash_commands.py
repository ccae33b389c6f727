"""Slash commands built from registered ones, and their invocations."""

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
class Registered:
    name: str
    usage: str
    summary: str = "does something"


def option(usage: str) -> dict[str, object]:
    options = build_slash_commands([Registered("thing", f"/thing {usage}")])[1]["options"]
    assert len(options) == 1
    return options[0]


def test_command_without_argument() -> None:
    assert build_slash_commands([Registered("help", "/help")])[1]["options"] == []


def test_option_kinds() -> None:
    assert [choice["value"] for choice in option("ru|en|auto")["choices"]] == ["ru", "en", "auto"]  # type: ignore[attr-defined]
    assert "choices" not in option("N|all")
    assert option("N|all")["name"] == "argument"
    assert (option("TEXT")["name"], option("MODE")["name"], option("MODE")["autocomplete"]) == ("text", "mode", True)


def test_invalid_name_is_left_out() -> None:
    commands = build_slash_commands([Registered("Bad Name", "/Bad Name"), Registered("good", "/good")])
    assert [command["name"] for command in commands] == [ASK, "good"]


def test_russian_names_are_valid_and_unique() -> None:
    russian = [name_localizations(name.removeprefix("/"))["ru"] for name in COMMAND_NAMES]
    assert all(is_valid_command_name(name) for name in russian)
    assert len(set(russian)) == len(russian)


@pytest.mark.parametrize("name", ["", "a" * 33, "With", "Режим", "two words", "what?"])
def test_invalid_names(name: str) -> None:
    assert not is_valid_command_name(name)


@given(st.text(max_size=300), st.integers(2, 100))
def test_truncation(text: str, limit: int) -> None:
    truncated = truncate_at_word(text, limit)
    assert len(truncated) <= limit
    assert truncated == text or truncated.endswith("…")


def test_invocation_as_message() -> None:
    mode = {"name": "mode", "options": [{"name": "mode", "value": "sport+core"}]}
    assert parse_invocation(mode) == SlashInvocation("mode", "/mode sport+core")
    assert parse_invocation({"name": "help"}) == SlashInvocation("help", "/help")
    assert parse_invocation({"name": "ask", "options": [{"name": "question", "value": "How?"}]}) == SlashInvocation(
        "ask", "How?"
    )


def test_invocation_with_document() -> None:
    options = [{"name": "question", "value": "What is it?"}, {"name": "file", "value": "7"}]
    document = {"id": "7", "filename": "a.pdf"}
    invocation = parse_invocation({"name": "ask", "options": options, "resolved": {"attachments": {"7": document}}})
    assert invocation.attachment == document


@pytest.mark.parametrize(
    ("invocation", "private"),
    [
        (SlashInvocation("memory", "/memory"), True),
        (SlashInvocation("ask", "How far?"), False),
        (SlashInvocation("ask", " /memory"), True),
        (SlashInvocation("retry", "/retry"), False),
    ],
)
def test_privacy_of_answers(invocation: SlashInvocation, private: bool) -> None:
    assert invocation.is_private is private
