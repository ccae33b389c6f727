"""Where an answer goes on Discord, as it is kept with the turn."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Final

from bot.core.messages import Address

TOKEN_LIFETIME: Final = 14 * 60.0
"""Seconds for which an interaction is answered by its token; Discord takes it for fifteen minutes."""


@dataclass(frozen=True, slots=True)
class InteractionToken:
    """What an interaction is answered with."""

    application: str
    token: str
    until: float
    """Seconds since 1970."""
    original: str | None
    """The message that was promised or whose button was pressed: the answer's first."""
    private: bool
    """Whether only the person sees it: then nothing of the answer may be shown in any other way."""

    @property
    def is_valid(self) -> bool:
        return time.time() < self.until


@dataclass(frozen=True, slots=True)
class AnswerTarget:
    """A channel, thread or direct conversation, and whom of it to answer."""

    channel: str
    update: str
    """Of the message, with the time it was last changed, or of the interaction; no other answer has it."""
    person: str
    """Whose buttons they are."""
    reply_to: str | None = None
    """The message that is answered; None in private, where it is plain."""
    token: InteractionToken | None = None

    def to_address(self) -> Address:
        """As plain JSON."""
        return asdict(self)

    def nonce(self, n: int, replaced_message: str | None = None, label: str = "") -> str:
        """What Discord knows a message again by: the same for every attempt at part `n`; at most 25 characters."""
        told = "\0".join(("consilium", self.update, str(n), replaced_message or "", label))
        return blake2b(told.encode(), digest_size=12).hexdigest()


def target_from_address(address: Address) -> AnswerTarget:
    """The spot that `AnswerTarget.address` wrote down."""
    told: dict[str, Any] = dict(address)
    token = told.pop("token", None)
    return AnswerTarget(**told, token=None if token is None else InteractionToken(**token))
