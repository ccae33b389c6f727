"""Captions that mean the library, and those that do not."""

from __future__ import annotations

import pytest

from bot.intake.joining import join_texts
from bot.intake.library_request import parse_library_request


@pytest.mark.parametrize(
    "caption",
    [
        "/library add",
        "/library@consilium_bot add",
        "/library добавить",
        "to the library",
        "Add to the library, please.",
        "Please put this document into the library!",
        "in my library",
        "в библиотеку",
        "В библиотеку, пожалуйста",
        "Добавь это в библиотеку.",
        "загрузите файлы в нашу библиотеку",
        "для библиотеки",
    ],
)
def test_document_is_meant_for_the_library(caption: str) -> None:
    assert parse_library_request(caption) == ""


@pytest.mark.parametrize(
    ("caption", "question"),
    [
        ("To the library.\nHow far do they ski?", "How far do they ski?"),
        ("/library add\nWhat is in it?", "What is in it?"),
        ("В библиотеку. О чём это?", "О чём это?"),
    ],
)
def test_question_behind_the_request(caption: str, question: str) -> None:
    assert parse_library_request(caption) == question


@pytest.mark.parametrize(
    "caption",
    [
        "",
        "What does it say?",
        "Is this in the library?",
        "Это уже есть в библиотеке?",
        "Не добавляй в библиотеку",
        "I went to the library yesterday",
        "/library",
        "/library search add",
        "Don't add it to the library",
        "в библиотеку мы ходили вчера",
    ],
)
def test_any_other_caption(caption: str) -> None:
    assert parse_library_request(caption) is None


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ("One sentence.", "Another", "One sentence.\nAnother"),
        ("in the middle", "of a sentence", "in the middle of a sentence"),
        ("a list:", "- item", "a list:\n- item"),
        ("", "only", "only"),
        ("only", "", "only"),
    ],
)
def test_parts_of_a_text(first: str, second: str, joined: str) -> None:
    assert join_texts(first, second) == joined
