"""The ports of a channel: what a front end must be able to receive and to show.

A channel has two halves that may run in different processes. Its `Gateway` receives: it makes an `Incoming` of each
update, passes it to the inbox, and acknowledges the update to the platform only then. Its `Platform` shows: the
worker of a turn asks it for a `Reply` at the address that came with the message.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Protocol

from bot.core.i18n import Translator
from bot.core.messages import Address, Outcome


class Reply(Protocol):
    """Shows one answer while it is generated.

    `show_queue_position`, `show_status`, `start`, `write_thought` and `write` may be called any number of times, or
    never; then comes `finish` or `close`, once. If an earlier attempt, perhaps of another process, has begun to show
    the answer, a reply edits those messages and sends no second ones.
    """

    async def show_queue_position(self, ahead: int) -> None:
        """Show that so many questions of the session are answered before this one."""
        ...

    async def show_status(self, text: str) -> None:
        """Show what is being done before the answer begins, instead of what the message has shown until now.

        Raises:
            DeliveryError: it cannot be shown now; the answer may still be.
        """
        ...

    async def start(self, mode: str) -> None:
        """Show that an answer is about to be generated, in this mode."""
        ...

    async def write_thought(self, text: str) -> None:
        """Show the next piece of what the model thinks before the answer, marked as such; no part of the outcome."""
        ...

    async def write(self, text: str) -> None:
        """Show the next piece of the answer."""
        ...

    async def finish(self, outcome: Outcome) -> None:
        """Show the complete outcome. If pieces were written, its answer is these pieces joined.

        Raises:
            DeliveryError: it could not be shown; the error says whether a later attempt may succeed.
        """
        ...

    async def close(self) -> None:
        """Release the reply without finishing: another attempt will show the answer. Idempotent."""
        ...


class Parts(Protocol):
    """The record of the messages that show an answer, so that no attempt sends one twice."""

    @property
    def message_ids(self) -> Sequence[str]:
        """The platform's ids of the messages that exist already, in order."""
        ...

    async def ensure_held(self, *, now: bool = False) -> None:
        """Return when this attempt may change what the messages show: no other attempt shows the answer.

        A platform takes an edit from whoever sends it. So an attempt that was stopped for a while (a machine that
        stood still, a database that was away) has to know, before each edit, that the answer is still its own.

        Args:
            now: ask the database in any case, and not only when it was last asked a while ago.

        Raises:
            TurnLeaseLost: another attempt shows the answer now.
        """
        ...

    async def record(self, n: int, message_id: str, *, patience: float | None = None) -> None:
        """Record that message number `n`, counted from 0, exists. Call this before it shows anything of the answer.

        Args:
            patience: seconds for which a database that is away is waited for, where that is less than usual.

        Raises:
            TurnLeaseLost: another attempt shows the answer now; delete the message.
            DatabaseUnavailable: the database did not come back in time.
        """
        ...


class Platform(Protocol):
    """Shows answers on a platform, from any process."""

    @property
    def name(self) -> str:
        """As in `Incoming.platform`."""
        ...

    def reply(self, address: Address, parts: Parts, say: Translator) -> Reply:
        """A reply at an address, with the service's own sentences in the person's language."""
        ...

    def fetch(self, handle: Address) -> AsyncGenerator[bytes, None]:
        """The content of a file that came with a message, in chunks. The caller closes the generator.

        Raises:
            DeliveryError: the platform cannot deliver it now, or does not have it any more.
        """
        ...


class Gateway(Protocol):
    """Receives updates from a platform."""

    async def run(self) -> None:
        """Receive updates and pass them to the inbox until cancelled."""
        ...


FetchFile = Callable[[Address], AsyncGenerator[bytes, None]]
"""`Platform.fetch`."""
