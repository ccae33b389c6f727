"""Rate limits of the fake Bot API, on a clock that the tests set."""

from __future__ import annotations

import pytest

from tests.fakes.telegram.limits import Limits, Rate
from tests.fakes.telegram.wire import Refused


class Clock:
    """Shows the time it was set to."""

    at = 1000.0

    def __call__(self) -> float:
        return self.at


def retry_after(limits: Limits, chat: int = 1, *, is_group: bool = False) -> int:
    """Seconds to wait; 0 when the call is admitted."""
    try:
        limits.admit_to("sendmessage", chat, is_group=is_group)
    except Refused as refused:
        return refused.parameters["retry_after"]
    return 0


def test_chat_allows_a_short_burst() -> None:
    clock = Clock()
    limits = Limits(now=clock)
    assert [retry_after(limits) for _ in range(4)] == [0, 0, 0, 3]
    assert retry_after(limits, chat=2) == 0
    clock.at += 2.5
    assert retry_after(limits) == 1
    clock.at += 0.5
    assert [retry_after(limits) for _ in range(3)] == [0, 0, 0]
    assert [(i.scope, i.early, i.since) for i in limits.ignored_429] == [("chat 1", 0.5, 2.5)]


def test_group_allows_twenty_a_minute() -> None:
    clock = Clock()
    limits = Limits(now=clock)
    for _ in range(20):
        assert retry_after(limits, is_group=True) == 0
        clock.at += 1
    assert retry_after(limits, is_group=True) == 40
    clock.at += 40
    assert retry_after(limits, is_group=True) == 0


def test_bot_allows_thirty_a_second() -> None:
    clock = Clock()
    limits = Limits(now=clock)
    for _ in range(30):
        limits.admit("getfile")
    with pytest.raises(Refused, match="Too Many Requests: retry after 1"):
        limits.admit("getfile")
    clock.at += 1
    limits.admit("getfile")


def test_call_in_flight_during_the_429_is_not_recorded() -> None:
    clock = Clock()
    limits = Limits(chat=Rate(1, 1), now=clock)
    assert [retry_after(limits), retry_after(limits)] == [0, 1]
    clock.at += 0.05
    assert retry_after(limits) == 1
    assert limits.ignored_429 == []


def test_limits_can_be_switched_off() -> None:
    limits = Limits.off()
    assert {retry_after(limits, is_group=True) for _ in range(100)} == {0}
    for _ in range(100):
        limits.admit("getfile")
