"""Changes of a mind's YAML files, which leave every other line as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.minds import load_mind
from bot.minds.edit import edit_mind, ensure_collection, put_topic, remove_adapters, set_dialogues, set_values
from bot.minds.templates import MindRole, make_mind


@pytest.fixture(params=[None, *MindRole])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / "mind"
    make_mind(folder, request.param)
    return folder


def comments(folder: Path) -> list[str]:
    return [line.strip() for line in (folder / "mind.yaml").read_text("utf-8").splitlines() if "#" in line]


def test_a_topic_is_added_and_taken_out_again(made: Path) -> None:
    before, said = (made / "mind.yaml").read_text("utf-8"), comments(made)
    for file in ("dialogues/еда.train.jsonl", "dialogues/еда.heldout.jsonl"):
        (made / file).touch()
    topic = put_topic(
        "еда",
        aliases=("food",),
        description={"ru": "О чём: борщ, суп.", "en": "About: soup."},
        files=("dialogues/еда.train.jsonl", "dialogues/еда.heldout.jsonl"),
    )
    assert edit_mind(made, topic)
    assert not edit_mind(made, topic), "it is there already"
    mind = load_mind(made, require_adapters=False)
    assert list(mind.adapters) == ["core", "еда"]
    assert mind.names["food"] == "еда"
    assert mind.adapters["еда"].heldout == made / "dialogues/еда.heldout.jsonl"
    assert comments(made) == said
    assert edit_mind(made, remove_adapters(["еда", "nothing"]))
    assert (made / "mind.yaml").read_text("utf-8") == before


def test_dialogues_to_measure_with_come_and_go(made: Path) -> None:
    before = (made / "mind.yaml").read_text("utf-8")
    held_out = "dialogues/core.heldout.jsonl"
    (made / held_out).touch()
    edit_mind(made, set_dialogues("core", "dialogues/core.train.jsonl", held_out))
    assert load_mind(made, require_adapters=False).adapters["core"].heldout == made / held_out
    edit_mind(made, set_dialogues("core", "dialogues/core.train.jsonl", None))
    assert (made / "mind.yaml").read_text("utf-8") == before


def test_of_a_section_only_what_is_given_is_changed(made: Path) -> None:
    threshold = load_mind(made, require_adapters=False).policies.auto_threshold
    edit_mind(made, set_values({"languages": ["ru"], "base_languages": ["ru"], "policies": {"adapter_strength": 0.7}}))
    mind = load_mind(made, require_adapters=False)
    assert (mind.languages, mind.quoted_languages) == (("ru",), frozenset())
    assert (mind.policies.adapter_strength, mind.policies.auto_threshold) == (0.7, threshold)


def test_a_collection_is_added_only_where_none_takes_the_file(made: Path) -> None:
    file = "library/answers/imported.md"
    (made / file).parent.mkdir()
    (made / file).write_text("# Answers\n", "utf-8")
    assert ensure_collection(made, "answers", file, kind="article", languages=["ru"])
    assert not ensure_collection(made, "answers", file, kind="article", languages=["ru"])
    assert not ensure_collection(made, "x", "library/articles/new.docx", kind="article", languages=["ru"])
    other = "library/other/imported.md"
    (made / other).parent.mkdir()
    assert ensure_collection(made, "answers", other, kind="article", languages=["en"])
    mind = load_mind(made, require_adapters=False)
    assert mind.collection_files("answers") == [made / file]
    assert "answers-2" in mind.collections


def test_the_first_collection_of_a_mind_without_a_library(made: Path) -> None:
    (made / "rag_config.yaml").write_text("collections: {}\n")
    (made / "library/posts").mkdir()
    assert ensure_collection(made, "posts", "library/posts/imported.md", kind="article", languages=["ru"])
    assert "posts" in load_mind(made, require_adapters=False).collections
