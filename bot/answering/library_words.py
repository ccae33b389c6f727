"""What the library has on a message, and which of its words are the answer where the author speaks before the model.

A message that goes on from what was said is searched for with that, and also alone: it may be a whole question, or say
something of an answer ("I tried that") to which the author has a reply. One that wants the answer again, in other
words, is searched for by what was asked before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.core.together import run_together
from bot.library.again import answer_again
from bot.library.cite import NOTHING_BEFORE, Quotation, SaidBefore, best_quotation, collect_evidence
from bot.library.known_answers import find_near_answer, find_next_answer
from bot.library.passage import Passage
from bot.library.retriever import Retrieved, Retriever
from bot.minds.resolve import ResolvedMode
from bot.text.about_answer import AboutAnswer, asks_about_answer
from bot.text.follow_ups import stands_alone_too, without_opener


@dataclass(frozen=True, slots=True)
class Found:
    """What the library has on a message."""

    asked: str
    """The message, as it was searched for."""
    retrieved: Retrieved = field(default_factory=Retrieved)
    """For the prompt, and to be cited; with what the message goes on from."""
    before: SaidBefore = NOTHING_BEFORE
    """What it goes on from, if it does."""
    alone: Sequence[Passage] = ()
    """On such a message without that, where it may be a whole one."""
    earlier: Sequence[Passage] = ()
    """On what was asked before, where the message wants something of the answer to that."""

    @property
    def about_answer(self) -> AboutAnswer | None:
        """What the message asks of the answer before it, if it does."""
        return None if self.before is NOTHING_BEFORE else asks_about_answer(self.asked)

    def without_passages(self) -> Found:
        """The same for a prompt that has the author's examples and nothing to cite."""
        return replace(self, retrieved=Retrieved(examples=self.retrieved.examples))


async def search_library(retriever: Retriever, asked: str, mode: ResolvedMode, *, before: SaidBefore) -> Found:
    """Search the collections of a mode for a message.

    Raises:
        EmbeddingError: the embedder fails.
        DatabaseError: the database is not available.
    """
    if before is NOTHING_BEFORE:
        return Found(asked, await retriever.retrieve(asked, mode))
    about_answer = asks_about_answer(asked)
    searches = [retriever.retrieve(asked, mode, before=before.questions)]
    if about_answer is not None or stands_alone_too(asked):
        searches.append(retriever.retrieve(without_opener(asked), mode))
    if about_answer is not None:
        searches.append(retriever.retrieve(before.questions, mode))
    with_before, *others = await run_together(*searches)
    alone, earlier = (*(each.passages for each in others), (), ())[:2]
    return Found(asked, with_before, before, alone, earlier)


def find_words_on(found: Found, *, in_place_of_model: bool, in_part: bool, is_small_talk: bool) -> Quotation | None:
    """The author's words that answer a message; None where the model has to.

    Args:
        in_place_of_model: whether an answer to a question that is near to this one will do.
        in_part: whether a part of any text will do.
        is_small_talk: whether what means the same is near enough, whatever its words.
    """
    asked, passages, before = found.asked, found.retrieved.passages, found.before
    if (about_answer := found.about_answer) is not None:
        # Its words are about an answer, and what else the library has on them is about something else.
        return _find_reply(found, about_answer) if in_place_of_model else None
    words = None
    if in_place_of_model and before is NOTHING_BEFORE:
        words = find_near_answer(asked, passages, by_meaning=is_small_talk)
    elif in_place_of_model:
        words = find_next_answer(asked, passages, before) or find_near_answer(asked, found.alone)
    if words is not None or not in_part:
        return words
    return best_quotation(asked, collect_evidence(passages), before=before)


def _find_reply(found: Found, about_answer: AboutAnswer) -> Quotation | None:
    """What the author says to somebody who wants something of an answer: on its subject, or to such a message."""
    reply = find_near_answer(found.asked, found.alone, by_meaning=True)
    again = answer_again(about_answer, found.asked, found.earlier, found.before)
    return reply or again if about_answer is AboutAnswer.DOUBT else again or reply
