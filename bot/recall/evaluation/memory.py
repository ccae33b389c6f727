"""Recall measured on dialogues: the service's own code over real rows, beside what it is compared with."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from uuid import UUID

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from bot.recall.evaluation.baselines import bm25, dense
from bot.recall.evaluation.dialogues import Dialogue
from bot.recall.evaluation.ranking import Figures, Found, judge, mean
from bot.recall.memory.personal import PersonalMemory, Reader
from bot.recall.memory.question import Question, read_question
from bot.recall.memory.weighing import ECHO, MIN_SIMILARITY, PAUSE, WEIGHTS, Weights
from db import sessions, users
from db.database import Database
from db.memory import Origin
from inference.embedding import Embedder, Purpose

FUSED = "fused"
BASELINES = ("bm25s", "bm25s, date and speaker", "dense", "dense, date and speaker")

Progress = Callable[[str, int], None]
"""Told what is being measured, and how many have been."""


@dataclass(frozen=True, slots=True)
class Variant:
    """Recall with something left out."""

    name: str
    weights: Weights = WEIGHTS
    reader: Reader = read_question


@dataclass(frozen=True, slots=True)
class Measured:
    """One way of recalling: over all questions, and in each dialogue by itself."""

    name: str
    overall: Figures
    dialogues: dict[str, Figures]
    categories: dict[int, Figures]
    milliseconds: tuple[float, float] | None
    """Median and 95th percentile of one recall without the question's embedding; None where nothing is to be learnt
    from it."""


class KnownVectors:
    """An `Embedder` that gives a text it has seen the same vector at once: the same questions are asked many times."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[tuple[str, Purpose], NDArray[np.float32]] = {}

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def dimensions(self) -> int:
        return self._embedder.dimensions

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if (text, purpose) not in self._known]
        for text, vector in zip(new, await self._embedder.embed(new, purpose), strict=True):
            self._known[text, purpose] = vector
        return np.stack([self._known[text, purpose] for text in texts])

    async def close(self) -> None:
        await self._embedder.close()


def unread(text: str, _now: datetime, _speakers: Sequence[str] = ()) -> Question:
    """A question taken as it stands."""
    return Question(text, None, False, (), None)


VARIANTS: tuple[Variant, ...] = (
    Variant(FUSED),
    *(
        Variant(f"without {name}", weights)
        for name, weights in {
            "words": replace(WEIGHTS, words=0),
            "meaning": replace(WEIGHTS, meaning=0),
            "flow": replace(WEIGHTS, flow=0),
            "speaker": replace(WEIGHTS, speaker=0),
            "time": replace(WEIGHTS, time=0),
            "length": replace(WEIGHTS, length=0),
            "neighbours' words": replace(WEIGHTS, neighbours=False),
        }.items()
    ),
    Variant("without reading the question", reader=unread),
    Variant("words only", Weights(1, 0, 0, 0, 0, 0, neighbours=False)),
    Variant("meaning only", Weights(0, 1, 0, 0, 0, 0, neighbours=False)),
)
"""What each part adds: recall without it."""


def configuration(embedder: str, k: int) -> dict[str, object]:
    """What the figures depend on beside the code and the data."""
    return {
        "embedder": embedder,
        "k": k,
        "weights": asdict(WEIGHTS),
        "min_similarity": MIN_SIMILARITY,
        "pause_seconds": PAUSE,
        "echo_seconds": ECHO,
    }


def fingerprint(settled: dict[str, object]) -> str:
    """Twelve hex digits: equal for equal configurations."""
    return blake3(json.dumps(settled, sort_keys=True).encode()).hexdigest()[:12]


async def measure(
    database: Database, embedder: Embedder, dialogues: Sequence[Dialogue], k: int, progress: Progress
) -> list[Measured]:
    """Measure every baseline and variant. The database is filled with a person for each dialogue."""
    known = KnownVectors(embedder)
    judged: dict[str, dict[str, list[tuple[int, Found]]]] = {
        name: {} for name in (*BASELINES, *(variant.name for variant in VARIANTS))
    }
    seconds: list[float] = []
    for number, dialogue in enumerate(dialogues):
        progress(dialogue.name, number)
        for name, rankings in (await _baselines(dialogue, known, k)).items():
            judged[name][dialogue.name] = _judged(dialogue, rankings, k)
        person, ids = await remember(database, known, dialogue)
        for variant in VARIANTS:
            memory = PersonalMemory(database, known, weights=variant.weights, reader=variant.reader)
            rankings = []
            for question in dialogue.questions:
                begun = time.perf_counter()
                found = await memory.recall(person, question.text, k, now=dialogue.ends)
                # Its vector is known since the first variant that needed it.
                if variant.name.startswith("without words"):
                    seconds.append(time.perf_counter() - begun)
                rankings.append([ids[one.memory.id] for one in found])
            judged[variant.name][dialogue.name] = _judged(dialogue, rankings, k)
    latency = tuple(float(value) * 1000 for value in np.percentile(seconds, [50, 95])) if seconds else None
    return [
        _measured(name, by_dialogue, (latency[0], latency[1]) if latency and name == FUSED else None)
        for name, by_dialogue in judged.items()
    ]


async def remember(database: Database, embedder: Embedder, dialogue: Dialogue) -> tuple[UUID, dict[UUID, str]]:
    """Keep a dialogue as one person's episodes; the person, and which memory each message became."""
    async with database.nobody() as connection:
        person = await users.identify(connection, platform="evaluation", external_id=dialogue.name)
    async with database.person(person.id) as connection:
        session = await sessions.open(connection, platform="evaluation", place=dialogue.name)
    memory = PersonalMemory(database, embedder)
    await embedder.embed([message.text for message in dialogue.messages])
    ids = {}
    for message in dialogue.messages:
        origin = Origin(session.id, voice="other", speaker=message.speaker)
        kept = await memory.keep(person.id, "episode", message.text, origin, since=message.said_at)
        assert kept is not None
        ids[kept.id] = message.id
    return person.id, ids


async def _baselines(dialogue: Dialogue, embedder: Embedder, k: int) -> dict[str, list[list[str]]]:
    bare = [message.text for message in dialogue.messages]
    full = [f"{one.said_at:%d %B %Y}, {one.speaker}: {one.text}" for one in dialogue.messages]
    questions = [question.text for question in dialogue.questions]
    rankers = (bm25(bare), bm25(full), await dense(bare, questions, embedder), await dense(full, questions, embedder))
    return {
        name: [[dialogue.messages[place].id for place in rank(question, k)] for question in questions]
        for name, rank in zip(BASELINES, rankers, strict=True)
    }


def _judged(dialogue: Dialogue, rankings: Sequence[Sequence[str]], k: int) -> list[tuple[int, Found]]:
    return [
        (question.category, judge(ranking, question.evidence, k))
        for question, ranking in zip(dialogue.questions, rankings, strict=True)
    ]


def _measured(
    name: str, by_dialogue: dict[str, list[tuple[int, Found]]], milliseconds: tuple[float, float] | None
) -> Measured:
    every = [one for some in by_dialogue.values() for one in some]
    return Measured(
        name,
        mean([found for _, found in every]),
        {dialogue: mean([found for _, found in some]) for dialogue, some in by_dialogue.items()},
        {
            category: mean([found for of, found in every if of == category])
            for category in sorted({of for of, _ in every})
        },
        milliseconds,
    )
