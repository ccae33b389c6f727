"""What channels pass in and what they show: `Incoming`, `Outcome`, and the data in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from bot.core.i18n import Language
from bot.core.media import MediaKind
from bot.core.quotations import Quotation
from consilium.errors import ConsiliumError
from inference.engines.port import Message, Sampling, ToolCall

Address = Mapping[str, Any]
"""Where an answer goes, in the platform's own terms: plain JSON, stored with the turn."""

Menu = Literal["modes", "languages"]
"""`modes`: adapters to mix and named modes; `languages`: those that the service speaks."""


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file that came with a message, not downloaded yet."""

    name: str
    size: int
    """Bytes, as the platform says."""
    handle: Address
    """What the platform finds the file by (`Platform.fetch`)."""
    is_pasted_text: bool = False
    """Whether it is no document, but text that the person pasted and the platform made a file of."""


@dataclass(frozen=True, slots=True)
class MessagePart:
    """Says that a message may be a part of a longer one, which the platform delivers in several.

    Parts with the same key that come one after another within a moment are one message.
    """

    key: str
    awaits_more: bool = True
    """Whether another part may follow. The last part of a text that was cut in two does not show that it is one."""
    may_introduce_forwards: bool = False
    """Whether it may be a remark about messages that its sender forwards with it: platforms deliver it before them."""


@dataclass(frozen=True, slots=True)
class ClientConversation:
    """A conversation that its client keeps: it replaces the session's window and mode.

    With it a message is always a question: no command and no mode switch is parsed from it.
    """

    mode: str
    """In canonical form, or `auto`."""
    exchanges: Sequence[tuple[str, str]] = ()
    """Past questions and answers, oldest first. The first question may be empty."""
    system: str = ""
    """Instructions that follow the mind's own."""
    _: KW_ONLY
    max_tokens: int | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of `Sampling` instead of the mind's, by their names; without `max_tokens`."""
    stop: Sequence[str] = ()
    """The answer ends before the first of these texts."""
    schema: Mapping[str, Any] | None = None
    """JSON schema that the answer must satisfy."""
    answer_prefix: str = ""
    """The beginning of the answer, which goes on from there. It is not part of what is generated."""
    is_stateless: bool = False
    """Whether nothing is recalled for it and nothing of its text is stored: it belongs to no person."""
    has_no_memory: bool = False
    """Whether nothing is recalled for it and nothing of it is remembered: its text is stored, and belongs to a
    program."""
    tools: Sequence[Mapping[str, Any]] = ()
    """What the model may call, in OpenAI's form; only where the base model's template takes tools."""
    call_schema: Mapping[str, Any] | None = None
    """JSON schema of the call that the answer has to be; None if the model may choose."""
    max_calls: int | None = None
    """How many calls the answer may have; None for any number."""
    steps: Sequence[Message] = ()
    """Calls and their results that follow the question: the answer goes on from them."""
    previous_turn: UUID | None = None
    """The turn that it goes on from, as the client says."""
    metadata: Mapping[str, str] | None = None
    """The client's own marks, stored with the turn."""

    @property
    def answer_schema(self) -> Mapping[str, Any] | None:
        """JSON schema that what is generated must satisfy."""
        return self.call_schema if self.call_schema is not None else self.schema

    def resolve_sampling(self, defaults: Sampling) -> Sampling:
        """The client's sampling parameters, with `defaults` for the others; never more tokens than in `defaults`."""
        max_tokens = min(self.max_tokens or defaults.max_tokens, defaults.max_tokens)
        return replace(defaults, max_tokens=max_tokens, **self.sampling)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as a channel received it."""

    platform: str
    """`console`, `telegram`, `discord`, `http`."""
    person: str
    """The platform's id of the sender."""
    place: str
    """The platform's id of the place: a chat, a thread, a terminal."""
    text: str
    """What the person wrote: their own words, and nothing that they quote or forward."""
    language: Language | None = None
    """The person's language, if the platform knows it."""
    _: KW_ONLY
    quotations: Sequence[Quotation] = ()
    """What the message replies to, quotes or forwards."""
    unread: Sequence[MediaKind] = ()
    """Parts of the message that cannot be read, such as photos."""
    part: MessagePart | None = None
    """Given when the message may be one part of several."""
    sender_is_chat: bool = False
    """Whether it is sent in the name of a chat: by an anonymous admin or a channel. `person` is that chat's id then."""
    update: str | None = None
    """The platform's id of the update: a repeated one is accepted once. None when it cannot be repeated."""
    name: str | None = None
    """What the sender calls themselves on the platform, for people to read; anybody may call themselves anything."""
    address: Address | None = None
    """Where the answer goes; None when the process that received the message shows it itself."""
    chat: str | None = None
    """The platform's id of a chat that several people share; None in private."""
    guild: str | None = None
    """The platform's id of the community that the chat belongs to, such as a Discord server."""
    roles: frozenset[str] = frozenset()
    """The person's roles there, by the platform's ids: a name could be given to oneself. /admin grants them rights."""
    files: Sequence[FileRef] = ()
    counts_toward_limits: bool = True
    """Whether it counts toward the rate limits of the person and the chat."""
    task_of: str | None = None
    """The platform's id of the one for whom a front end asks this of its own accord: such requests have limits of their
    own. None for what a person asks."""
    share: str | None = None
    """What it is counted as where all share something, such as the waiting room; None: its platform."""
    share_limit: int | None = None
    """Messages of its share that may be open at a time; None: as many as is fair."""
    client_conversation: ClientConversation | None = None
    """From clients that keep the conversation; the process that received the message shows the answer then."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that a channel shows as well as it can: as a grid, or as a list of lines."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Choice:
    """A button that runs a command, on channels that have buttons."""

    label: str
    command: str
    """As the person would write it, in at most 59 bytes."""


@dataclass(frozen=True, slots=True)
class Source:
    """A passage of the library that an answer cites."""

    n: int
    """The number in the citation mark."""
    title: str
    where: str
    """The place in the document: a heading, a page, a row."""
    quote: str


@dataclass(frozen=True, slots=True)
class File:
    """A file for the person."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to one message, with everything that a channel shows or a program reads."""

    mode: str
    """The mode that answered, in canonical form; for a command, the session's mode after it."""
    answer: str = ""
    _: KW_ONLY
    table: Table | None = None
    sources: Sequence[Source] = ()
    memories: Sequence[str] = ()
    """What was recalled about the person for this answer."""
    files: Sequence[File] = ()
    notice: str = ""
    """What the person should know beside the answer, such as that a photo cannot be read."""
    offers_library: bool = False
    """Whether the documents of this turn can be added to the library by who sent them."""
    menu: Menu | None = None
    """A choice that channels with buttons offer. Everything in it can be done in words too."""
    choices: Sequence[Choice] = ()
    """Buttons under it. Everything that they do can be done in words too."""
    turn: str | None = None
    """The turn's id; None for a command."""
    adapter: str | None = None
    """Name of the composition that answered; None for the bare base model."""
    usage: dict[str, int] = field(default_factory=dict)
    """`prompt_tokens` and `completion_tokens`; empty when nothing was generated."""
    finish_reason: str | None = None
    """Why the answer ended: `stop`, `length` or `cancelled`; None when there is no answer."""
    stopped: bool = False
    """Whether the person stopped the answer before its end."""
    error: str | None = None
    """What went wrong and what to do, for the person; None when nothing did."""
    tool_calls: Sequence[ToolCall] = ()
    """Calls of the client's tools that the answer asks for."""
    exception: ConsiliumError | None = None
    """The error itself, for channels that distinguish kinds of errors."""
    is_service_error: bool = False
    """Whether the service is at fault, and not the message."""
