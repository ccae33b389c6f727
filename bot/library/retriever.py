"""What of the library a mode draws on, for one question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.library.passage import Passage
from bot.library.search import Library
from bot.minds import Mind
from bot.minds.resolve import ResolvedMode
from bot.minds.schema import CollectionKind
from bot.text.analysis import analyse

MIN_SIMILARITY: Final = 0.4
"""Cosine from which a passage bears on a question without having a word of it."""


@dataclass(frozen=True, slots=True)
class RetrievalBudget:
    """How much of it goes into a prompt."""

    passages: int
    """At most; 0 for none."""
    passage_tokens: int
    """Of all passages together."""
    examples: int
    """Style examples; 0 for none."""
    example_tokens: int


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What bears on a question."""

    passages: tuple[Passage, ...] = ()
    """To be answered from and cited, the best first."""
    examples: tuple[str, ...] = ()
    """To sound like, and never to be cited."""


class Retriever:
    """Draws on a mind's library."""

    def __init__(self, mind: Mind, library: Library, budget: RetrievalBudget) -> None:
        self._mind = mind
        self._library = library
        self._budget = budget

    async def retrieve(self, question: str, mode: ResolvedMode) -> Retrieved:
        """What the mode's collections have on a question.

        Raises:
            EmbeddingError: the embedder cannot answer.
            DatabaseError: the database is away.
        """
        share = self._budget
        passages, examples = [], []
        if share.passages and (names := collections_for_mode(self._mind, mode)):
            passages = await self._library.search(
                question, collections=names, limit=share.passages, token_budget=share.passage_tokens
            )
        if share.examples and mode.terms and (names := collections_for_mode(self._mind, mode, voice=True)):
            examples = await self._library.style_examples(
                question, collections=names, limit=share.examples, token_budget=share.example_tokens
            )
        near = (passage for passage in passages if _is_relevant(passage, question))
        return Retrieved(tuple(near), tuple(example.quote for example in examples))


def _is_relevant(passage: Passage, question: str) -> bool:
    """Whether a passage has anything to do with a question: a search gives the nearest there is, however far it be."""
    asked, said = analyse(question), analyse(f"{passage.title}\n{passage.where}\n{passage.content}")
    return bool(asked.stems & said.stems) or (passage.similarity or 0.0) >= MIN_SIMILARITY


def collections_for_mode(mind: Mind, mode: ResolvedMode, *, voice: bool = False) -> tuple[str, ...]:
    """The collections that a mode draws on: those of its adapters; for `base` those that are open to all.

    An isolated adapter has those that name it or that it names, and not what is merely open.

    Args:
        mode: not `auto`, which has been routed by now.
        voice: the style examples, instead of all others.
    """
    if not mode.terms:
        found = [name for name, collection in mind.collections.items() if not collection.adapters]
    else:
        found = [name for term in mode.terms for name in mind.adapter_collections(term.name)]
    if mode.isolated:
        own = {term.name: set(mind.adapters[term.name].collections) for term in mode.terms}
        found = [
            name
            for name in found
            if any(name in named or adapter in mind.collections[name].adapters for adapter, named in own.items())
        ]
    kinds = {name: mind.collections[name].kind for name in found}
    return tuple(name for name, kind in kinds.items() if (kind is CollectionKind.VOICE) == voice)
