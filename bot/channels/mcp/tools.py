"""The tools of the MCP server: ask, search the library, list the modes.

Everything they are asked with is data: a question is never a command, and nothing in it switches a mode.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field
from starlette.requests import Request

from bot.answering.composer import Composer
from bot.core.errors import describe_error
from bot.core.i18n import Translator
from bot.core.messages import ClientConversation, Incoming
from bot.core.silent_reply import SilentReply
from bot.intake.inline import InlineResponder
from bot.library.search import Library
from bot.minds import Mind
from bot.minds.errors import ModeError
from bot.minds.grammar import parse_expression
from bot.minds.resolve import ResolvedMode, check_access, resolve_mode
from consilium.errors import ConsiliumError

PLATFORM: Final = "mcp"
"""The value of `Incoming.platform`."""
MAX_QUESTION: Final = 20_000
"""Characters."""
_LOOKS: Final = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_REMEMBERS: Final = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)

Question = Annotated[str, Field(min_length=1, max_length=MAX_QUESTION, description="In any language the mind knows.")]
ModeName = Annotated[str, Field(description="Who answers, such as `sport+core`; see `list_modes`. `auto` chooses.")]
Limit = Annotated[int, Field(ge=1, le=20, description="Passages, at most.")]


class CitedSource(BaseModel):
    """A passage of the library that an answer cites."""

    n: int = Field(description="The number in the citation mark.")
    title: str
    where: str = Field(description="The place in the document: a heading, a page, a row.")
    quote: str


class Answer(BaseModel):
    """What the mind says."""

    answer: str
    mode: str = Field(description="Who answered, in canonical form.")
    sources: list[CitedSource]
    notice: str = Field("", description="What to know beside the answer.")


class FoundPassage(BaseModel):
    """A part of a document."""

    title: str
    where: str
    quote: str
    collection: str
    score: float


class Passages(BaseModel):
    """What the author wrote, best first."""

    passages: list[FoundPassage]


class OfferedMode(BaseModel):
    """A way to be answered."""

    name: str
    kind: str
    about: str
    aliases: list[str]


class Modes(BaseModel):
    """The modes of the mind; adapters may also be added: `sport+core`, `physics*0.7+core`."""

    mind: str
    default: str
    modes: list[OfferedMode]


def _admit(incoming: Incoming) -> Incoming:
    return incoming


def _allow(mode: str) -> bool:
    return True


def _show(error: ConsiliumError) -> ConsiliumError:
    return error


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who uses the tools, and what they may do with them."""

    say: Translator
    platform: str = PLATFORM
    sender: str = ""
    """The platform's id of them."""
    is_remembered: bool = False
    """Whether they have a memory, which is used and kept."""
    admit: Callable[[Incoming], Incoming] = _admit
    """Lets a question in, or raises a `ConsiliumError` that says why not."""
    allows_mode: Callable[[str], bool] = _allow
    """Whether they may ask a mode, in canonical form."""
    collections: Sequence[str] | None = None
    """The collections of the library that they may search; None: all."""
    show: Callable[[ConsiliumError], ConsiliumError] = _show
    """An error as they may read it."""

    def refusal(self, error: ConsiliumError) -> ToolError:
        """The error of a tool that could not do what it was asked."""
        return ToolError(describe_error(self.show(error), self.say.language, self.say.translate))


@dataclass(frozen=True, slots=True, kw_only=True)
class McpTools:
    """The parts of the service that the tools use."""

    mind: Mind
    composer: Composer
    library: Library
    direct: InlineResponder
    say: Translator
    person: str | None = None
    """Whose memory is used and kept by the program that has started this process; None: nobody's."""

    @property
    def local_asker(self) -> Asker:
        """The program that has started this process."""
        return Asker(say=self.say, sender=self.person or "", is_remembered=self.person is not None)

    async def ask(self, asker: Asker, question: str, mode: str) -> Answer:
        """Ask the mind.

        Raises:
            ToolError: there is no such mode, or there is no answer, and why.
        """
        resolved = self._resolve(asker, mode)
        is_nobodys = not asker.is_remembered
        conversation = ClientConversation(resolved.text, is_stateless=is_nobodys, has_no_memory=is_nobodys)
        incoming = Incoming(
            asker.platform,
            asker.sender,
            asker.sender if asker.is_remembered else "",
            question,
            language=asker.say.language,
            client_conversation=conversation,
        )
        try:
            incoming = asker.admit(incoming)
        except ConsiliumError as error:
            raise asker.refusal(error) from error
        outcome = await self.direct.answer(incoming, SilentReply())
        if outcome.error is not None:
            failure = outcome.exception
            if failure is None or asker.show(failure) is failure:
                raise ToolError(outcome.error)
            raise asker.refusal(failure)
        sources = [CitedSource(n=one.n, title=one.title, where=one.where, quote=one.quote) for one in outcome.sources]
        return Answer(answer=outcome.answer, mode=outcome.mode, sources=sources, notice=outcome.notice)

    async def search(self, asker: Asker, query: str, limit: int) -> Passages:
        """Search the library.

        Raises:
            ToolError: it cannot be searched now.
        """
        if asker.collections is not None and not asker.collections:
            return Passages(passages=[])
        try:
            found = await self.library.search(query, collections=asker.collections, limit=limit)
        except ConsiliumError as error:
            raise asker.refusal(error) from error
        return Passages(
            passages=[
                FoundPassage(
                    title=one.title,
                    where=one.where,
                    quote=one.quote,
                    collection=one.collection,
                    score=round(one.score, 4),
                )
                for one in found
            ]
        )

    def modes(self, asker: Asker) -> Modes:
        """The modes that are in service, and open to whoever asks."""
        return Modes(mind=self.mind.name, default=self.mind.default_mode, modes=list(self._offered(asker)))

    def _offered(self, asker: Asker) -> Iterator[OfferedMode]:
        say, language = asker.say, asker.say.language
        names = [
            ("auto", "auto", say("the nearest adapter, chosen for each message by its meaning"), ()),
            *(
                (name, str(adapter.kind), adapter.description.text(language), adapter.aliases)
                for name, adapter in self.mind.adapters.items()
            ),
            *((name, "named", named.title.text(language), named.aliases) for name, named in self.mind.modes.items()),
            ("base", "base", say("the base model, with nobody's thoughts added"), ()),
        ]
        for name, kind, about, aliases in names:
            mode = resolve_mode(parse_expression(name), self.mind)
            try:
                check_access(mode, self.mind, ())
            except ModeError:
                continue
            if self.composer.is_in_service(mode) and asker.allows_mode(mode.text):
                yield OfferedMode(name=name, kind=kind, about=about, aliases=list(aliases))

    def _resolve(self, asker: Asker, name: str) -> ResolvedMode:
        try:
            mode = resolve_mode(parse_expression(name or self.mind.default_mode), self.mind)
            check_access(mode, self.mind, ())
            self.composer.validate(mode)
        except ConsiliumError as error:
            raise asker.refusal(error) from error
        return mode


def make_server(tools: McpTools, version: str, asker_of: Callable[[Request], Asker] | None = None) -> MCPServer[None]:
    """The server with these tools, to be run over standard input and output, over HTTP, or asked in the same process.

    Args:
        asker_of: who sends an HTTP request; None where there are none.
    """
    title = tools.mind.title.text(tools.say.language) or tools.mind.name
    server: MCPServer[None] = MCPServer(
        "consilium",
        title=title,
        version=version,
        instructions=(
            f"The mind of one author: {title}. `ask` answers as the author thinks, with numbered sources from what "
            "they have written; `search_library` finds passages of it, word for word; `list_modes` says who to ask."
        ),
        log_level="WARNING",
    )
    one_at_a_time = asyncio.Lock()

    def find_asker(context: Context) -> Asker:
        request = context.request_context.request
        return asker_of(request) if asker_of is not None and isinstance(request, Request) else tools.local_asker

    @server.tool(
        title="Ask the mind",
        annotations=_LOOKS if tools.person is None else _REMEMBERS,
    )
    async def ask(context: Context, question: Question, mode: ModeName = "") -> Answer:
        """Answer a question as the author thinks, with the sources that it cites. Earlier questions are not known."""
        if tools.person is None:
            return await tools.ask(find_asker(context), question, mode)
        # One person's questions are answered in their order.
        async with one_at_a_time:
            return await tools.ask(find_asker(context), question, mode)

    @server.tool(title="Search the library", annotations=_LOOKS)
    async def search_library(context: Context, query: Question, limit: Limit = 5) -> Passages:
        """Find what the author has written on something, word for word, with its place."""
        return await tools.search(find_asker(context), query, limit)

    @server.tool(title="List the modes", annotations=_LOOKS)
    async def list_modes(context: Context) -> Modes:
        """List who can be asked: the author's core, topics, and mixes with names."""
        return tools.modes(find_asker(context))

    return server
