"""Templates of minds: plain and for each role."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.minds import load_mind, parse_expression, render_system_prompt, resolve_mode
from bot.minds.templates import PLACEHOLDER_ARTICLE, MindRole, is_placeholder, make_mind, name_for
from bot.text.language import detect_language


@pytest.mark.parametrize("role", [None, *MindRole])
def test_a_new_mind_has_no_mistakes(tmp_path: Path, role: MindRole | None) -> None:
    folder = tmp_path / "Garden 2"
    make_mind(folder, role)
    mind = load_mind(folder, require_adapters=False)
    assert (mind.name, mind.core) == ("garden-2", "core")
    assert (folder / "schemas" / "mind.schema.json").is_file()
    assert is_placeholder(folder, "dialogues/core.train.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["Garden 2"]


@pytest.mark.parametrize("role", list(MindRole))
def test_a_role_speaks_both_languages_and_has_questions_in_both(tmp_path: Path, role: MindRole) -> None:
    folder = tmp_path / "mind"
    make_mind(folder, role)
    mind = load_mind(folder, require_adapters=False)
    mode = resolve_mode(parse_expression("core"), mind)
    prompts = {language: render_system_prompt(mind, mode, (), language) for language in ("en", "ru")}
    assert {language: detect_language(text) for language, text in prompts.items()} == {"en": "en", "ru": "ru"}
    lines = (folder / "evaluation" / "questions.jsonl").read_text("utf-8").splitlines()
    questions = [json.loads(line) for line in lines]
    assert len({each["question"] for each in questions}) == 20
    languages = Counter(detect_language(each["question"]) for each in questions)
    assert min(languages["ru"], languages["en"]) >= 8
    assert {each["kind"] for each in questions} == {"subject", "follow_up", "small_talk"}
    for each in questions:
        resolve_mode(parse_expression(each["mode"]), mind)
    assert detect_language((folder / "GUIDE.md").read_text("utf-8")) == "en"
    assert detect_language((folder / "GUIDE.ru.md").read_text("utf-8")) == "ru"


def test_what_is_prepared_is_there_from_the_first_moment(tmp_path: Path) -> None:
    folder = tmp_path / "mind"
    seen: list[Path] = []

    def prepare(made: Path) -> None:
        assert not folder.exists()
        (made / PLACEHOLDER_ARTICLE).unlink()
        seen.append(made)

    make_mind(folder, None, {"base_model": "elsewhere", "base_languages": None}, prepare)
    assert len(seen) == 1
    assert load_mind(folder, require_adapters=False).base_model == "elsewhere"
    assert load_mind(folder, require_adapters=False).quoted_languages == frozenset()


@given(st.text(max_size=80))
def test_any_folder_has_a_name_that_modes_are_written_with(text: str) -> None:
    name = name_for(text)
    assert str(parse_expression(name)) == name
    assert name_for(name) == name
