"""One message of a dialogue to train on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from inference.engines.port import Message

THOUGHT_END: Final = "</think>"
"""What ends the reasoning in an answer."""


@dataclass(frozen=True, slots=True)
class DialogueMessage(Message):
    """A message as a training file has it.

    Reasoning that stands in a field of its own is at the head of the content, between ``<think>`` and ``</think>``.
    """

    learn: bool = True
    """Of an answer: whether it is learnt, or only read as what was said before. Of questions it says nothing."""
    name: str | None = None
    """Who speaks, of several with one role. Chat templates do not show it to the model."""

    @property
    def said(self) -> str:
        """The content without the reasoning before it."""
        return self.content.rpartition(THOUGHT_END)[2] if self.role == "assistant" else self.content
