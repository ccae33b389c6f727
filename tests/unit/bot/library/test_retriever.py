"""Which collections of a library a mode uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.library.retriever import collections_for_mode
from bot.minds import Mind, load_mind, parse_expression, resolve_mode

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
