"""Subjects to route among, each an adapter with a name, a description and a few questions, and messages on them.

A hundred are written by hand (`router_cases/subjects.txt`). Up to a thousand are combined from things and aspects
(`router_cases/catalogue.yaml`): synthetic, and close to each other, since each shares its thing with 19 others and its
aspect with 49.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bot.minds import Mind, load_mind

CASES: Final = Path(__file__).parent / "router_cases"
LANGUAGES: Final = {"en": "English", "ru": "Russian", "mixed": "mixed"}


@dataclass(frozen=True, slots=True)
class RoutedSubject:
    """An adapter of a made-up mind, and what belongs to it."""

    name: str
    alias: str
    """Its name in Russian."""
    description: dict[str, str]
    """By language."""
    questions: Sequence[str]
    """Those of its dialogues."""
    messages: dict[str, str]
    """What people ask of it, by the name of a language."""
    thing: str = ""
    aspect: str = ""


def lines(name: str) -> list[list[str]]:
    """The lines of a file of cases, in columns."""
    text = (CASES / name).read_text(encoding="utf-8")
    return [line.split(" | ") for line in text.splitlines() if line and not line.startswith("#")]


def chosen(position: int, tuning: bool) -> bool:
    """Whether a line belongs to the half that is looked at."""
    return (position // 2 % 2 == 0) is tuning


def written_subjects(tuning: bool) -> list[RoutedSubject]:
    """The hundred that are written by hand; those of the other half have no messages."""
    return [
        RoutedSubject(
            name,
            russian.replace(" ", "-"),
            {"en": description, "ru": described},
            asked[:3],
            {"Russian": asked[3], "English": asked[4]} if chosen(position, tuning) else {},
        )
        for position, (name, russian, description, described, *asked) in enumerate(lines("subjects.txt"))
    ]


def combined_subjects(count: int, tuning: bool, seed: int = 20261130) -> list[RoutedSubject]:
    """So many of the thousand, at random."""
    catalogue = yaml.safe_load((CASES / "catalogue.yaml").read_text(encoding="utf-8"))
    subjects = list(_combine(catalogue, "tuning" if tuning else "held_out"))
    return sorted(random.Random(seed).sample(subjects, count), key=lambda subject: subject.name)


def _combine(catalogue: dict[str, Any], half: str) -> Iterator[RoutedSubject]:
    for english, *forms in catalogue["things"]:
        words = {"t": english, **dict(zip("ngap", forms, strict=True))}
        for aspect, texts in catalogue["aspects"].items():
            yield RoutedSubject(
                f"{english.replace(' ', '-')}-{aspect}",
                f"{forms[0].replace(' ', '-')}-{texts['name']}",
                {language: _fill(text, words) for language, text in texts["about"].items()},
                [_fill(text, words) for of_language in texts["examples"].values() for text in of_language],
                {LANGUAGES[language]: _fill(text, words) for language, text in texts[half].items()},
                english,
                aspect,
            )


def _fill(text: str, words: dict[str, str]) -> str:
    """The text with a thing in it: “a {t}” is “an aquarium”, and «о {p}» is «об аквариуме»."""
    if words["t"][0] in "aeiou":
        text = re.sub(r"\b([Aa]) (?=\{t\})", r"\1n ", text)
    if words["p"][0] in "аоуэи":
        text = text.replace(" о {p}", " об {p}")
    return text.format(**words)


def write_mind(folder: Path, subjects: Sequence[RoutedSubject], questions: bool = True) -> Mind:
    """A mind whose adapters are the subjects, without weights.

    Args:
        questions: whether they have dialogues, or names and descriptions alone.
    """
    adapters: dict[str, Any] = {"core": {"kind": "core", "path": "adapters/core"}}
    (folder / "dialogues").mkdir()
    for subject in subjects:
        adapters[subject.name] = {
            "kind": "topic",
            "path": f"adapters/{subject.name}",
            "aliases": [subject.alias],
            "description": subject.description,
        }
        if questions:
            adapters[subject.name]["dialogues"] = f"dialogues/{subject.name}.jsonl"
            messages = [
                [{"role": "user", "content": question}, {"role": "assistant", "content": "…"}]
                for question in subject.questions
            ]
            text = "\n".join(json.dumps({"messages": each}, ensure_ascii=False) for each in messages)
            (folder / "dialogues" / f"{subject.name}.jsonl").write_text(text, encoding="utf-8")
    spec = {"name": "subjects", "base_model": "SmolLM2-135M-Instruct", "languages": ["en", "ru"], "adapters": adapters}
    (folder / "mind.yaml").write_text(yaml.safe_dump(spec, allow_unicode=True), encoding="utf-8")
    (folder / "rag_config.yaml").write_text("collections: {}\n", encoding="utf-8")
    (folder / "prompts").mkdir()
    (folder / "prompts" / "system.j2").write_text("You are {{ mind.name }}.", encoding="utf-8")
    return load_mind(folder, require_adapters=False)
