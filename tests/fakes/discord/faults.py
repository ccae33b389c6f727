"""Trouble on demand: errors, lost connections, silence, slowness."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fnmatch import fnmatchcase

KINDS = ("error", "drop_before", "drop_after", "hang", "slow", "refuse", "rate_limit")


@dataclass
class Fault:
    """What happens to requests of a route.

    `error` answers `status` (5xx) before handling; `drop_before` and `drop_after` cut the connection before or after
    the request was handled; `hang` never answers; `slow` waits `seconds`, then handles; `refuse` answers `status` and
    `code`; `rate_limit` answers 429 with `seconds` to wait and a `scope`.
    """

    route: str
    """As `POST /channels/{channel}/messages`, or with `*`: `PATCH *`."""
    kind: str
    times: int = 1
    seconds: float = 1.0
    status: int = 500
    code: int = 0
    message: str = ""
    scope: str = "user"
    probability: float = 1.0
    """Of a matching request being hit; only hits count against `times`."""
    after: int = 0
    """Matching requests let through first."""


class Faults:
    """The faults that wait for their requests. With a seed, chance falls the same way each time."""

    def __init__(self, seed: int = 0) -> None:
        self.waiting: list[Fault] = []
        self._chance = random.Random(seed)

    def seed(self, seed: int) -> None:
        """Starts chance anew."""
        self._chance = random.Random(seed)

    def add(self, fault: Fault) -> Fault:
        """Sets a fault up."""
        if fault.kind not in KINDS:
            raise ValueError(f"no such fault: {fault.kind!r}; there are {', '.join(KINDS)}")
        self.waiting.append(fault)
        return fault

    def take(self, route: str) -> Fault | None:
        """The fault that hits this request, if any."""
        for fault in self.waiting:
            if fault.times <= 0 or not (route == fault.route or fnmatchcase(route, fault.route)):
                continue
            if fault.after > 0:
                fault.after -= 1
            elif self._chance.random() < fault.probability:
                fault.times -= 1
                return fault
        return None
