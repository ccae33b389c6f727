"""Retrieves what the library has on a question, from the collections of a mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.library.cite import Quotation
from bot.library.known_answers import find_known_answer
from bot.library.near_answers import NEAR, POSSIBLE
from bot.library.passage import Passage, innermost_heading
from bot.library.search import Library
from bot.minds import Mind
from bot.minds.resolve import ResolvedMode
from bot.minds.schema import CollectionKind
from bot.text.analysis import analyse
from bot.text.language import detect_language
from bot.text.questions import words_of

MIN_SIMILARITY: Final = 0.3
"""Cosine similarity from which a passage is relevant without any word of the question. Of questions and Russian essays
about something else the nearest of 1,500 passages is nearer in one case of twenty."""
MIN_SIMILARITY_ACROSS_LANGUAGES: Final = 0.25
"""The same where question and passage are in different languages and share no words: one answer of ten is farther."""
MIN_SIMILARITY_WITH_WORDS: Final = 0.2
"""The same where they share a word. One answer of a hundred is farther; "day" or "water" alone is no subject."""
MIN_SHARED_WORDS: Final = 2
MIN_SHARE_OF_WORDS: Final = 0.6
"""A passage with at least so many of the question's words, and more than this share of them, is relevant by itself."""


@dataclass(frozen=True, slots=True)
class RetrievalBudget:
    """How much of the library goes into a prompt."""

    passages: int
    """At most; 0 for none."""
    passage_tokens: int
    """Of all passages together."""
    examples: int
    """Style examples; 0 for none."""
    example_tokens: int


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What was retrieved for a question."""

    passages: tuple[Passage, ...] = ()
    """To answer from and to cite, the best first."""
    examples: tuple[str, ...] = ()
    """Examples of the author's style, never to be cited."""


class Retriever:
    """Searches a mind's library for a mode."""

    def __init__(self, mind: Mind, library: Library, budget: RetrievalBudget) -> None:
        self._mind = mind
        self._library = library
        self._budget = budget

    async def retrieve(self, question: str, mode: ResolvedMode, *, before: str = "") -> Retrieved:
        """What the mode's collections have on a question.

        Args:
            before: what was asked before, if the question goes on from it.

        Raises:
            EmbeddingError: the embedder fails.
            DatabaseError: the database is not available.
        """
        budget = self._budget
        passages, examples = [], []
        if budget.passages and (names := collections_for_mode(self._mind, mode)):
            passages = await self._library.search(
                question,
                before=before,
                collections=names,
                limit=budget.passages,
                token_budget=budget.passage_tokens,
            )
        asked = f"{before} {question}".strip()
        if budget.examples and mode.terms and (names := collections_for_mode(self._mind, mode, voice=True)):
            examples = await self._library.style_examples(
                asked, collections=names, limit=budget.examples, token_budget=budget.example_tokens
            )
        return Retrieved(
            tuple(passage for passage in passages if is_relevant(passage, asked)),
            tuple(example.quote for example in examples),
        )

    async def find_known_answer(
        self, question: str, passages: Sequence[Passage], *, has_context: bool
    ) -> Quotation | None:
        """The author's answer to this very question, among passages; None where they have not answered it.

        Args:
            has_context: whether something was said before, on which a short message may lean.

        Raises:
            EmbeddingError: the embedder fails.
        """
        return await find_known_answer(question, passages, self._library.embed_questions, has_context=has_context)


def is_relevant(passage: Passage, question: str) -> bool:
    """Whether a passage has anything to do with a question: a search returns the nearest ones, however far they are.

    What stands below this very question, or one near it, is relevant. A passage without a vector, and a row of a table,
    which says little, need no more than a word of the question. One with most of its words is relevant whatever the
    vectors say: of a long passage they hear only what most of it is about.
    """
    if words_of(innermost_heading(passage.where)) == words_of(question):
        return True
    if passage.nearness and (passage.nearness.score >= NEAR or passage.nearness.similarity >= POSSIBLE):
        return True
    asked = analyse(question).stems
    shared = asked & analyse(f"{passage.title}\n{passage.where}\n{passage.content}").stems
    if len(shared) >= MIN_SHARED_WORDS and len(shared) > len(asked) * MIN_SHARE_OF_WORDS:
        return True
    shares_words = bool(shared)
    if passage.similarity is None or (shares_words and passage.kind is CollectionKind.TABLE):
        return shares_words
    if shares_words:
        return passage.similarity >= MIN_SIMILARITY_WITH_WORDS
    across = detect_language(question) != detect_language(passage.quote)
    return passage.similarity >= (MIN_SIMILARITY_ACROSS_LANGUAGES if across else MIN_SIMILARITY)


def collections_for_mode(mind: Mind, mode: ResolvedMode, *, voice: bool = False) -> tuple[str, ...]:
    """The collections of a mode: those of its adapters; for `base` those that name no adapter.

    An isolated adapter has only the collections that name it or that it names.

    Args:
        mode: not `auto`, which has been routed by now.
        voice: whether to return the style examples instead of all others.
    """
    if not mode.terms:
        names = [name for name, collection in mind.collections.items() if not collection.adapters]
    else:
        names = [name for term in mode.terms for name in mind.adapter_collections(term.name)]
    if mode.isolated:
        named_by = {term.name: set(mind.adapters[term.name].collections) for term in mode.terms}
        names = [
            name
            for name in names
            if any(name in named or adapter in mind.collections[name].adapters for adapter, named in named_by.items())
        ]
    kinds = {name: mind.collections[name].kind for name in names}
    return tuple(name for name, kind in kinds.items() if (kind is CollectionKind.VOICE) == voice)
