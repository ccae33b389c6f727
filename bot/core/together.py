"""Coroutines that run at the same time, and end together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar, overload

First = TypeVar("First")
Second = TypeVar("Second")
Each = TypeVar("Each")


@overload
async def run_together(
    first: Coroutine[Any, Any, First], second: Coroutine[Any, Any, Second], /
) -> tuple[First, Second]: ...
@overload
async def run_together(*coroutines: Coroutine[Any, Any, Each]) -> tuple[Each, ...]: ...
async def run_together(*coroutines: Coroutine[Any, Any, Any]) -> tuple[Any, ...]:
    """The results of coroutines that run at the same time, in their order.

    The first error ends the others, which are waited for, and is raised as it is: callers handle errors by their class,
    not groups of them.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in coroutines]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return tuple(task.result() for task in tasks)
