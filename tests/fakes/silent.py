"""A reply that nobody sees."""

from __future__ import annotations

from bot.core.messages import Outcome


class Silent:
    """A reply that shows nothing."""

    async def show_queue_position(self, ahead: int) -> None:
        """Nothing waits."""

    async def show_status(self, text: str) -> None:
        """Nothing is shown."""

    async def start(self, mode: str) -> None:
        """Nothing is shown."""

    async def write_thought(self, text: str) -> None:
        """Nothing is shown."""

    async def write(self, text: str) -> None:
        """Nothing is shown."""

    async def finish(self, outcome: Outcome) -> None:
        """Nothing is shown."""

    async def close(self) -> None:
        """Nothing is held."""
