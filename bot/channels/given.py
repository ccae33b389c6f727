"""What clients bring with a message that keep the conversation themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inference.engine.port import Sampling


@dataclass(frozen=True, slots=True)
class ClientConversation:
    """A conversation, and how it is to be gone on with: it stands in for the session's window and mode.

    With it a message is a question whatever it looks like: no command and no switch of mode is read from it.
    """

    mode: str
    """In canonical form, or `auto`."""
    exchanges: Sequence[tuple[str, str]] = ()
    """What was said before: questions and answers, oldest first. The first question may be empty."""
    system: str = ""
    """Instructions that come after the mind's own."""
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: Sequence[str] = ()
    """The answer ends before the first of these."""
    schema: Mapping[str, Any] | None = None
    """JSON schema the answer must satisfy."""

    def resolve_sampling(self, defaults: Sampling) -> Sampling:
        """How the answer is drawn: as it was asked for, else as by the mind's own; never longer than by that."""
        return replace(
            defaults,
            max_tokens=min(self.max_tokens or defaults.max_tokens, defaults.max_tokens),
            temperature=defaults.temperature if self.temperature is None else self.temperature,
            top_p=defaults.top_p if self.top_p is None else self.top_p,
            seed=defaults.seed if self.seed is None else self.seed,
        )
