"""Places for work that many ask for at the same time, given out by count and not by the clock.

Who asks a hundred times does not stand before who asks once: a free place goes to the share that holds the fewest, then
to the one that was served longest ago; within a share, in the same way to its people. And nobody takes the last places:
a share may hold only as many as are free besides, so that one alone takes half of them and a newcomer need not wait for
its work to end (dynamic thresholds, Choudhury and Hahne 1998).
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


def may_hold_another(held: int, in_all: int, size: int) -> bool:
    """Whether a share that holds `held` of `size` places, of which `in_all` are taken, may have one more."""
    return held < size - in_all


@dataclass(slots=True)
class _Share:
    """Who waits in a share, by person, and how many places it holds."""

    waiting: dict[Hashable, deque[asyncio.Future[None]]] = field(default_factory=dict)
    held: Counter[Hashable] = field(default_factory=Counter)
    in_all: int = 0
    served_at: int = 0
    """The number of the last place that it was given."""
    people_served_at: dict[Hashable, int] = field(default_factory=dict)

    def next_person(self) -> Hashable:
        return min(self.waiting, key=lambda person: (self.held[person], self.people_served_at.get(person, 0)))


class FairSlots:
    """A number of places in this process. Its methods run on one event loop."""

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"there must be a place: {size}")
        self._size = size
        self._taken = 0
        self._shares: dict[str, _Share] = {}
        self._turn = itertools.count(1)

    @asynccontextmanager
    async def slot(self, share: str, person: Hashable = None) -> AsyncIterator[bool]:
        """Hold a place while this is open; yields whether it had to be waited for."""
        waited = await self._acquire(share, person)
        try:
            yield waited
        finally:
            self._release(share, person)

    async def _acquire(self, share: str, person: Hashable) -> bool:
        own = self._shares.setdefault(share, _Share())
        place = asyncio.get_running_loop().create_future()
        own.waiting.setdefault(person, deque()).append(place)
        self._give_out()
        if place.done():
            return False
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._release(share, person)
            else:
                self._leave(share, person, place)
            raise
        return True

    def _give_out(self) -> None:
        """Give the free places to those whose turn it is."""
        while (name := self._next_share()) is not None:
            share = self._shares[name]
            person = share.next_person()
            queue = share.waiting[person]
            place = queue.popleft()
            if not queue:
                del share.waiting[person]
            if place.cancelled():
                continue  # whoever waited has gone in this very moment, and has not been told yet
            share.served_at = share.people_served_at[person] = next(self._turn)
            share.in_all += 1
            share.held[person] += 1
            self._taken += 1
            place.set_result(None)

    def _next_share(self) -> str | None:
        able = [
            (share.in_all, share.served_at, name)
            for name, share in self._shares.items()
            if share.waiting and may_hold_another(share.in_all, self._taken, self._size)
        ]
        return min(able)[2] if able else None

    def _release(self, share: str, person: Hashable) -> None:
        own = self._shares[share]
        own.in_all -= 1
        own.held[person] -= 1
        if not own.held[person]:
            del own.held[person]
        self._taken -= 1
        self._give_out()
        self._forget(share, person)

    def _leave(self, share: str, person: Hashable, place: asyncio.Future[None]) -> None:
        """Wait no more. Whoever gave a place away meanwhile may have taken this one out already."""
        if (own := self._shares.get(share)) is None:
            return
        queue = own.waiting.get(person, deque())
        if place in queue:
            queue.remove(place)
        if not queue:
            own.waiting.pop(person, None)
        self._forget(share, person)

    def _forget(self, share: str, person: Hashable) -> None:
        """Keep nothing of who neither holds a place nor waits for one."""
        own = self._shares[share]
        if person not in own.held and person not in own.waiting:
            own.people_served_at.pop(person, None)
        if not own.in_all and not own.waiting:
            del self._shares[share]
