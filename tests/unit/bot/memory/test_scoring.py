from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bot.memory.question import Question
from bot.memory.scoring import DEFAULT_WEIGHTS, OCCASION_GAP_SECONDS, ScoreWeights, rank_memories
from bot.text.time_expressions import Interval
from db.memory.recall import Features

QUESTION = Question(topic="x", interval=None, time_only=False, speakers=(), voice=None)
DAY = 86400.0


def rows(count: int, **columns: object) -> Features:
    """Memories of one occasion, a minute apart, irrelevant to the question unless `columns` say otherwise."""
    defaults = {
        "ids": np.frombuffer(np.arange(count, dtype=">u8").repeat(2).tobytes(), "V16"),
        "session": np.ones(count, np.int64),
        "said_at": np.arange(count) * 60.0,
        "made_at": np.arange(count) * 60.0,
        "similarity": np.zeros(count),
        "model": np.zeros(count, np.int64),
        "hits": np.zeros(count, np.int64),
        "words": np.full(count, 5),
        "spoken": np.zeros(count, bool),
        "by_mind": np.zeros(count, bool),
        "question": np.zeros(count, bool),
        "episode": np.ones(count, bool),
        "passage": np.zeros(count, bool),
    }
    return Features(**{name: np.asarray(columns.get(name, value)) for name, value in defaults.items()})


def ranking(features: Features, question: Question = QUESTION, weights: ScoreWeights = DEFAULT_WEIGHTS) -> list[int]:
    return rank_memories(features, question, weights)[0].tolist()


def test_no_memories() -> None:
    assert ranking(rows(0)) == []


def test_irrelevant_memories_are_left_out() -> None:
    assert ranking(rows(3, similarity=[0.1, 0.14, np.nan], episode=[False] * 3)) == []
    assert ranking(rows(3, similarity=[0.1, 0.3, np.nan], episode=[False] * 3)) == [1]
    assert ranking(rows(3, hits=[0, 0, 1], episode=[False] * 3)) == [2]


def test_rare_words_score_higher_than_common_ones() -> None:
    facts = rows(4, hits=[0b01, 0b01, 0b10, 0b01], episode=[False] * 4)
    assert ranking(facts)[0] == 2


def test_answer_is_found_by_the_words_of_the_message_before_it() -> None:
    assert set(ranking(rows(4, hits=[1, 0, 0, 0]))) == {0, 1}
    assert set(
        ranking(
            rows(
                4,
                hits=[1, 0, 0, 0],
                said_at=[0, OCCASION_GAP_SECONDS + 1, OCCASION_GAP_SECONDS + 2, OCCASION_GAP_SECONDS + 3],
            )
        )
    ) == {0}
    assert set(ranking(rows(4, hits=[1, 0, 0, 0], session=[1, 2, 2, 2]))) == {0}
    assert set(ranking(rows(4, hits=[1, 0, 0, 0], session=[0] * 4))) == {0}
    assert set(ranking(rows(4, hits=[1, 0, 0, 0]), weights=ScoreWeights(neighbours=False))) == {0}


def test_message_after_a_similar_one_scores_higher() -> None:
    near = rows(5, similarity=[0.3, 0.3, 0.8, 0.3, 0.3])
    assert ranking(near)[:2] == [2, 3]


def test_message_of_a_similar_occasion_scores_higher() -> None:
    similarity = [0.2, 0.3, 0.3, 0.3, 0.8, 0.2, 0.3, 0.3, 0.3, 0.4]
    said_at = np.arange(10) * 60.0 + np.repeat([0, DAY], 5)
    assert ranking(rows(10, similarity=similarity, said_at=said_at)).index(1) < ranking(
        rows(10, similarity=similarity, said_at=said_at)
    ).index(6)
    # In another session it is another occasion, and a fact is no part of any.
    apart = rows(10, similarity=similarity, session=np.repeat([1, 2], 5))
    assert ranking(apart).index(1) < ranking(apart).index(6)
    facts = rows(10, similarity=similarity, said_at=said_at, episode=[False] * 10)
    assert ranking(facts).index(6) < ranking(facts).index(1)


def test_negligible_difference_in_similarity_is_outweighed() -> None:
    features = rows(2, similarity=[0.5, 0.5 + 1e-9], spoken=[True, False], episode=[False] * 2)
    assert ranking(features) == [0, 1]


def test_order_of_rows_does_not_matter() -> None:
    features = rows(6, similarity=[0.3, 0.25, 0.8, 0.5, 0.21, 0.6], hits=[1, 0, 2, 0, 3, 0])
    mixed = np.array([3, 1, 5, 0, 4, 2])
    shuffled = Features(**{name: getattr(features, name)[mixed] for name in Features.__dataclass_fields__})
    assert [int(mixed[row]) for row in ranking(shuffled)] == ranking(features)


def test_speaker_and_time_count() -> None:
    features = rows(3, similarity=[0.5, 0.5, 0.5], said_at=[0, 10 * DAY, 40 * DAY], episode=[False] * 3)
    assert ranking(replace(features, spoken=np.array([True, False, False])))[0] == 0
    interval = Interval(datetime.fromtimestamp(9 * DAY, UTC), datetime.fromtimestamp(11 * DAY, UTC))
    assert ranking(features, replace(QUESTION, interval=interval))[0] == 1


def test_question_about_a_time_alone_gets_that_time_only() -> None:
    features = rows(3, similarity=[0.9, 0.0, 0.0], said_at=[0, 10 * DAY, 40 * DAY])
    interval = Interval(datetime.fromtimestamp(9 * DAY, UTC), datetime.fromtimestamp(11 * DAY, UTC))
    time_question = replace(QUESTION, interval=interval, time_only=True)
    assert ranking(features, time_question) == [1]
    # If nothing was said then, the other parts decide.
    other_time_question = replace(
        time_question, interval=Interval(datetime.fromtimestamp(90 * DAY, UTC), datetime.fromtimestamp(99 * DAY, UTC))
    )
    assert ranking(features, other_time_question) == [0]


def test_week_after_an_interval_counts_half_unless_the_interval_has_no_beginning() -> None:
    features = rows(3, similarity=[0.5, 0.5, 0.5], said_at=[0, 12 * DAY, 40 * DAY], episode=[False] * 3)
    end = datetime.fromtimestamp(11 * DAY, UTC)
    closed = Interval(datetime.fromtimestamp(9 * DAY, UTC), end)
    assert ranking(features, replace(QUESTION, interval=closed)) == [1, 2, 0]
    before = Interval(datetime.min.replace(tzinfo=UTC), end)
    assert ranking(features, replace(QUESTION, interval=before)) == [0, 2, 1]
    after = Interval(end, datetime.max.replace(tzinfo=UTC))
    assert ranking(features, replace(QUESTION, interval=after)) == [2, 1, 0]


def test_similarities_of_different_models_are_scaled_separately() -> None:
    features = rows(4, similarity=[0.9, 0.8, 0.5, 0.3], model=[0, 0, 1, 1], episode=[False] * 4)
    assert set(ranking(features)[:2]) == {0, 2}


def test_newer_of_equal_memories_comes_first() -> None:
    assert ranking(rows(3, similarity=[0.5] * 3, episode=[False] * 3)) == [2, 1, 0]


@given(st.data())
def test_any_rows_are_ranked_by_finite_scores(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))

    def column(values: st.SearchStrategy[object]) -> list[object]:
        return data.draw(st.lists(values, min_size=count, max_size=count))

    features = rows(
        count,
        similarity=column(st.floats(-1, 1) | st.just(float("nan"))),
        hits=column(st.integers(0, 2**62 - 1)),
        words=column(st.integers(0, 9)),
        said_at=column(st.floats(-1e10, 1e10)),
        session=column(st.integers(0, 2)),
        spoken=column(st.booleans()),
        episode=column(st.booleans()),
    )
    ranked, scores = rank_memories(features, QUESTION)
    assert len(set(ranked.tolist())) == len(ranked)
    assert np.isfinite(scores).all()
    assert (np.diff(scores) <= 0).all()


def test_length_of_a_passage_does_not_count() -> None:
    passage = np.array([False, False, True])
    features = rows(
        3,
        words=np.array([2, 8, 90]),
        similarity=np.full(3, 0.5),
        passage=passage,
        episode=~passage,
        session=passage * 0,
    )
    ranked, scores = rank_memories(
        features, QUESTION, replace(DEFAULT_WEIGHTS, words=0, meaning=0, flow=0, occasion=0, speaker=0, time=0)
    )
    assert ranked.tolist() == [1, 2, 0]
    assert scores[1] == np.mean([scores[0], scores[2]])
