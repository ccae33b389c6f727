"""Sense on the real base model and embedder: it tells answers from their words and from answers to something else."""

from __future__ import annotations

import numpy as np
import pytest

from bot.app.settings import DEMO_MIND
from bot.authoring.evaluation.dialogues import first_pairs, mind_dialogues
from bot.authoring.evaluation.sense import FluencyScale, JudgedAnswer, pointedness, sense_of, shuffle_words
from bot.minds import load_mind
from inference.embedding import Embedder
from inference.engines.local import LocalEngine
from inference.engines.port import Message

pytestmark = pytest.mark.model


async def test_word_salad_and_answers_to_something_else_make_less_sense(
    local_engine: LocalEngine, embedder: Embedder
) -> None:
    mind = load_mind(DEMO_MIND, require_adapters=False)
    pairs = [pair for name in mind.adapters for pair in first_pairs(mind_dialogues(mind, name, heldout=True))[:3]]
    asked = [pair.question for pair in pairs]
    answers = [pair.answer for pair in pairs]
    systems = {
        "author": answers,
        "salad": [shuffle_words(text, seed) for seed, text in enumerate(answers)],
        "dealt": answers[3:] + answers[:3],
        "loop": [f"{' '.join(text.split()[:4])} " * 12 for text in answers],
    }
    questions = await embedder.embed(asked, "query")
    judged = {}
    for name, texts in systems.items():
        likeness = await embedder.embed(texts) @ questions.T
        pointed = pointedness(likeness)
        losses = [
            (await local_engine.score([Message("user", question)], text)).mean_loss
            for question, text in zip(asked, texts, strict=True)
        ]
        own = np.diagonal(likeness)
        judged[name] = [
            JudgedAnswer(text, loss, float(near), sure, contradicts=False)
            for text, loss, near, sure in zip(texts, losses, own, pointed, strict=True)
        ]
    mean_loss = {name: float(np.mean([each.loss for each in some])) for name, some in judged.items()}
    scale = FluencyScale(mean_loss["author"], mean_loss["salad"])
    found = {name: sense_of(some, scale) for name, some in judged.items()}
    scores = {name: sense.score for name, sense in found.items() if sense is not None}
    assert scores["author"] > 0.6
    assert max(scores["salad"], scores["dealt"], scores["loop"]) < scores["author"] - 0.3, scores
