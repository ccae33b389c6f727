"""A reply that shows nothing, for whoever reads the whole outcome at the end."""

from __future__ import annotations

from bot.core.messages import Outcome


class SilentReply:
    """Shows nothing (`bot.core.ports.Reply`)."""

    async def show_queue_position(self, ahead: int) -> None:
        """Nothing."""

    async def show_status(self, text: str) -> None:
        """Nothing."""

    async def start(self, mode: str) -> None:
        """Nothing."""

    async def write_thought(self, text: str) -> None:
        """Nothing."""

    async def write(self, text: str) -> None:
        """Nothing."""

    async def finish(self, outcome: Outcome) -> None:
        """Nothing."""

    async def close(self) -> None:
        """Nothing."""
