"""What channels hand in and what they show: `Incoming`, `Outcome` and the data they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from bot.core.i18n import Language
from consilium.errors import ConsiliumError
from inference.engines.port import Sampling


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
