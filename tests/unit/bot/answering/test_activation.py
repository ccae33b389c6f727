"""Adapters begin with the question where the mind wants it and the engine can."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from bot.answering.generation import invocation_tokens

if TYPE_CHECKING:
    from inference.engines.port import Engine


class OfWholePrompts:
    """An engine whose adapters read the whole prompt, as a server's do."""


class Activating:
    question_head = (1, 4093, 198)


@pytest.mark.parametrize(
    ("engine", "activated", "tokens"),
    [
        (Activating(), True, (1, 4093, 198)),
        (Activating(), False, ()),
        (OfWholePrompts(), True, ()),
    ],
)
def test_where_an_adapter_begins(engine: object, activated: bool, tokens: tuple[int, ...]) -> None:
    assert tuple(invocation_tokens(cast("Engine", engine), activated=activated)) == tokens
