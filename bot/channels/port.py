"""The channel port: what a front end hands in, and what it must be able to show.

A channel has two halves that may run in different processes. Its gateway receives: it makes an `Incoming` of each
update and hands it to the inbox, and tells the platform that it has it only then. Its `Platform` shows: whoever works
on a turn asks it for a `Reply` at the address that came in with the message.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from bot.channels.given import ClientConversation
from bot.locales import Language, Translator
from consilium.errors import ConsiliumError

Address = Mapping[str, Any]
"""Where an answer goes, in the platform's own terms: plain JSON, kept with the turn."""


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file that came with a message, and where the platform has it."""

    name: str
    size: int
    """Bytes, as the platform says."""
    handle: Address
    """What the platform is asked for it by (`Platform.fetch`)."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to be handed to the person."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as a channel received it."""

    platform: str
    """`console`, `telegram`, `discord`, `http`."""
    person: str
    """The platform's id of who wrote."""
    place: str
    """The platform's id of where: a chat, a thread, a terminal."""
    text: str
    language: Language | None = None
    """What the platform says of the person's language, if anything."""
    update: str | None = None
    """The platform's id of the update: handed in again, it is taken in once. None when it cannot come again."""
    address: Address | None = None
    """Where the answer goes; None when the process that received the message shows it itself."""
    chat: str | None = None
    """The platform's id of the chat, where several people share one; None in private."""
    guild: str | None = None
    """The platform's id of the community that the chat belongs to, such as a Discord server."""
    roles: frozenset[str] = frozenset()
    """The roles that the person has there, by the platform's ids and not by names that anybody could give himself.
    What they allow is granted with /admin."""
    files: Sequence[FileRef] = ()
    counts_toward_limits: bool = True
    """Whether it counts against the person's and the chat's allowance."""
    client_conversation: ClientConversation | None = None
    """The conversation, of a client that keeps it itself; the answer is shown by the process that received it then."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows a channel shows as well as it can: a grid, a list of lines."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Source:
    """A passage of the library that an answer cites."""

    n: int
    title: str
    where: str
    quote: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one message was answered. Everything a channel shows or a machine reads of it."""

    mode: str
    """The mode that answered, in canonical form; for a command, the session's mode after it."""
    answer: str = ""
    table: Table | None = None
    turn: str | None = None
    """The turn's id; None for a command."""
    adapter: str | None = None
    """Name of the composition that answered; None for the bare base model."""
    sources: Sequence[Source] = ()
    memories: Sequence[str] = ()
    """What was recalled of the person for this answer."""
    usage: dict[str, int] = field(default_factory=dict)
    """`prompt_tokens` and `completion_tokens`; empty when nothing was generated."""
    error: str | None = None
    """A sentence that says what went wrong and what to do; None when all went well."""
    is_service_error: bool = False
    """Whether what went wrong is the service's doing, and not the message's."""
    exception: ConsiliumError | None = None
    """What went wrong itself, for channels that tell one kind from another."""
    finish_reason: str | None = None
    """Why the answer ended: `stop`, `length` or `cancelled`; None when there is none."""
    stopped: bool = False
    """Whether the person stopped the answer before its end."""
    menu: Menu | None = None
    """Something to choose from, for channels that have buttons; all of it can be done in words too."""
    files: Sequence[File] = ()


Menu = Literal["modes", "languages"]
"""`modes`: adapters to mix and named modes to take; `languages`: the ones the service speaks."""


class Reply(Protocol):
    """Shows one answer while it is made: any of the first four may never be called; then `finish` or `close`, once.

    A reply may have been begun by an earlier attempt, in a process that is gone: what it has shown is edited then, not
    shown again.
    """

    async def show_queue_position(self, ahead: int) -> None:
        """The message waits until so many others of its session are answered."""
        ...

    async def show_status(self, text: str) -> None:
        """What is being done before an answer begins, in the place of what the message has shown until now.

        Raises:
            DeliveryError: it is not shown now; the answer may be.
        """
        ...

    async def start(self, mode: str) -> None:
        """An answer is about to be generated, in this mode."""
        ...

    async def write(self, text: str) -> None:
        """The next piece of the answer."""
        ...

    async def finish(self, outcome: Outcome) -> None:
        """All that is to be said. Its answer is the pieces written so far, joined, if any were.

        Raises:
            DeliveryError: it could not be shown; the error says whether a later try may help.
        """
        ...

    async def close(self) -> None:
        """Let go without an end: another attempt will show the answer. Idempotent."""
        ...


class Parts(Protocol):
    """The messages that an answer is shown in, written down so that no attempt sends one twice."""

    @property
    def message_ids(self) -> Sequence[str]:
        """The platform's ids of those that are there already, in order."""
        ...

    async def record(self, n: int, message_id: str) -> None:
        """Message number `n`, counted from 0, is there. To be called before it shows anything of the answer.

        Raises:
            TurnLeaseLost: another attempt shows the answer now; take the message away.
        """
        ...


class Platform(Protocol):
    """Shows answers on a platform, from whatever process."""

    @property
    def name(self) -> str:
        """As in `Incoming.platform`."""
        ...

    def reply(self, address: Address, parts: Parts, say: Translator) -> Reply:
        """A reply at an address."""
        ...

    def fetch(self, handle: Address) -> AsyncGenerator[bytes, None]:
        """The content of a file that came with a message, in pieces; closed by who asks for it.

        Raises:
            DeliveryError: the platform does not have it any more, or not now.
        """
        ...


class Gateway(Protocol):
    """Receives from a platform."""

    async def run(self) -> None:
        """Receive and hand in until cancelled."""
        ...
