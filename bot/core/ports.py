"""The channel port: what a front end hands in, and what it must be able to show.

A channel has two halves that may run in different processes. Its gateway receives: it makes an `Incoming` of each
update and hands it to the inbox, and tells the platform that it has it only then. Its `Platform` shows: whoever works
on a turn asks it for a `Reply` at the address that came in with the message.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol

from bot.core.i18n import Translator
from bot.core.messages import Address, Outcome


class Reply(Protocol):
    """Shows one answer while it is made: any of the first four may never be called; then `finish` or `close`, once.

    A reply may have been begun by an earlier attempt, in a process that is gone: what it has shown is edited then, not
    shown again.
    """

    async def show_queue_position(self, ahead: int) -> None:
        """The message waits until so many others of its session are answered."""
        ...

    async def show_status(self, text: str) -> None:
        """What is being done before an answer begins, in the place of what the message has shown until now.

        Raises:
            DeliveryError: it is not shown now; the answer may be.
        """
        ...

    async def start(self, mode: str) -> None:
        """An answer is about to be generated, in this mode."""
        ...

    async def write(self, text: str) -> None:
        """The next piece of the answer."""
        ...

    async def finish(self, outcome: Outcome) -> None:
        """All that is to be said. Its answer is the pieces written so far, joined, if any were.

        Raises:
            DeliveryError: it could not be shown; the error says whether a later try may help.
        """
        ...

    async def close(self) -> None:
        """Let go without an end: another attempt will show the answer. Idempotent."""
        ...


class Parts(Protocol):
    """The messages that an answer is shown in, written down so that no attempt sends one twice."""

    @property
    def message_ids(self) -> Sequence[str]:
        """The platform's ids of those that are there already, in order."""
        ...

    async def record(self, n: int, message_id: str) -> None:
        """Message number `n`, counted from 0, is there. To be called before it shows anything of the answer.

        Raises:
            TurnLeaseLost: another attempt shows the answer now; take the message away.
        """
        ...


class Platform(Protocol):
    """Shows answers on a platform, from whatever process."""

    @property
    def name(self) -> str:
        """As in `Incoming.platform`."""
        ...

    def reply(self, address: Address, parts: Parts, say: Translator) -> Reply:
        """A reply at an address."""
        ...

    def fetch(self, handle: Address) -> AsyncGenerator[bytes, None]:
        """The content of a file that came with a message, in pieces; closed by who asks for it.

        Raises:
            DeliveryError: the platform does not have it any more, or not now.
        """
        ...


class Gateway(Protocol):
    """Receives from a platform."""

    async def run(self) -> None:
        """Receive and hand in until cancelled."""
        ...


FetchFile = Callable[[Address], AsyncGenerator[bytes, None]]
"""`bot.core.ports.Platform.fetch`."""
