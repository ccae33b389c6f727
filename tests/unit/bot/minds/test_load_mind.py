"""Loading a mind's folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.app.settings import DEMO_MIND
from bot.minds import BrokenMind, CollectionKind, LocalText, Trust, load_mind, parse_expression, resolve_mode
from inference.adapters.manifest import AdapterKind
from inference.engines.port import Sampling


def test_mind_has_what_its_file_says(folder: Path) -> None:
    mind = load_mind(folder)
    assert (mind.name, mind.core, mind.default_mode) == ("trial", "core", "auto")
    assert mind.languages == ("en", "ru")
    assert {name: adapter.kind for name, adapter in mind.adapters.items()} == {
        "core": AdapterKind.CORE,
        "sport": AdapterKind.TOPIC,
        "classical": AdapterKind.ISOLATED,
    }
    assert mind.adapters["core"].path == folder / "adapters/core"
    assert mind.adapters["core"].dialogues == folder / "dialogues/core.jsonl"
    assert mind.sampling == Sampling(max_tokens=160, temperature=0.6)
    assert mind.names["спорт"] == "sport"
    assert mind.names["тренер"] == "coach"
    assert mind.access == {"classical": ("editor",)}
    assert mind.triggers.enabled


@pytest.mark.parametrize(("written", "strength"), [("0.5", 0.5), ("1", 1.0), ("0.333", 0.33)])
def test_the_strength_of_the_adapters(folder: Path, written: str, strength: float) -> None:
    assert load_mind(folder).policies.adapter_strength == 1.0
    config = folder / "mind.yaml"
    declared = config.read_text("utf-8").replace("policies:", f"policies:\n  adapter_strength: {written}", 1)
    config.write_text(declared, "utf-8")
    assert load_mind(folder).policies.adapter_strength == strength


def test_texts_by_language(folder: Path) -> None:
    mind = load_mind(folder)
    assert (mind.title.text("ru"), mind.title.text("de"), str(mind.title)) == ("Проба", "Trial", "Trial")
    assert mind.adapters["classical"].description.text("ru") == "Textbook physiology."
    assert LocalText({}).text("en") == ""


def test_upload_collection_by_default_and_declared(folder: Path) -> None:
    mind = load_mind(folder)
    received = mind.collections[mind.upload_collection]
    assert (mind.upload_collection, received.kind, received.trust) == ("received", CollectionKind.ARTICLE, Trust.AUTHOR)
    assert (received.path, received.adapters, received.language) == ((), (), mind.languages)
    assert mind.collection_files("received") == []
    config = folder / "rag_config.yaml"
    declared = config.read_text("utf-8").replace("  articles:\n", "  articles:\n    receives: true\n", 1)
    config.write_text(declared, "utf-8")
    mind = load_mind(folder)
    assert mind.upload_collection == "articles"
    assert "received" not in mind.collections


def test_collections(folder: Path) -> None:
    mind = load_mind(folder)
    articles, tables = mind.collections["articles"], mind.collections["tables"]
    assert (articles.kind, articles.trust, articles.language) == (CollectionKind.ARTICLE, Trust.AUTHOR, ("en", "ru"))
    assert (tables.trust, tables.language, tables.chunking.size) == (Trust.TABLES, ("en",), 120)
    assert [path.name for path in mind.collection_files("articles")] == ["one.md", "второй.md"]
    assert mind.adapter_collections("core") == ("articles", "tables", "received")
    assert mind.adapter_collections("sport") == ("articles",)
    assert mind.adapter_collections("classical") == ("articles", "received")


def test_collection_without_its_last_document_is_empty(folder: Path) -> None:
    for document in (folder / "library/articles").iterdir():
        document.unlink()
    assert not load_mind(folder).collection_files("articles")


def test_link_to_a_document_outside_is_ignored(folder: Path, tmp_path: Path) -> None:
    mind = load_mind(folder)
    (tmp_path / "secret.md").write_text("secret", encoding="utf-8")
    (folder / "library/articles/linked.md").symlink_to(tmp_path / "secret.md")
    assert [path.name for path in mind.collection_files("articles")] == ["one.md", "второй.md"]


def test_mind_is_immutable(folder: Path) -> None:
    mind = load_mind(folder)
    with pytest.raises(dataclasses.FrozenInstanceError):
        mind.name = "other"  # type: ignore[misc]  # that it cannot be assigned is the point
    with pytest.raises(TypeError):
        mind.adapters["sport"] = mind.adapters["core"]  # type: ignore[index]  # the same
    with pytest.raises(ValidationError):
        mind.policies.core_joins = False


def test_mind_loads_before_its_adapters_are_trained(folder: Path) -> None:
    (folder / "adapters/sport/adapter_config.json").unlink()
    (folder / "adapters/sport").rmdir()
    with pytest.raises(BrokenMind, match="consilium train"):
        load_mind(folder)
    assert load_mind(folder, require_adapters=False).adapters["sport"].path == folder / "adapters/sport"


def test_paths_do_not_depend_on_the_working_directory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert load_mind(Path(folder.name)).adapters["core"].path == folder / "adapters/core"


def test_demo_mind() -> None:
    mind = load_mind(DEMO_MIND, require_adapters=False)
    assert mind.name == "agoge"
    modes = {
        text: resolve_mode(parse_expression(text), mind).text
        for text in ("спорт", "тренер", "лаборатория", "учебник", "агоге")
    }
    assert modes == {
        "спорт": "core+sport",
        "тренер": "core+sport",
        "лаборатория": "core+physics*0.7",
        "учебник": "classical",
        "агоге": "core",
    }
    assert (
        [name for name in mind.collections if not mind.collection_files(name)]
        == [mind.upload_collection]
        == ["received"]
    )
    assert mind.collections["textbook"].kind is CollectionKind.ARTICLE
    assert set(mind.adapter_collections("classical")) == {
        "tables",
        "textbook",
        "everyday_physiology",
        "everyday_physiology_ru",
    }
    assert "textbook" not in mind.adapter_collections("core")
    assert all(adapter.description.text("ru") != adapter.description.text("en") for adapter in mind.adapters.values())
