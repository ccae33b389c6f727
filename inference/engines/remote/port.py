"""What a kind of server has to offer, so that the engine over it needs to know nothing else of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.adapters.safe_form import SafeAdapter
    from inference.adapters.usage import AdapterRef
    from inference.engines.port import GenerationRequest
    from inference.engines.remote.client import ServerClient
    from inference.engines.tokenizer import ChatTokenizer


class ServerLimits(Protocol):
    """What a server was started for."""

    @property
    def served_name(self) -> str:
        """The server's name of the base model."""
        ...

    @property
    def max_rank(self) -> int | None:
        """Largest rank of an adapter; None when it was not said."""
        ...

    @property
    def max_loaded(self) -> int | None:
        """Adapters in memory; None for no limit."""
        ...

    @property
    def max_pinned(self) -> int:
        """Adapters that may be kept there for good."""
        ...

    @property
    def input_tokens(self) -> int | None:
        """Longest prompt; None when it was not said."""
        ...

    @property
    def adapters_disabled_reason(self) -> str | None:
        """Why it takes no adapters at all; None when it does."""
        ...

    def exceeded_limit(self, adapter: SafeAdapter) -> str | None:
        """Why the server cannot take this adapter; None when it can."""
        ...


class StartedLimits(BaseModel):
    """What a server says of its room for adapters, and what follows from it for every kind of server."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    max_rank: int | None = None
    modules: frozenset[str] | None = None
    """Modules whose adapters it has room for; None when it was not said, and it then takes what it has at its start."""
    slots: int = 1
    """Adapters in one batch."""

    @property
    def max_pinned(self) -> int:
        """How many adapters we pin: half of a batch. Pinned ones keep their place, and the rest share what is left."""
        return self.slots // 2

    def exceeded_limit(self, adapter: SafeAdapter) -> str | None:
        """Why the server cannot take this adapter; None when it can."""
        if self.max_rank is not None and adapter.rank > self.max_rank:
            return f"its rank is {adapter.rank}, and the server was started for ranks up to {self.max_rank}"
        if self.modules is not None and (beyond := sorted(adapter.modules - self.modules)):
            return f"it adapts {', '.join(beyond)}, and the server was started for {', '.join(sorted(self.modules))}"
        return None


class AdapterServer(Protocol):
    """The control endpoints of one server.

    Every method raises EngineUnavailable, EngineConnectTimeout or EngineResponseTimeout when the server cannot be
    reached, fails or takes too long, and EngineKeyRefused when it wants another key.
    """

    @property
    def url(self) -> str: ...

    @property
    def lists_by_use(self) -> bool:
        """Whether `loaded` has the least recently used first; if not, its order says nothing."""
        ...

    async def limits(self) -> ServerLimits:
        """What it was started for."""
        ...

    async def loaded(self) -> dict[str, str]:
        """The adapters it holds now: name and folder."""
        ...

    async def load(self, adapter: AdapterRef, *, pinned: bool = False) -> None:
        """Have it load an adapter; one it holds already is no error.

        Raises:
            AdapterNotLoadable: it will not take it.
        """
        ...

    async def unload(self, name: str) -> None:
        """Have it let go of an adapter; one it does not hold is no error.

        Raises:
            AdapterNotLoadable: it cannot.
        """
        ...

    async def logprobs(self, prompts: Sequence[tuple[Sequence[int], str | None]]) -> list[list[float]]:
        """Natural logarithms of how likely each token after the first of each prompt is, asked for side by side.

        Args:
            prompts: token ids, and the name of a loaded adapter, or None for the base model.

        Raises:
            EngineRefused: it does not know the adapter, or takes no such prompt.
        """
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """A request for an answer."""

    path: str
    body: dict[str, Any]


class Dialect(Protocol):
    """How a kind of server is asked, and what its refusals mean."""

    def server(self, client: ServerClient) -> AdapterServer:
        """The control endpoints behind a connection."""
        ...

    def answer_call(
        self,
        served_name: str,
        tokenizer: ChatTokenizer,
        request: GenerationRequest,
        *,
        max_tokens: int,
        written: str = "",
    ) -> Call:
        """A streamed answer.

        Args:
            served_name: the server's name of the base model.
            tokenizer: of the base model.
            request: what is asked.
            max_tokens: of the answer, without what is `written`.
            written: the part of the answer that has come already; the server goes on from there.
        """
        ...

    def score_call(self, served_name: str, ids: Sequence[int], adapter: str | None, *, start: int) -> Call:
        """How likely the tokens of a prompt are.

        Args:
            served_name: the server's name of the base model.
            ids: the prompt.
            adapter: a loaded adapter's name, or None for the base model.
            start: the first token whose likelihood is returned.
        """
        ...

    def parse_scores(self, body: bytes, *, start: int) -> list[float]:
        """One number for each token from `start` on; NaN for a token that has nothing before it.

        Raises:
            ValueError: it is no reply to `score_call`.
        """
        ...

    def says_adapter_is_missing(self, status: int, message: str) -> bool:
        """Whether a refusal means that the server does not have the adapter."""
        ...

    def says_schema_is_bad(self, status: int, message: str) -> bool:
        """Whether a refusal means that no grammar can be made of the schema."""
        ...
