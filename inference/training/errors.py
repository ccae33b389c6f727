"""What can go wrong between dialogues and an adapter."""

from __future__ import annotations

from pathlib import Path

from consilium.errors import N_
from inference.errors import InferenceError


class TrainingError(InferenceError):
    """Root of what goes wrong while training."""


class InvalidDialogues(TrainingError):
    """A dialogue file cannot be read as dialogues."""

    sentence = N_("{path}, line {line}: {problem}.")
    remedy = N_(
        'Each line is one JSON object: {{"messages": [{{"role": "user", "content": "…"}}, '
        '{{"role": "assistant", "content": "…"}}]}}, ending with the assistant.'
    )

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(path=path, line=line, problem=problem)


class TooFewDialogues(TrainingError):
    """There is not enough to learn from and to stop by."""

    sentence = N_("The adapter “{name}” has {found} dialogues; training needs at least {needed}.")
    remedy = N_("Write more dialogues: below that, an adapter learns the examples and not the voice.")

    def __init__(self, name: str, found: int, needed: int) -> None:
        super().__init__(name=name, found=found, needed=needed)
