"""What is to go wrong: by count, by chance with a seed, before a call is handled or after."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["error", "html", "drop", "hang", "slow", "flood"]


@dataclass
class Fault:
    """One mishap, and the calls it befalls."""

    method: str
    """Of the Bot API; `*` is every method but getUpdates."""
    kind: Kind
    """`error` and `html` answer `status` as Telegram or a gateway before it would, `drop` cuts the connection, `hang`
    never answers, `slow` waits `seconds`, `flood` answers 429 and closes the chat for `seconds`."""
    after: bool = False
    """Whether it happens after the call was handled: the message is sent and the client does not know."""
    times: int | None = 1
    """How many calls; None for all."""
    probability: float = 1.0
    status: int = 502
    seconds: float = 1.0
    chat: int | None = None
    """Only calls for this chat."""

    def befalls(self, method: str, chat: str) -> bool:
        """Whether it is for such a call."""
        wanted = method != "getupdates" if self.method == "*" else method == self.method.lower()
        return wanted and self.times != 0 and (self.chat is None or str(self.chat) == chat)


@dataclass
class Faults:
    """Those that are to come, in order."""

    seed: int = 0
    pending: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def draw(self, method: str, chat: str) -> Fault | None:
        """The mishap of this call, if it has one."""
        for fault in self.pending:
            if fault.befalls(method, chat) and self._chance.random() < fault.probability:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None
