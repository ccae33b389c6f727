"""Where an answer goes on Discord, as stored with the turn."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, Final

from bot.core.messages import Address

TOKEN_LIFETIME: Final = 14 * 60.0
"""Seconds for which we answer an interaction with its token; Discord accepts it for fifteen minutes."""


@dataclass(frozen=True, slots=True)
class InteractionToken:
    """The credentials for answering an interaction."""

    application: str
    token: str
    until: float
    """Seconds since 1970."""
    original: str | None
    """Id of the deferred message, or of the one whose button was pressed: it becomes the first of the answer."""
    private: bool
    """Whether only the person may see the answer: then no part of it is shown without the token."""

    @property
    def is_valid(self) -> bool:
        return time.time() < self.until


@dataclass(frozen=True, slots=True)
class AnswerTarget:
    """The channel, thread or direct conversation of an answer, and the person it is for."""

    channel: str
    update: str
    """Id of the message, with the time of its last edit, or of the interaction; unique for each answer."""
    person: str
    """Discord's id of who may press the buttons."""
    reply_to: str | None = None
    """The message to reply to; None in a direct conversation, where it is obvious."""
    token: InteractionToken | None = None

    def to_address(self) -> Address:
        """The target as plain JSON."""
        return asdict(self)

    def nonce(self, n: int, replaced_message: str | None = None) -> str:
        """The nonce of message `n` of the answer, by which Discord recognises a repeated request.

        It is the same in every attempt and for the position in the queue, so that a message whose creator died before
        it was recorded is found again. It has at most 25 characters.

        Args:
            replaced_message: id of the message that this one replaces.
        """
        key = "\0".join(("consilium", self.update, str(n), replaced_message or "", ""))
        return blake2b(key.encode(), digest_size=12).hexdigest()


def target_from_address(address: Address) -> AnswerTarget:
    """The target that `AnswerTarget.to_address` wrote."""
    fields: dict[str, Any] = dict(address)
    token = fields.pop("token", None)
    return AnswerTarget(**fields, token=None if token is None else InteractionToken(**token))
