"""How much a message leans on the conversation before it."""

from __future__ import annotations

import numpy as np
import pytest

from bot.answering.routing.follow_up import MAX_BONUS, follow_up_bonus

FOLLOW_UP, SMALL_TALK = np.eye(4, dtype=np.float32)[:2]


def bonus(message: str, likeness: float, small_talk: float = 0.0) -> float:
    vector = np.array([likeness, small_talk, 0, 0], np.float32)
    return follow_up_bonus(message, vector, FOLLOW_UP[None], SMALL_TALK[None])


def test_the_likest_follow_up_gains_most() -> None:
    assert bonus("How far is the sun", 0.2) == 0
    assert 0 < bonus("How far is the sun", 0.5) < bonus("How far is the sun", 0.7) < MAX_BONUS
    assert bonus("why", 1.0) == MAX_BONUS


@pytest.mark.parametrize("message", ["а в дни отдыха?", "And on Sundays?", "what about women", "Как долго это длится?"])
def test_words_that_point_back_add_to_it(message: str) -> None:
    assert bonus(message, 0.4) > bonus("Why do birds sing?", 0.4)


def test_a_link_and_a_pointer_add_up() -> None:
    assert bonus("and is that so?", 0.4) > bonus("and on Sundays?", 0.4)


def test_small_talk_is_no_follow_up() -> None:
    assert bonus("and thanks for that", 0.5, 0.8) == 0
    assert bonus("go on", 0.9, 0.8) > 0


def test_without_any_text_nothing_follows_up() -> None:
    nothing = np.empty((0, 4), np.float32)
    assert follow_up_bonus("", np.zeros(4, np.float32), nothing, nothing) == 0
