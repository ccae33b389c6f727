"""How many connections there may be, and which give way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.core.http_connections import ConnectionLimits, OpenConnections


class FakeConnection:
    gave_way = False

    def give_way(self) -> None:
        self.gave_way = True


def test_the_one_that_is_idle_for_longest_gives_way() -> None:
    connections = OpenConnections(ConnectionLimits(in_all=3, per_address=3))
    first, second, third, fourth = (FakeConnection() for _ in range(4))
    assert all(connections.admit(each, "a") for each in (first, second, third))
    connections.mark_busy(first)
    connections.mark_idle(first)
    assert connections.admit(fourth, "b")
    assert [each.gave_way for each in (first, second, third, fourth)] == [False, True, False, False]


def test_an_address_makes_room_among_its_own() -> None:
    connections = OpenConnections(ConnectionLimits(in_all=8, per_address=2))
    other, first, second, third = (FakeConnection() for _ in range(4))
    connections.admit(other, "b")
    for each in (first, second, third):
        assert connections.admit(each, "a")
    assert (other.gave_way, first.gave_way) == (False, True)
    for each in (second, third):
        connections.mark_busy(each)
    assert not connections.admit(FakeConnection(), "a")
    assert connections.admit(FakeConnection(), "b")


@given(st.lists(st.tuples(st.sampled_from(["open", "busy", "idle", "close"]), st.integers(0, 9)), max_size=60))
def test_the_count_is_always_right(steps: list[tuple[str, int]]) -> None:
    limits = ConnectionLimits(in_all=4, per_address=2)
    connections = OpenConnections(limits)
    there: list[tuple[FakeConnection, str]] = []
    for what, which in steps:
        if what == "open":
            connection, address = FakeConnection(), "abc"[which % 3]
            if connections.admit(connection, address):
                there.append((connection, address))
        elif there:
            connection, _ = there[which % len(there)]
            {"busy": connections.mark_busy, "idle": connections.mark_idle, "close": connections.forget}[what](
                connection
            )
            if what == "close":
                there.pop(which % len(there))
        there = [(each, address) for each, address in there if not each.gave_way]
        assert list(connections.counted.items()) == there
        assert len(there) <= limits.in_all
        assert all(count <= limits.per_address for count in connections.by_address.values())
        assert sum(connections.by_address.values()) == len(there)
        assert set(connections.idle) <= set(connections.counted)
