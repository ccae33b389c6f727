"""`auto`: chooses the adapter for each message by meaning, and stays with the subject through follow-ups."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final

from bot.answering.routing.index import Comparison, MindIndex, Subject, index_texts
from bot.answering.routing.mixtures import Mixtures
from bot.answering.routing.texts import MAX_CHARACTERS, AdapterTexts, load_adapter_texts
from bot.answering.routing.vectors import Text, VectorStore, embed_texts
from bot.minds.errors import ModeError
from bot.minds.grammar import Sum, Term, parse_expression
from bot.minds.resolve import ResolvedMode, resolve_mode
from consilium.single_flight import SingleFlight

if TYPE_CHECKING:
    from bot.answering.routing.features import Vectors
    from bot.minds.mind import Mind
    from db.turns.turns import Turn
    from inference.embedding import Embedder

HISTORY: Final = 4
"""How many turns back a subject is remembered."""
_MAX_STORED_SHARES: Final = 16
"""Adapters whose probabilities are stored with a turn, the likeliest."""


@dataclass(frozen=True, slots=True)
class PastQuestion:
    """A question before the message, and what it was about."""

    text: str
    adapter: str | None = None
    """The adapter that it belonged to; None if it belonged to none."""
    is_known: bool = True
    """Whether `adapter` is known; if not, the text is compared again."""


@dataclass(frozen=True, slots=True)
class RoutingResult:
    """The mode that `auto` chose for one message, and why."""

    mode: ResolvedMode
    threshold: float
    """How sure it had to be of an adapter to leave the core."""
    comparison: Comparison | None
    """None if there is no adapter beside the core to compare with."""
    alone: ResolvedMode | None = None
    """Of a mixture of two adapters, the mode of the likelier one; None of every other mode."""

    def without_mixture(self) -> RoutingResult:
        """What was chosen if the mixture cannot answer."""
        if self.alone is None or self.comparison is None:
            return self
        return RoutingResult(self.alone, self.threshold, replace(self.comparison, mixed_with=None))

    @property
    def scores(self) -> Mapping[str, float]:
        """The probability of each adapter that it could choose."""
        return {} if self.comparison is None else self.comparison.shares

    @property
    def adapter(self) -> str | None:
        """The adapter that the message belongs to, the core perhaps; None if it belongs to none."""
        return None if self.comparison is None else self.comparison.adapter

    def to_document(self) -> dict[str, Any] | None:
        """What is stored with the turn; `routing_of` reads it."""
        if self.comparison is None:
            return None
        shares = dict(list(self.comparison.shares.items())[:_MAX_STORED_SHARES])
        return {**asdict(replace(self.comparison, shares=shares)), "threshold": self.threshold}


@dataclass(frozen=True, slots=True)
class StoredRouting:
    """What `auto` compared for an answer that has been given."""

    comparison: Comparison
    threshold: float
    """How sure it had to be of an adapter to leave the core."""


class Router:
    """Routes messages of one mind. Its texts are embedded once, when the first message comes or before it."""

    def __init__(
        self, embedder: Embedder, mind: Mind, store: VectorStore | None = None, out_of_service: Collection[str] = ()
    ) -> None:
        """Set up, without reading or embedding anything.

        Args:
            store: where the vectors of the mind's texts are kept between starts.
            out_of_service: names of adapters that no message is routed to.
        """
        self._embedder = embedder
        self._mind = mind
        self._store = store
        self._out_of_service = frozenset(out_of_service)
        self._index: MindIndex | None = None
        self._mixtures: Mixtures | None = None
        self._index_flight: SingleFlight[str, MindIndex] = SingleFlight()

    async def prepare(self) -> None:
        """Make ready now what the first message would wait for.

        Raises:
            ConsiliumError: as `route`.
        """
        if self._has_choice:
            await self.index()

    async def route(self, message: str, history: Sequence[PastQuestion] = ()) -> RoutingResult:
        """The adapter that a message belongs to; the core if there is none, or if it is not sure enough.

        Where it lies between two adapters, a mixture of both, if the mind's policies allow it. Isolated adapters
        are candidates only if the mind's policies allow it.

        Args:
            history: the questions before it, oldest first. A message that follows up on them stays with their subject.

        Raises:
            InvalidDialogues: an adapter's file of dialogues cannot be read at all.
            InferenceError: the embedder cannot answer.
            DatabaseError: kept vectors cannot be read or written.
        """
        if not self._has_choice:
            return RoutingResult(self._mode(self._mind.core), 0.0, None)
        index = await self.index()
        comparison = await self._compare(index, message, await self._subject(index, history[-HISTORY:]))
        alone = self._mode(comparison.adapter or self._mind.core)
        if self._mixtures is not None and comparison.adapter is not None:
            found = self._mixtures.choose(comparison.adapter, comparison.shares)
            if found is not None:
                second, mode = found
                return RoutingResult(mode, index.threshold, replace(comparison, mixed_with=second), alone)
        return RoutingResult(alone, index.threshold, comparison)

    async def mixtures(self) -> Sequence[str]:
        """The mixtures that it may answer with, as modes; empty unless the mind's policies allow any.

        Raises:
            ConsiliumError: as `route`.
        """
        await self.prepare()
        return [] if self._mixtures is None else self._mixtures.texts

    async def index(self) -> MindIndex:
        """What messages are compared with; made by the first call."""
        if self._index is None:
            self._index = await self._index_flight.run("index", self._build_index)
        return self._index

    async def _build_index(self) -> MindIndex:
        adapters = await asyncio.to_thread(load_adapter_texts, self._mind, self._out_of_service)
        vectors = await embed_texts(index_texts(adapters), self._embedder, self._store)
        return await asyncio.to_thread(self._make_index, adapters, vectors)

    def _make_index(self, adapters: Mapping[str, AdapterTexts], vectors: Mapping[Text, Vectors]) -> MindIndex:
        policies = self._mind.policies
        index = MindIndex(adapters, self._mind.core, vectors, policies.auto_threshold)
        if policies.auto_mix is not None:
            self._mixtures = Mixtures(self._mind, policies.auto_mix, *index.adapter_similarities())
        return index

    async def _subject(self, index: MindIndex, history: Sequence[PastQuestion]) -> Subject | None:
        """What the latest question of the history that had a subject was about."""
        known: list[str | None] = []
        for position, past in enumerate(history):
            if past.is_known:
                known.append(past.adapter)
            else:
                known.append((await self._compare(index, past.text, _latest(known[:position]))).adapter)
        return _latest(known)

    async def _compare(self, index: MindIndex, message: str, subject: Subject | None) -> Comparison:
        text = message[:MAX_CHARACTERS]
        [vector] = await self._embedder.embed([text], "query")
        return await asyncio.to_thread(index.compare, text, vector, subject)

    def _mode(self, adapter: str) -> ResolvedMode:
        return resolve_mode(Sum((Term(adapter),)), self._mind)

    @property
    def _has_choice(self) -> bool:
        return len(self._mind.adapters) > 1


def _latest(adapters: Sequence[str | None]) -> Subject | None:
    for turns_ago, adapter in enumerate(reversed(adapters), 1):
        if adapter is not None:
            return Subject(adapter, turns_ago)
    return None


def subject_of(turn: Turn, mind: Mind) -> str | None:
    """The adapter that an answered question belonged to: the one that `auto` chose, or the only one beside the core in
    the mode that the person chose."""
    if (routing := routing_of(turn)) is not None:
        return routing.comparison.adapter
    try:
        mode = resolve_mode(parse_expression(turn.mode or "auto"), mind)
    except ModeError:  # the mind has changed since
        return None
    topics = [term.name for term in mode.terms if term.name != mind.core]
    return topics[0] if len(topics) == 1 else None


def routing_of(turn: Turn) -> StoredRouting | None:
    """What was compared for an answer; None if the mode was not chosen by `auto`.

    A newer release may have stored it, which knows more of it.
    """
    if turn.routing is None:
        return None
    names = {each.name for each in fields(Comparison)}
    known = {name: value for name, value in turn.routing.items() if name in names}
    # The database keeps no order.
    known["shares"] = dict(sorted(known["shares"].items(), key=lambda share: -share[1]))
    return StoredRouting(Comparison(**known), turn.routing["threshold"])
