"""What is said again of an answer from the library: shorter, in other words, with an example, or another in its place.

The passages are those of a search for what was asked before, so that their nearness is to that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bot.library.cite.asked_question import SaidBefore
from bot.library.cite.quotation import Quotation
from bot.library.known_answers import quote_whole
from bot.library.near_answers import NEAR
from bot.library.passage import Passage
from bot.text.about_answer import AboutAnswer
from bot.text.language import is_same_alphabet
from bot.text.sentences import split_sentences

ANOTHER: Final = 0.85
"""Nearness of a heading from which what stands below it is another answer to the same question."""
ON_SUBJECT: Final = 0.6
"""The same from which it may be an example of what was said."""
_EXAMPLE: Final = re.compile(
    r"\b(?:for\s+(?:example|instance)|such\s+as|examples?|like\s+(?:a|an|the|when)|например|пример\w*|скажем|"
    r"вроде|так(?:ой|ая|ое|ие)\s+как|как\s+(?:у|в|на|если))\b",
    re.IGNORECASE,
)


def answer_again(
    wanted: AboutAnswer, question: str, passages: Sequence[Passage], before: SaidBefore
) -> Quotation | None:
    """What the library has for somebody who wants something of the answer that was given; None if it has nothing.

    Args:
        question: in whose language the answer is.
        passages: of a search for what was asked before, the best first.
        before: which has the answer.
    """
    readable = [each for each in passages if is_same_alphabet(each.quote, question)]
    said = [each for each in readable if before.has_said(each.quote)]
    others = sorted(
        (each for each in readable if each.nearness and not before.has_said(each.quote)),
        key=_score,
        reverse=True,
    )
    another = next((each for each in others if _score(each) >= ANOTHER), None)
    match wanted:
        case AboutAnswer.SHORTER:
            return _first_sentence(said)
        case AboutAnswer.OTHERWISE:
            same = next((each for each in others if _score(each) >= NEAR), None)
            return _whole(same) or _first_sentence(said) or _whole(another)
        case AboutAnswer.EXAMPLE:
            return _whole(next((e for e in others if _score(e) >= ON_SUBJECT and _EXAMPLE.search(e.quote)), another))
        case AboutAnswer.INSTEAD:
            return _whole(another)
        case AboutAnswer.DOUBT:
            return None


def _score(passage: Passage) -> float:
    return passage.nearness.score if passage.nearness else 0.0


def _whole(passage: Passage | None) -> Quotation | None:
    return None if passage is None else quote_whole(passage, _score(passage))


def _first_sentence(said: Sequence[Passage]) -> Quotation | None:
    if not said:
        return None
    whole = quote_whole(said[0], _score(said[0]))
    return replace(whole, text=split_sentences(whole.text)[0].strip())
