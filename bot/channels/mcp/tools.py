"""The tools of the MCP server: ask, search the library, list the modes.

Everything they are asked with is data: a question is never a command, and nothing in it switches a mode.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from bot.answering.composer import Composer
from bot.core.errors import describe_error
from bot.core.i18n import Translator
from bot.core.messages import ClientConversation, Incoming, Outcome
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


@dataclass(frozen=True, slots=True, kw_only=True)
class McpTools:
    """The parts of the service that the tools use."""

    mind: Mind
    composer: Composer
    library: Library
    direct: InlineResponder
    say: Translator
    person: str | None = None
    """Whose memory is used and kept; None: nobody's."""

    async def ask(self, question: str, mode: str) -> Answer:
        """Ask the mind.

        Raises:
            ToolError: there is no such mode, or there is no answer, and why.
        """
        resolved = self._resolve(mode)
        conversation = ClientConversation(resolved.text, is_stateless=self.person is None)
        incoming = Incoming(
            PLATFORM,
            self.person or "",
            self.person or "",
            question,
            language=self.say.language,
            client_conversation=conversation,
        )
        outcome = await self.direct.answer(incoming, _SilentReply())
        if outcome.error is not None:
            raise ToolError(outcome.error)
        sources = [CitedSource(n=one.n, title=one.title, where=one.where, quote=one.quote) for one in outcome.sources]
        return Answer(answer=outcome.answer, mode=outcome.mode, sources=sources, notice=outcome.notice)

    async def search(self, query: str, limit: int) -> Passages:
        """Search the library.

        Raises:
            ToolError: it cannot be searched now.
        """
        try:
            found = await self.library.search(query, limit=limit)
        except ConsiliumError as error:
            raise self._refusal(error) from error
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

    def modes(self) -> Modes:
        """The modes that are open to everybody and in service."""
        return Modes(mind=self.mind.name, default=self.mind.default_mode, modes=list(self._offered()))

    def _offered(self) -> Iterator[OfferedMode]:
        language = self.say.language
        names = [
            ("auto", "auto", self.say("the nearest adapter, chosen for each message by its meaning"), ()),
            *(
                (name, str(adapter.kind), adapter.description.text(language), adapter.aliases)
                for name, adapter in self.mind.adapters.items()
            ),
            *((name, "named", named.title.text(language), named.aliases) for name, named in self.mind.modes.items()),
            ("base", "base", self.say("the base model, with nobody's thoughts added"), ()),
        ]
        for name, kind, about, aliases in names:
            mode = resolve_mode(parse_expression(name), self.mind)
            try:
                check_access(mode, self.mind, ())
            except ModeError:
                continue
            if self.composer.is_in_service(mode):
                yield OfferedMode(name=name, kind=kind, about=about, aliases=list(aliases))

    def _resolve(self, name: str) -> ResolvedMode:
        try:
            mode = resolve_mode(parse_expression(name or self.mind.default_mode), self.mind)
            check_access(mode, self.mind, ())
            self.composer.validate(mode)
        except ConsiliumError as error:
            raise self._refusal(error) from error
        return mode

    def _refusal(self, error: ConsiliumError) -> ToolError:
        return ToolError(describe_error(error, self.say.language, self.say.translate))


class _SilentReply:
    """Shows nothing: a tool's result is the whole outcome."""

    async def show_queue_position(self, ahead: int) -> None:
        """Nothing."""

    async def show_status(self, text: str) -> None:
        """Nothing."""

    async def start(self, mode: str) -> None:
        """Nothing."""

    async def write_thought(self, text: str) -> None:
        """Nothing."""

    async def write(self, text: str) -> None:
        """Nothing."""

    async def finish(self, outcome: Outcome) -> None:
        """Nothing."""

    async def close(self) -> None:
        """Nothing."""


def make_server(tools: McpTools, version: str) -> MCPServer[None]:
    """The server with these tools, to be run over standard input and output or asked in the same process."""
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

    @server.tool(
        title="Ask the mind",
        annotations=_LOOKS if tools.person is None else _REMEMBERS,
    )
    async def ask(question: Question, mode: ModeName = "") -> Answer:
        """Answer a question as the author thinks, with the sources that it cites. Earlier questions are not known."""
        if tools.person is None:
            return await tools.ask(question, mode)
        # One person's questions are answered in their order.
        async with one_at_a_time:
            return await tools.ask(question, mode)

    @server.tool(title="Search the library", annotations=_LOOKS)
    async def search_library(query: Question, limit: Limit = 5) -> Passages:
        """Find what the author has written on something, word for word, with its place."""
        return await tools.search(query, limit)

    @server.tool(title="List the modes", annotations=_LOOKS)
    async def list_modes() -> Modes:
        """List who can be asked: the author's core, topics, and mixes with names."""
        return tools.modes()

    return server
