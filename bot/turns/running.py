"""The answers being made right now, so that they can be stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID


class RunningTurns:
    """One running answer a session."""

    def __init__(self) -> None:
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._stopped: set[UUID] = set()

    async def run(self, session_id: UUID, answer: Callable[[], Awaitable[None]]) -> bool:
        """Run `answer` to its end; False when the person stopped it before.

        Cancelling the caller cancels the answer.
        """

        async def ordinary() -> None:
            await answer()

        task = asyncio.create_task(ordinary(), name=f"answer-{session_id}")
        self._tasks[session_id] = task
        try:
            await task
        except asyncio.CancelledError:
            if session_id in self._stopped and task.cancelled():
                return False
            task.cancel()
            await asyncio.wait([task])
            raise
        finally:
            self._tasks.pop(session_id, None)
            self._stopped.discard(session_id)
        return True

    def stop(self, session_id: UUID) -> bool:
        """Stop the session's answer; False when nothing is being answered."""
        task = self._tasks.get(session_id)
        if task is None or task.done():
            return False
        self._stopped.add(session_id)
        task.cancel()
        return True
