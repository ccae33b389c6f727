"""From features to probabilities, and what small and large minds are calibrated by."""

from __future__ import annotations

import numpy as np
import pytest

from bot.answering.routing.calibration import DEFAULT_THRESHOLD, DEFAULT_WEIGHTS, calibrate, choose, softmax
from bot.answering.routing.features import FEATURES, TextGroup, TextIndex, Vectors

DIMENSIONS = 24


def group(rng: np.random.Generator, centre: int, questions: int, about: int = 2, spread: float = 0.35) -> TextGroup:
    """Texts around one axis; each two questions are a conversation."""

    def texts(number: int) -> Vectors:
        rows = rng.normal(0, spread, (number, DIMENSIONS)).astype(np.float32)
        rows[:, centre] += 1
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    return TextGroup(texts(questions), np.arange(questions) // 2, texts(about))


def index(sizes: list[int], spread: float = 0.35) -> TextIndex:
    rng = np.random.default_rng(5)
    groups = [group(rng, number, size, spread=spread) for number, size in enumerate(sizes)]
    return TextIndex(groups, group(rng, 20, 20, about=0), group(rng, 21, 20, about=0))


def test_held_out_features_are_those_of_an_index_without_the_conversation() -> None:
    rng = np.random.default_rng(7)
    adapters = [group(rng, 0, 6), group(rng, 1, 6)]
    small_talk, general = group(rng, 20, 8, about=0), group(rng, 21, 8, about=0)
    features, classes = TextIndex(adapters, small_talk, general).held_out_features(100)
    first = adapters[0]
    without = TextGroup(first.questions[2:], first.conversations[2:], first.about)
    expected = TextIndex([without, adapters[1]], small_talk, general).features(first.questions[0])
    assert classes.tolist() == [0] * 6 + [1] * 6 + [2] * 16
    # The regression's weights and the baseline know of the number of texts, which is one conversation more.
    assert features[0] == pytest.approx(expected, abs=0.08)


def test_a_mind_without_questions_has_the_defaults() -> None:
    made = calibrate(*index([0, 0, 0]).held_out_features(50), 0)
    assert (tuple(made.weights), made.threshold, made.questions) == (DEFAULT_WEIGHTS, DEFAULT_THRESHOLD, 0)
    assert (made.accuracy, made.abstention) == (None, None)


def test_probabilities_are_as_sure_as_the_questions_are_clear() -> None:
    shares = {}
    for spread in (0.2, 0.6):
        texts = index([40, 40, 40], spread)
        features, classes = texts.held_out_features(200)
        made = calibrate(features, classes, None)
        own = softmax(made.log_odds(features))[np.arange(len(classes)), classes]
        right = softmax(made.log_odds(features)).argmax(axis=1) == classes
        shares[spread] = own[classes < 3].mean()
        assert own.mean() == pytest.approx(right.mean(), abs=0.12)
    assert shares[0.2] > shares[0.6]


def test_many_questions_of_one_adapter_do_not_outweigh_few_of_another() -> None:
    texts = index([80, 4])
    made = calibrate(*texts.held_out_features(100), None)
    message = np.zeros(DIMENSIONS, np.float32)
    message[1] = 1
    assert choose(softmax(made.log_odds(texts.features(message))), None)[0] == 1


def test_of_many_questions_some_conversations_are_looked_at() -> None:
    features, classes = index([80, 4]).held_out_features(30)
    assert features.shape == (len(classes), 3, FEATURES)
    assert 8 <= (classes == 0).sum() <= 12
    assert (classes == 1).sum() == 4


@pytest.mark.parametrize(
    ("probabilities", "core", "best", "sureness"),
    [
        ([0.1, 0.6, 0.2, 0.1], 0, 1, 0.6 / 0.7),
        ([0.6, 0.2, 0.1, 0.1], 0, 1, 0.2 / 0.8),
        ([0.1, 0.1, 0.2, 0.6], 0, 2, 0.2 / 0.8),
        ([0.5, 0.3, 0.2], None, 0, 0.5 / 0.7),
        ([0.7, 0.3], 0, -1, 0.0),
    ],
)
def test_the_likeliest_adapter_is_weighed_against_the_core(
    probabilities: list[float], core: int | None, best: int, sureness: float
) -> None:
    assert choose(np.array(probabilities), core) == (best, pytest.approx(sureness))
