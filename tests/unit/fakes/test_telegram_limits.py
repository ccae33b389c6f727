"""How calls are counted, with a clock of the test's own."""

from __future__ import annotations

import pytest

from tests.fakes.telegram.limits import Limits, Rate
from tests.fakes.telegram.refusals import Refused


class Clock:
    """Shows the time it was set to."""

    at = 1000.0

    def __call__(self) -> float:
        return self.at


def refused(limits: Limits, chat: int = 1, *, is_group: bool = False) -> int:
    """Seconds to wait, 0 when the call was admitted."""
    try:
        limits.admit_to("sendmessage", chat, is_group=is_group)
    except Refused as refused:
        return refused.parameters["retry_after"]
    return 0


def test_a_chat_takes_a_short_burst_and_then_one_a_second() -> None:
    clock = Clock()
    limits = Limits(now=clock)
    assert [refused(limits) for _ in range(4)] == [0, 0, 0, 3]
    assert refused(limits, chat=2) == 0
    clock.at += 2.5
    assert refused(limits) == 1
    clock.at += 0.5
    assert [refused(limits) for _ in range(3)] == [0, 0, 0]
    assert [(i.scope, i.early, i.since) for i in limits.ignored_429] == [("chat 1", 0.5, 2.5)]


def test_a_group_takes_twenty_a_minute() -> None:
    clock = Clock()
    limits = Limits(now=clock)
    for _ in range(20):
        assert refused(limits, is_group=True) == 0
        clock.at += 1
    assert refused(limits, is_group=True) == 40
    clock.at += 40
    assert refused(limits, is_group=True) == 0


def test_all_of_it_takes_thirty_a_second() -> None:
    clock = Clock()
    limits = Limits(now=clock)
    for _ in range(30):
        limits.admit("getchat")
    with pytest.raises(Refused, match="Too Many Requests: retry after 1"):
        limits.admit("getchat")
    clock.at += 1
    limits.admit("getchat")


def test_calls_that_crossed_the_refusal_ignore_nothing() -> None:
    clock = Clock()
    limits = Limits(chat=Rate(1, 1), now=clock)
    assert [refused(limits), refused(limits)] == [0, 1]
    clock.at += 0.05
    assert refused(limits) == 1
    assert limits.ignored_429 == []


def test_drafts_have_a_limit_when_one_is_set() -> None:
    limits = Limits(drafts=Rate(1, 1), now=Clock())
    limits.admit_draft("sendmessagedraft", 1)
    with pytest.raises(Refused):
        limits.admit_draft("sendmessagedraft", 1)


def test_switched_off_nothing_is_refused() -> None:
    limits = Limits.off()
    assert {refused(limits, is_group=True) for _ in range(100)} == {0}
    for _ in range(100):
        limits.admit("getchat")
        limits.admit_draft("sendmessagedraft", 1)
