"""The answers being generated in this process, so that people can stop them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID


class RunningAnswers:
    """Running answers by the ids of their turns."""

    def __init__(self) -> None:
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._stopped: set[UUID] = set()

    async def run(self, turn_id: UUID, answer: Callable[[], Awaitable[None]]) -> bool:
        """Run `answer` to its end; False when the person stopped it first.

        Cancelling the caller cancels the answer.
        """

        async def run_answer() -> None:
            await answer()

        task = asyncio.create_task(run_answer(), name=f"answer-{turn_id}")
        self._tasks[turn_id] = task
        try:
            await task
        except asyncio.CancelledError:
            if turn_id in self._stopped and task.cancelled():
                return False
            task.cancel()
            await asyncio.wait([task])
            raise
        finally:
            self._tasks.pop(turn_id, None)
            self._stopped.discard(turn_id)
        return True

    def stop(self, turn_id: UUID) -> bool:
        """Stop a turn's answer; False when it is not running here."""
        task = self._tasks.get(turn_id)
        if task is None or task.done():
            return False
        self._stopped.add(turn_id)
        task.cancel()
        return True
