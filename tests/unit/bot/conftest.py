"""A mind of every kind of adapter, and a forbidden pair, to try modes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.minds import Mind, load_mind

MIND = """
name: trial
title: Trial
base_model: SmolLM2-135M-Instruct
languages: [en, ru]
adapters:
  core: {kind: core, path: adapters/core, aliases: [агоге, ядро], dialogues: dialogues/core.jsonl}
  sport: {kind: topic, path: adapters/sport, aliases: [спорт, тренировка], dialogues: dialogues/sport.jsonl}
  physics: {kind: topic, path: adapters/physics, aliases: [физика], dialogues: dialogues/physics.jsonl}
  money: {kind: topic, path: adapters/money, aliases: [деньги]}
  classical: {kind: isolated, path: adapters/classical, aliases: [классика], dialogues: dialogues/classical.jsonl}
modes:
  coach: {mode: core+sport, aliases: [тренер]}
  lab: {mode: physics*0.7, aliases: [лаборатория]}
  textbook: {mode: classical}
  free: {mode: auto}
policies:
  auto_threshold: 0.2
  forbidden:
    - {adapters: [sport, money], reason: {en: Sport is not for sale., ru: Спорт не продаётся.}}
access:
  classical: [editor]
  coach: [editor, athlete]
"""

DIALOGUES = {
    "core": ["How do I keep my word?", "I quarrel with my father", "My days are dull and grey", "I fear my own choice"],
    "sport": ["How many sets of squats?", "My knee hurts after running", "Sets and squats and running"],
    "physics": ["What is torque?", "Why does friction make heat?", "Force and torque of a lever"],
    "classical": ["Define hypertrophy", "What is stroke volume?", "Define the nephron"],
}


@pytest.fixture(scope="session")
def mind(tmp_path_factory: pytest.TempPathFactory) -> Mind:
    return _write_mind(tmp_path_factory.mktemp("trial"), MIND)


@pytest.fixture
def mind_with(tmp_path: Path) -> Callable[[str, str], Mind]:
    """Makes the same mind with one text in its `mind.yaml` replaced."""
    return lambda old, new: _write_mind(tmp_path, MIND.replace(old, new))


def _write_mind(folder: Path, text: str) -> Mind:
    (folder / "mind.yaml").write_text(text, encoding="utf-8")
    (folder / "rag_config.yaml").write_text("collections: {}\n", encoding="utf-8")
    (folder / "prompts").mkdir()
    (folder / "prompts" / "system.j2").write_text("You are {{ mind.name }}.", encoding="utf-8")
    (folder / "dialogues").mkdir()
    for name, questions in DIALOGUES.items():
        lines = [
            json.dumps(
                {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": "Tonight: rest."}]}
            )
            for q in questions
        ]
        (folder / "dialogues" / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for name in ("core", "sport", "physics", "money", "classical"):
        (folder / "adapters" / name).mkdir(parents=True)
    return load_mind(folder)
