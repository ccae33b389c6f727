"""Measures recall on dialogues: the service's own code on a real database, next to baselines and reduced variants."""

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
"""The name of recall as the service does it."""
BASELINES = ("bm25s", "bm25s, date and speaker", "dense", "dense, date and speaker")

ProgressCallback = Callable[[str, int], None]
"""Called with the name of the dialogue that is measured next, and the number of dialogues already measured."""


@dataclass(frozen=True, slots=True)
class RankingScore:
    """One question's ranking compared with the messages that answer it."""

    recall: float
    """Share of these messages among the first k."""
    hit: bool
    """Whether any of them is among the first k."""
    reciprocal_rank: float
    """1 over the rank of the first of them; 0 if none is among the first k."""


@dataclass(frozen=True, slots=True)
class MeanScores:
    """Means over questions."""

    questions: int
    """Their number."""
    recall: float
    any: float
    """Share of questions with a hit."""
    mrr: float
    """Mean reciprocal rank."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """The scores of one way of recalling: over all questions, by dialogue and by category."""

    name: str
    overall: MeanScores
    dialogues: dict[str, MeanScores]
    categories: dict[int, MeanScores]
    milliseconds: tuple[float, float] | None
    """Median and 95th percentile of one recall, without embedding the question; None where it was not timed."""


@dataclass(frozen=True, slots=True)
class Variant:
    """Recall with a part left out."""

    name: str
    weights: ScoreWeights = DEFAULT_WEIGHTS
    question_parser: QuestionParser = parse_question


class CachingEmbedder:
    """An `Embedder` that embeds each text once: every variant asks the same questions."""

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
    """A question parser that takes the whole text as the topic."""
    return Question(topic=text, interval=None, time_only=False, speakers=(), voice=None)


_NOTHING = ScoreWeights(words=0, meaning=0, flow=0, occasion=0, speaker=0, time=0, length=0, neighbours=False)
VARIANTS: tuple[Variant, ...] = (
    Variant(FUSED),
    Variant("without words", replace(DEFAULT_WEIGHTS, words=0)),
    Variant("without meaning", replace(DEFAULT_WEIGHTS, meaning=0)),
    Variant("without flow", replace(DEFAULT_WEIGHTS, flow=0)),
    Variant("without occasion", replace(DEFAULT_WEIGHTS, occasion=0)),
    Variant("without any cosine", replace(DEFAULT_WEIGHTS, meaning=0, flow=0, occasion=0)),
    Variant("without speaker", replace(DEFAULT_WEIGHTS, speaker=0)),
    Variant("without time", replace(DEFAULT_WEIGHTS, time=0)),
    Variant("without length", replace(DEFAULT_WEIGHTS, length=0)),
    Variant("without neighbours' words", replace(DEFAULT_WEIGHTS, neighbours=False)),
    Variant("without reading the question", question_parser=leave_unparsed),
    Variant("words only", replace(_NOTHING, words=1)),
    Variant("meaning only", replace(_NOTHING, meaning=1)),
)
"""The complete recall first. The difference to it shows what the part that a variant lacks contributes."""


def build_configuration(embedder: str, k: int) -> dict[str, object]:
    """Everything the figures depend on, except the code and the data."""
    return {
        "embedder": embedder,
        "k": k,
        "weights": asdict(DEFAULT_WEIGHTS),
        "min_similarity": MIN_SIMILARITY,
        "pause_seconds": OCCASION_GAP_SECONDS,
        "echo_seconds": AFTERMATH_SECONDS,
    }


def hash_configuration(configuration: dict[str, object]) -> str:
    """Twelve hexadecimal digits, the same for the same configuration."""
    return blake3(json.dumps(configuration, sort_keys=True).encode()).hexdigest()[:12]


async def measure_recall(
    database: Database, embedder: Embedder, dialogues: Sequence[Dialogue], k: int, progress: ProgressCallback
) -> list[Measurement]:
    """Measure every baseline and variant. Each dialogue is stored in the database as the memory of one person."""
    caching_embedder = CachingEmbedder(embedder)
    scores: dict[str, dict[str, list[tuple[int, RankingScore]]]] = {
        name: {} for name in (*BASELINES, *(variant.name for variant in VARIANTS))
    }
    seconds: list[float] = []
    for number, dialogue in enumerate(dialogues):
        progress(dialogue.name, number)
        for name, rankings in (await _rank_baselines(dialogue, caching_embedder, k)).items():
            scores[name][dialogue.name] = _score_rankings(dialogue, rankings, k)
        person, message_ids = await store_dialogue(database, caching_embedder, dialogue)
        for variant in VARIANTS:
            memory = PersonalMemory(
                database, caching_embedder, weights=variant.weights, question_parser=variant.question_parser
            )
            rankings = []
            for question in dialogue.questions:
                started = time.perf_counter()
                recalled = await memory.recall(person, question.text, k, now=dialogue.asked_at)
                # The variants before it have already embedded the questions.
                if variant.name == "without words":
                    seconds.append(time.perf_counter() - started)
                rankings.append([message_ids[hit.memory.id] for hit in recalled])
            scores[variant.name][dialogue.name] = _score_rankings(dialogue, rankings, k)
    latency = tuple(float(value) * 1000 for value in np.percentile(seconds, [50, 95])) if seconds else None
    return [
        _build_measurement(name, by_dialogue, (latency[0], latency[1]) if latency and name == FUSED else None)
        for name, by_dialogue in scores.items()
    ]


async def store_dialogue(database: Database, embedder: Embedder, dialogue: Dialogue) -> tuple[UUID, dict[UUID, str]]:
    """Save a dialogue as one person's episodes. Returns the person's id, and the message id of each memory."""
    async with database.anonymous_transaction() as connection:
        person = await users.identify(connection, platform="evaluation", external_id=dialogue.name)
    async with database.person_transaction(person.id) as connection:
        session = await sessions.get_or_create(connection, platform="evaluation", place=dialogue.name)
    memory = PersonalMemory(database, embedder)
    await embedder.embed([message.text for message in dialogue.messages])
    message_ids = {}
    for message in dialogue.messages:
        origin = Origin(session.id, voice="other", speaker=message.speaker)
        episode = await memory.save(person.id, "episode", message.text, origin, valid_from=message.said_at)
        assert episode is not None
        message_ids[episode.id] = message.id
    return person.id, message_ids


async def _rank_baselines(dialogue: Dialogue, embedder: Embedder, k: int) -> dict[str, list[list[str]]]:
    """For each baseline, the message ids of each question's first k."""
    texts = [message.text for message in dialogue.messages]
    dated_texts = [f"{message.said_at:%d %B %Y}, {message.speaker}: {message.text}" for message in dialogue.messages]
    questions = [question.text for question in dialogue.questions]
    rankers = (
        bm25_ranker(texts),
        bm25_ranker(dated_texts),
        await dense_ranker(texts, questions, embedder),
        await dense_ranker(dated_texts, questions, embedder),
    )
    return {
        name: [[dialogue.messages[index].id for index in rank(question, k)] for question in questions]
        for name, rank in zip(BASELINES, rankers, strict=True)
    }


def _score_rankings(dialogue: Dialogue, rankings: Sequence[Sequence[str]], k: int) -> list[tuple[int, RankingScore]]:
    """The category and score of each question."""
    return [
        (question.category, score_ranking(ranking, question.evidence, k))
        for question, ranking in zip(dialogue.questions, rankings, strict=True)
    ]


def _build_measurement(
    name: str, by_dialogue: dict[str, list[tuple[int, RankingScore]]], milliseconds: tuple[float, float] | None
) -> Measurement:
    every = [entry for entries in by_dialogue.values() for entry in entries]
    by_category: dict[int, list[RankingScore]] = {category: [] for category in sorted({c for c, _ in every})}
    for category, score in every:
        by_category[category].append(score)
    return Measurement(
        name,
        mean_scores([score for _, score in every]),
        {dialogue: mean_scores([score for _, score in entries]) for dialogue, entries in by_dialogue.items()},
        {category: mean_scores(scores) for category, scores in by_category.items()},
        milliseconds,
    )


def score_ranking(ranking: Sequence[str], evidence: Collection[str], k: int) -> RankingScore:
    """Compare the first k of a ranking with the messages that answer the question."""
    ranks = [rank for rank, message_id in enumerate(ranking[:k], 1) if message_id in evidence]
    return RankingScore(len(ranks) / len(evidence), bool(ranks), 1 / ranks[0] if ranks else 0.0)


def mean_scores(scores: Sequence[RankingScore]) -> MeanScores:
    """The means; 0 without scores."""
    total = max(len(scores), 1)
    return MeanScores(
        len(scores),
        sum(score.recall for score in scores) / total,
        sum(score.hit for score in scores) / total,
        sum(score.reciprocal_rank for score in scores) / total,
    )
