"""Recall measured on dialogues: the service's own code over real rows, beside what it is compared with."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from uuid import UUID

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from bot.memory.evaluation.baselines import bm25_ranker, dense_ranker
from bot.memory.evaluation.dialogues import Dialogue
from bot.memory.personal import PersonalMemory, QuestionParser
from bot.memory.question import Question, parse_question
from bot.memory.scoring import AFTERMATH_SECONDS, DEFAULT_WEIGHTS, MIN_SIMILARITY, OCCASION_GAP_SECONDS, ScoreWeights
from db.infra.database import Database
from db.memory.memories import Origin
from db.people import sessions, users
from inference.embedding import Embedder, Purpose

FUSED = "fused"
BASELINES = ("bm25s", "bm25s, date and speaker", "dense", "dense, date and speaker")
ProgressCallback = Callable[[str, int], None]
"""Told what is being measured, and how many have been."""


@dataclass(frozen=True, slots=True)
class Variant:
    """Recall with something left out."""

    name: str
    weights: ScoreWeights = DEFAULT_WEIGHTS
    question_parser: QuestionParser = parse_question


@dataclass(frozen=True, slots=True)
class Measurement:
    """One way of recalling: over all questions, and in each dialogue by itself."""

    name: str
    overall: MeanScores
    dialogues: dict[str, MeanScores]
    categories: dict[int, MeanScores]
    milliseconds: tuple[float, float] | None
    """Median and 95th percentile of one recall without the question's embedding; None where nothing is to be learnt
    from it."""


class CachingEmbedder:
    """An `Embedder` that gives a text it has seen the same vector at once: the same questions are asked many times."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._cache: dict[tuple[str, Purpose], NDArray[np.float32]] = {}

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def dimensions(self) -> int:
        return self._embedder.dimensions

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if (text, purpose) not in self._cache]
        for text, vector in zip(new, await self._embedder.embed(new, purpose), strict=True):
            self._cache[text, purpose] = vector
        return np.stack([self._cache[text, purpose] for text in texts])

    async def close(self) -> None:
        await self._embedder.close()


def leave_unparsed(text: str, _now: datetime, _speakers: Sequence[str] = ()) -> Question:
    """A question taken as it stands."""
    return Question(text, None, False, (), None)


VARIANTS: tuple[Variant, ...] = (
    Variant(FUSED),
    *(
        Variant(f"without {name}", weights)
        for name, weights in {
            "words": replace(DEFAULT_WEIGHTS, words=0),
            "meaning": replace(DEFAULT_WEIGHTS, meaning=0),
            "flow": replace(DEFAULT_WEIGHTS, flow=0),
            "speaker": replace(DEFAULT_WEIGHTS, speaker=0),
            "time": replace(DEFAULT_WEIGHTS, time=0),
            "length": replace(DEFAULT_WEIGHTS, length=0),
            "neighbours' words": replace(DEFAULT_WEIGHTS, neighbours=False),
        }.items()
    ),
    Variant("without reading the question", question_parser=leave_unparsed),
    Variant("words only", ScoreWeights(1, 0, 0, 0, 0, 0, neighbours=False)),
    Variant("meaning only", ScoreWeights(0, 1, 0, 0, 0, 0, neighbours=False)),
)
"""What each part adds: recall without it."""


def build_configuration(embedder: str, k: int) -> dict[str, object]:
    """What the figures depend on beside the code and the data."""
    return {
        "embedder": embedder,
        "k": k,
        "weights": asdict(DEFAULT_WEIGHTS),
        "min_similarity": MIN_SIMILARITY,
        "pause_seconds": OCCASION_GAP_SECONDS,
        "echo_seconds": AFTERMATH_SECONDS,
    }


def hash_configuration(configuration: dict[str, object]) -> str:
    """Twelve hex digits: equal for equal configurations."""
    return blake3(json.dumps(configuration, sort_keys=True).encode()).hexdigest()[:12]


async def measure_recall(
    database: Database, embedder: Embedder, dialogues: Sequence[Dialogue], k: int, progress: ProgressCallback
) -> list[Measurement]:
    """Measure every baseline and variant. The database is filled with a person for each dialogue."""
    known = CachingEmbedder(embedder)
    judged: dict[str, dict[str, list[tuple[int, RankingScore]]]] = {
        name: {} for name in (*BASELINES, *(variant.name for variant in VARIANTS))
    }
    seconds: list[float] = []
    for number, dialogue in enumerate(dialogues):
        progress(dialogue.name, number)
        for name, rankings in (await _rank_baselines(dialogue, known, k)).items():
            judged[name][dialogue.name] = _score_rankings(dialogue, rankings, k)
        person, ids = await store_dialogue(database, known, dialogue)
        for variant in VARIANTS:
            memory = PersonalMemory(database, known, weights=variant.weights, question_parser=variant.question_parser)
            rankings = []
            for question in dialogue.questions:
                begun = time.perf_counter()
                found = await memory.recall(person, question.text, k, now=dialogue.asked_at)
                # Its vector is known since the first variant that needed it.
                if variant.name.startswith("without words"):
                    seconds.append(time.perf_counter() - begun)
                rankings.append([ids[one.memory.id] for one in found])
            judged[variant.name][dialogue.name] = _score_rankings(dialogue, rankings, k)
    latency = tuple(float(value) * 1000 for value in np.percentile(seconds, [50, 95])) if seconds else None
    return [
        _build_measurement(name, by_dialogue, (latency[0], latency[1]) if latency and name == FUSED else None)
        for name, by_dialogue in judged.items()
    ]


async def store_dialogue(database: Database, embedder: Embedder, dialogue: Dialogue) -> tuple[UUID, dict[UUID, str]]:
    """Keep a dialogue as one person's episodes; the person, and which memory each message became."""
    async with database.anonymous_transaction() as connection:
        person = await users.identify(connection, platform="evaluation", external_id=dialogue.name)
    async with database.person_transaction(person.id) as connection:
        session = await sessions.get_or_create(connection, platform="evaluation", place=dialogue.name)
    memory = PersonalMemory(database, embedder)
    await embedder.embed([message.text for message in dialogue.messages])
    ids = {}
    for message in dialogue.messages:
        origin = Origin(session.id, voice="other", speaker=message.speaker)
        kept = await memory.save(person.id, "episode", message.text, origin, valid_from=message.said_at)
        assert kept is not None
        ids[kept.id] = message.id
    return person.id, ids


async def _rank_baselines(dialogue: Dialogue, embedder: Embedder, k: int) -> dict[str, list[list[str]]]:
    bare = [message.text for message in dialogue.messages]
    full = [f"{one.said_at:%d %B %Y}, {one.speaker}: {one.text}" for one in dialogue.messages]
    questions = [question.text for question in dialogue.questions]
    rankers = (
        bm25_ranker(bare),
        bm25_ranker(full),
        await dense_ranker(bare, questions, embedder),
        await dense_ranker(full, questions, embedder),
    )
    return {
        name: [[dialogue.messages[place].id for place in rank(question, k)] for question in questions]
        for name, rank in zip(BASELINES, rankers, strict=True)
    }


def _score_rankings(dialogue: Dialogue, rankings: Sequence[Sequence[str]], k: int) -> list[tuple[int, RankingScore]]:
    return [
        (question.category, score_ranking(ranking, question.evidence, k))
        for question, ranking in zip(dialogue.questions, rankings, strict=True)
    ]


def _build_measurement(
    name: str, by_dialogue: dict[str, list[tuple[int, RankingScore]]], milliseconds: tuple[float, float] | None
) -> Measurement:
    every = [one for some in by_dialogue.values() for one in some]
    return Measurement(
        name,
        mean_scores([found for _, found in every]),
        {dialogue: mean_scores([found for _, found in some]) for dialogue, some in by_dialogue.items()},
        {
            category: mean_scores([found for of, found in every if of == category])
            for category in sorted({of for of, _ in every})
        },
        milliseconds,
    )


@dataclass(frozen=True, slots=True)
class RankingScore:
    """One question's ranking against what answers it."""

    recall: float
    """Share of what answers it that is among the first k."""
    hit: bool
    """Whether any of it is."""
    reciprocal_rank: float
    """1 over the place of the first; 0 when it is beyond k."""


@dataclass(frozen=True, slots=True)
class MeanScores:
    """Means over questions."""

    questions: int
    recall: float
    any: float
    mrr: float


def score_ranking(ranking: Sequence[str], evidence: Collection[str], k: int) -> RankingScore:
    first = list(ranking[:k])
    places = [place for place, found in enumerate(first, 1) if found in evidence]
    return RankingScore(len(places) / len(evidence), bool(places), 1 / places[0] if places else 0.0)


def mean_scores(scores: Sequence[RankingScore]) -> MeanScores:
    count = len(scores)
    total = max(count, 1)
    return MeanScores(
        count,
        sum(one.recall for one in scores) / total,
        sum(one.hit for one in scores) / total,
        sum(one.reciprocal_rank for one in scores) / total,
    )
