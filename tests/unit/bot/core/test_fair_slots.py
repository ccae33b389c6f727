"""Places are given out by count and not by the clock."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.fair_slots import FairSlots, may_hold_another


class Room:
    """Tasks that take places of a `FairSlots` and hold them until they are told to leave."""

    def __init__(self, size: int) -> None:
        self.slots = FairSlots(size)
        self.inside: list[str] = []
        self.order: list[str] = []
        self._gates: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def ask(self, share: str, person: str = "") -> str:
        name = f"{share}/{person}#{len(self._tasks)}"
        self._gates[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._hold(name, share, person))
        await asyncio.sleep(0)
        return name

    async def leave(self, name: str) -> None:
        self._gates[name].set()
        await self._tasks[name]
        await asyncio.sleep(0)

    async def swap(self, leaving: str, cancelled: str) -> None:
        """One leaves in the very moment in which another, who waits, is cancelled."""
        self._gates[leaving].set()
        self._tasks[cancelled].cancel()
        await asyncio.gather(self._tasks[leaving], self._tasks[cancelled], return_exceptions=True)
        await asyncio.sleep(0)

    async def cancel(self, name: str) -> None:
        self._tasks[name].cancel()
        with suppress(asyncio.CancelledError):
            await self._tasks[name]

    async def _hold(self, name: str, share: str, person: str) -> None:
        async with self.slots.slot(share, person):
            self.inside.append(name)
            self.order.append(name)
            try:
                await self._gates[name].wait()
            finally:
                self.inside.remove(name)


async def test_who_asks_once_is_next_after_who_asks_fifty_times() -> None:
    room = Room(1)
    greedy = [await room.ask("greedy") for _ in range(50)]
    other = await room.ask("other")
    assert room.inside == greedy[:1]
    await room.leave(greedy[0])
    assert room.inside == [other]
    await room.leave(other)
    for name in greedy[1:]:
        await room.leave(name)


@pytest.mark.parametrize("size", [2, 3, 8, 64])
async def test_a_share_alone_leaves_places_for_a_newcomer(size: int) -> None:
    room = Room(size)
    greedy = [await room.ask("greedy") for _ in range(2 * size)]
    assert len(room.inside) == (size + 1) // 2
    other = await room.ask("other")
    assert other in room.inside
    for name in [other, *greedy]:
        await room.leave(name)


async def test_within_a_share_its_people_take_turns() -> None:
    room = Room(1)
    names = [await room.ask("site", "anna") for _ in range(3)] + [await room.ask("site", "boris")]
    for _ in names:
        await room.leave(room.inside[0])
    assert [name.partition("#")[0] for name in room.order] == ["site/anna", "site/boris", "site/anna", "site/anna"]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.sampled_from(["ask", "leave", "cancel"]), st.integers(0, 3), st.integers(0, 9)), max_size=40),
)
async def test_no_place_is_lost_and_nobody_waits_beside_one_they_may_have(
    size: int, steps: list[tuple[str, int, int]]
) -> None:
    room, asked = Room(size), list[str]()
    for what, share, which in steps:
        if what == "ask":
            asked.append(await room.ask(f"s{share}", str(which % 2)))
        elif what == "leave" and room.inside:
            name = room.inside[which % len(room.inside)]
            await room.leave(name)
            asked.remove(name)
        elif what == "cancel" and asked:
            name = asked.pop(which % len(asked))
            await room.cancel(name)
            await asyncio.sleep(0)
        elif what == "swap" and room.inside and len(asked) > len(room.inside):
            leaving = room.inside[which % len(room.inside)]
            cancelled = next(name for name in asked if name not in room.inside)
            await room.swap(leaving, cancelled)
            asked.remove(leaving)
            asked.remove(cancelled)
        assert len(room.inside) <= size
        held = {f"s{n}": sum(name.startswith(f"s{n}/") for name in room.inside) for n in range(4)}
        waiting = {name.partition("/")[0] for name in asked if name not in room.inside}
        assert not any(may_hold_another(held[share], len(room.inside), size) for share in waiting)
    while asked:
        name = room.inside[0]
        await room.leave(name)
        asked.remove(name)
    assert room.slots._shares == {}  # nothing is kept of who has gone
