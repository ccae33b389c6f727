"""Which collections of a library a mode uses, and which passages have to do with a question."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.library.passage import Passage
from bot.library.retriever import collections_for_mode, is_relevant
from bot.minds import Mind, load_mind, parse_expression, resolve_mode
from bot.minds.schema import CollectionKind, Trust

MIND = """
name: small
title: Test
base_model: SmolLM2-135M-Instruct
languages: [en]
adapters:
  core: {kind: core, path: adapters/core}
  sport: {kind: topic, path: adapters/sport, collections: [loads]}
  textbook: {kind: isolated, path: adapters/textbook}
  atlas: {kind: isolated, path: adapters/atlas, collections: [essays]}
"""
RAG = """
collections:
  essays: {kind: article, path: library/one.md, language: en}
  diary: {kind: diary, path: library/one.md, language: en, adapters: [core]}
  loads: {kind: table, path: library/one.md, language: en}
  physiology: {kind: article, path: library/one.md, language: en, adapters: [textbook]}
  style: {kind: voice, path: library/one.md, language: en, adapters: [core]}
"""


@pytest.fixture
def mind(tmp_path: Path) -> Mind:
    files = {"mind.yaml": MIND, "rag_config.yaml": RAG, "prompts/system.j2": "x", "library/one.md": "One."}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return load_mind(tmp_path, require_adapters=False)


@pytest.mark.parametrize(
    ("mode", "evidence", "voice"),
    [
        ("core", {"essays", "diary", "loads", "received"}, {"style"}),
        ("sport", {"essays", "diary", "loads", "received"}, {"style"}),
        ("base", {"essays", "loads", "received"}, set()),
        ("textbook", {"physiology"}, set()),
        ("atlas", {"essays"}, set()),
    ],
)
def test_collections_for_mode(mind: Mind, mode: str, evidence: set[str], voice: set[str]) -> None:
    resolved = resolve_mode(parse_expression(mode), mind)
    assert set(collections_for_mode(mind, resolved)) == evidence
    assert set(collections_for_mode(mind, resolved, voice=True)) == voice


@pytest.mark.parametrize(
    ("question", "text", "similarity", "relevant"),
    [
        ("How deep should I squat?", "Go as deep as the back stays long.", 0.35, True),
        ("How deep should I squat?", "Rest is a payment.", 0.29, False),
        ("Why does ice float on water?", "Fill the bottle with water before the walk.", 0.12, False),
        ("How much water should I drink?", "Fill the bottle with water before the walk.", 0.24, True),
        ("Как глубоко приседать?", "Go as deep as the back stays long.", 0.27, True),
        ("Как глубоко приседать?", "Плати сном.", 0.27, False),
        ("How deep should I squat?", "Squat on Monday.", None, True),
        ("How deep should I squat?", "Rest is a payment.", None, False),
    ],
)
def test_relevance(question: str, text: str, similarity: float | None, relevant: bool) -> None:
    passage = Passage(
        id=1,
        title="Essay",
        where="¶ 1",
        quote=text,
        content=text,
        trust=Trust.AUTHOR,
        kind=CollectionKind.ARTICLE,
        collection="essays",
        uri="essay.md",
        dated=None,
        score=1.0,
        similarity=similarity,
    )
    assert is_relevant(passage, question) is relevant
