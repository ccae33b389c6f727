"""Why a file that came with a message is not taken in, where the file itself is not to blame."""

from __future__ import annotations

from bot.recall.library.parse.refusals import DocumentRefused
from bot.turns.errors import TurnError
from consilium.errors import N_


class TooManyFiles(DocumentRefused):
    """More files came with one message than are read."""

    sentence = N_("Of one message I read {limit} documents at most.")
    remedy = N_("Send it in a message of its own.")

    def __init__(self, limit: int) -> None:
        super().__init__(limit=limit)


class FileGone(DocumentRefused):
    """The platform does not give the file, and never will."""

    sentence = N_("It is not to be had any more: {reason}.")
    remedy = N_("Send it again.")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class ReadingTimedOut(DocumentRefused):
    """Reading it took longer than is allowed."""

    sentence = N_("Reading it took longer than {seconds} seconds.")
    remedy = N_("Split it into smaller files.")

    def __init__(self, seconds: object) -> None:
        super().__init__(seconds=seconds)


class FetchFailed(TurnError):
    """The platform does not give a file now; a later try may help.

    Attributes:
        wait: seconds that the platform asks to wait.
    """

    sentence = N_("I could not get “{name}”: {reason}.")
    remedy = N_("Send it again a little later.")

    def __init__(self, name: str, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(name=name, reason=reason)
        self.retry_after = retry_after
