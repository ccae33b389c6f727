"""A small valid mind for tests to break, and the demo mind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app.settings import DEMO_MIND
from bot.minds import BrokenMind, Mind, Mistake, load_mind

MIND = """\
name: trial
title: {en: Trial, ru: Проба}
base_model: SmolLM2-135M-Instruct
languages: [en, ru]
adapters:
  core:
    kind: core
    path: adapters/core
    aliases: [ядро]
    dialogues: dialogues/core.jsonl
  sport:
    kind: topic
    path: adapters/sport
    aliases: [спорт]
    collections: [articles]
  classical:
    kind: isolated
    path: adapters/classical
    description: Textbook physiology.
modes:
  coach:
    mode: core+sport
    aliases: [тренер]
default_mode: auto
policies:
  core_joins: true
sampling:
  max_tokens: 160
  temperature: 0.6
access:
  classical: [editor]
"""

RAG = """\
collections:
  articles:
    kind: article
    path: library/articles/*.md
    language: [en, ru]
  tables:
    kind: table
    path: library/loads.csv
    language: en
    chunking: {size: 120, overlap: 0}
    adapters: [core, sport]
"""

SYSTEM = """\
You are {{ mind.title }}.
{% if mode.isolated %}
Be impersonal.
{% endif %}
{% for memory in memories %}
- {{ memory }}
{% endfor %}
Answer in {{ language }}.
"""

FILES = {
    "mind.yaml": MIND,
    "rag_config.yaml": RAG,
    "prompts/system.j2": SYSTEM,
    "dialogues/core.jsonl": "",
    "library/articles/one.md": "One.",
    "library/articles/второй.md": "Два.",
    "library/loads.csv": "day,load\n",
    "adapters/core/adapter_config.json": "{}",
    "adapters/sport/adapter_config.json": "{}",
    "adapters/classical/adapter_config.json": "{}",
}


@pytest.fixture(scope="session")
def agoge() -> Mind:
    """The demo mind."""
    return load_mind(DEMO_MIND, require_adapters=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a valid mind."""
    for name, text in FILES.items():
        path = tmp_path / "trial" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "trial"


@pytest.fixture
def mistakes_after(folder: Path) -> Callable[[str, str | bytes], list[Mistake]]:
    """Replaces one file of the mind and returns the mistakes the mind has then."""

    def rewrite(name: str, content: str | bytes) -> list[Mistake]:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        with pytest.raises(BrokenMind) as caught:
            load_mind(folder)
        return list(caught.value.mistakes)

    return rewrite
