"""Whether a question is about the past or the future, by the verbs around its expression of time."""

from __future__ import annotations

import re
from typing import Final

from bot.text.time_expressions.periods import Tense
from bot.text.words import fold

_SENTENCE_END: Final = re.compile(r"[.!?…](?=\s)|\n")


def _any_of(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(alternatives)})(?!\w)")


_PARTICIPLE: Final = r"(?!interesting)(?!\w*(?:thing|morning|evening)(?!\w))\w{2,}ing"
_MENTAL: Final = "remember|recall|know|think|mean|say|tell|remind|believe|suggest|advise|conclude|notice"
_MENTAL_RUSSIAN: Final = "помн|зна|дума|говор|виж|вид|понима|счита|чувству|люб|мож|мог"

_FUTURE: Final = _any_of(
    r"will|won't|shall|gonna|\w+'ll",
    r"буд(?:у|ешь|ет|ем|ете|ут)|предсто(?:ит|ят)|состо(?:ится|ятся)|произойдет|случится",
    r"сдела(?:ю|ем|ешь|ет)|встрет(?:имся|ятся)|увидимся|начн(?:у|ем|ется|утся)",
    r"(?:по|у|вы|за|при|до|пере)(?:еду|едем|едет|йду|йдем|йдет|лечу|летим|летит)|прид(?:у|ем|ет)",
)
"""Verbs that speak of the future and nothing else."""
_PRESENT: Final = _any_of(
    r"should|must|going to|plans?|planning|(?:planned|scheduled|booked)(?: for)?|upcoming|intend",
    r"(?:hope|want|need|have) to|(?:is|are) there|when(?:'s| is| are)|what(?:'s| is)(?= on)",
    r"does (?:\w+ ){1,3}(?:start|begin|end|happen|come|leave|arrive|open|close)",
    rf"(?:am|are|is)(?: i| we| you| he| she| it| they| not)? {_PARTICIPLE}",
    rf"\w+'(?:m|re) {_PARTICIPLE}",
    rf"do (?:i|we) (?!(?:{_MENTAL})(?!\w))\w+|(?:can|may) (?:i|we)",
    r"план(?:ы|ах|ов)?|планиру\w+|запланирован\w*|намечен\w*|намечается|намерен\w*",
    r"собира(?:юсь|емся|ешься|ется|етесь|ются)|иду|идем|еду|едем|лечу|летим|встречаемся",
    r"когда у (?:меня|нас)|хочу|хотим|надо|нужно|долж(?:ен|на|ны)",
    rf"я (?:не |это |там |туда )?(?!{_MENTAL_RUSSIAN})[а-я]+[ую](?:сь)?",
    rf"мы (?:не |это |там |туда )?(?!{_MENTAL_RUSSIAN})[а-я]+[еи]м(?:ся)?",
    rf"(?:ты|вы) (?:не )?(?!{_MENTAL_RUSSIAN})[а-я]+(?:ешь|ишь|ете|ите)(?:ся)?",
    r"при(?:езжает|летает|езжают|летают|ходит|ходят)",
)
"""What speaks of the future where a time is named: "What am I doing on Friday?" A past verb before it makes it past."""
_PAST: Final = _any_of(
    r"(?:did|was|were|had)(?:n't)?|been|went|said|told|ran|ate|met|saw|wrote|bought|thought|felt|made|got|gave|took|came",
    r"spoke|slept|swam|rode|drove|won|lost|began|broke|chose|fell|found|forgot|heard|held|kept|knew|learnt|left|paid",
    r"sang|sent|sold|stood|taught|understood|wore|done|seen|written|spent|built|drank",
    r"(?!need|feed|speed|seed|indeed)\w{2,}ed",
    r"(?:был|ел|съел|шел)[аои]?|(?:по|у|при|за|во|вы|до)?ш(?:ел|л[аои])|(?:по)?мог|рос|нес|вез",
    r"(?!(?:если|или|школа|дела|мысли|цели|сила|футбола|стола|футбол|зала|зал|тела|числа|начала|только|мало|тепло"
    r"|материал|канал|журнал|сигнал|финал|визуал)(?!\w))[а-я]+[аеиоуыя]л[аои]?(?:ся|сь)?",
)
_PAST_AUXILIARY: Final = _any_of(r"(?:did|was|were|had)(?:n't)?|been|был[аои]?|хотел[аи]?")


def tense_at(text: str, start: int, end: int, *, since: bool = False) -> Tense:
    """The tense of the nearest verb that tells one, in the sentence that has the characters from `start` to `end`.

    Args:
        since: whether those characters say since when: then the present tense speaks of the time up to now.
    """
    folded = fold(text)
    if len(folded) != len(text):
        # Some capital letters become two, and the places of the verbs would be wrong.
        return Tense.UNKNOWN
    breaks = [match.end() for match in _SENTENCE_END.finditer(text)]
    first = max((place for place in breaks if place <= start), default=0)
    last = min((place for place in breaks if place >= end), default=len(text))
    found: list[tuple[int, Tense]] = []
    for tense, pattern in ((Tense.FUTURE, _FUTURE), (Tense.PAST, _PAST), (Tense.FUTURE, _PRESENT)):
        for match in pattern.finditer(folded, first, last):
            if start <= match.start() < end or (since and pattern is _PRESENT):
                continue
            is_past = pattern is _PRESENT and _PAST_AUXILIARY.search(folded, first, match.start())
            distance = max(start - match.end(), 0) if match.start() < start else match.start() - end
            found.append((distance, Tense.PAST if is_past else tense))
    return min(found, key=lambda one: one[0], default=(0, Tense.UNKNOWN))[1]
