"""The branch of the error tree that grows from channels."""

from __future__ import annotations

from typing import ClassVar

from bot.errors import BotError
from consilium.errors import N_


class ChannelError(BotError):
    """Root of what goes wrong between the service and a platform."""


class DeliveryError(ChannelError):
    """An answer could not be shown."""

    retryable: ClassVar[bool]
    """Whether a later try may help."""


class TemporaryDeliveryError(DeliveryError):
    """The platform did not take an answer now: it was away, too busy, or slow."""

    retryable = True
    sentence = N_("{platform} did not take the answer: {reason}.")
    remedy = N_("It is tried again by itself.")

    def __init__(self, platform: str, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(platform=platform, reason=reason)
        self.retry_after = retry_after
        """Seconds that the platform asks to wait."""


class PermanentDeliveryError(DeliveryError):
    """The platform will never take this answer: the chat is gone, or the bot is shut out of it."""

    retryable = False
    sentence = N_("{platform} will not take the answer: {reason}.")
    remedy = N_("The answer is kept in the person's history.")

    def __init__(self, platform: str, reason: str) -> None:
        super().__init__(platform=platform, reason=reason)


class PlatformAccessDenied(ChannelError):
    """A platform does not let the bot in."""

    sentence = N_("{platform} does not let the bot in: {reason}.")
    remedy = N_("Check {setting}.")

    def __init__(self, platform: str, reason: str, setting: str) -> None:
        super().__init__(platform=platform, reason=reason, setting=setting)
