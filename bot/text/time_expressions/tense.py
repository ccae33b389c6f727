"""Whether a question is about the past or the future, by the verbs around its expression of time."""

from __future__ import annotations

import re
from typing import Final

from bot.text.time_expressions.periods import Tense
from bot.text.words import fold

_SENTENCE_END: Final = re.compile(r"[.!?…](?=\s)|\n")
_MENTAL: Final = "remember|recall|know|think|mean|say|tell|remind|believe|suggest|advise|conclude|notice"
_FUTURE: Final = re.compile(
    r"(?<!\w)(?:"
    r"will|won't|shall|should|must|gonna|\w+'ll|(?<!was )(?<!were )(?<!been )going to"
    r"|plans?(?! (?:did|was|were))|planning|(?:planned|scheduled|booked)(?: for)?|upcoming|intend|hope to|want to|need to|have to"
    r"|(?:am|are|is|\w+'(?:m|re|s)) (?:\w+ )?(?!doing well)\w{2,}ing"
    rf"|do (?:i|we) (?!{_MENTAL})\w+|(?:can|could|may) (?:i|we) "
    r"|буд(?:у|ешь|ет|ем|ете|ут)|предстоит|предстоят|планы|планах|планов|план|планиру\w+|запланирован\w*|намечен\w*"
    r"|намечается|намерен\w*|собира(?:юсь|емся|ешься|ется|етесь|ются)"
    r"|состо(?:ится|ятся)|начн\w+|пройд(?:ет|ут)|произойдет|случится"
    r"|при(?:едет|дет|летит|езжает|летает|едут|дут)|(?:по|у|вы|за|при|до|пере|об)?(?:еду|едем|иду|йду|йдем|идем|лечу|летим)"
    r"|(?:хочу|хотим|надо|нужно|должен|должна|должны|стоит)"
    r"|я (?:не |это |там |туда )?(?!помню|знаю|думаю|говорю|вижу|понимаю|считаю|чувствую|люблю)[а-я]+[ую](?:сь)?"
    r"|мы (?:не |это |там |туда )?(?!помним|знаем|думаем)[а-я]+[еи]м(?:ся)?"
    r"|(?:ты|вы) (?:не )?(?!помни|знае|думае|говори|можеш|понимае|види|може|считае)[а-я]+(?:ешь|ишь|ете|ите)(?:ся)?"
    r"|сдела(?:ю|ем|ешь)|встретимся|встречаемся|увидимся"
    r")(?!\w)"
)
_PAST: Final = re.compile(
    r"(?<!\w)(?:"
    r"did|didn't|was|wasn't|were|weren't|had|been|went|said|told|ran|ate|met|saw|wrote|bought|thought|felt|made|got"
    r"|gave|took|came|spoke|slept|swam|rode|drove|won|lost|began|began|broke|chose|fell|found|forgot|heard|held|kept"
    r"|knew|learnt|left|paid|read|sang|sent|sold|stood|taught|understood|wore|done|seen|written|spent|built|drank"
    r"|\w{2,}(?<!ne)(?<!spe)ed"
    r"|(?:был|ел|съел|шел)[аои]?|(?:по|у|при|за|во|вы|до)?ш(?:ел|л[аои])|(?:не )?(?:мог|рос|нес|вез)"
    r"|(?!(?:если|или|нибудь|школа|дела|мысли|цели|сила|футбола|стола|стул|футбол|зала|зал|тела|числа|начала"
    r"|апрел|только|мало|тепло|визуал|материал|канал|журнал|сигнал|финал)(?!\w))"
    r"[а-я]+[аеиоуыя]л[аои]?"
    r"(?:ся|сь)?"
    r")(?!\w)"
)


def tense_at(text: str, start: int, end: int) -> Tense:
    """The tense of the nearest verb that tells one, in the sentence that has the characters from `start` to `end`."""
    folded = fold(text)
    if len(folded) != len(text):
        return Tense.UNKNOWN
    breaks = [match.end() for match in _SENTENCE_END.finditer(text)]
    first = max((place for place in breaks if place <= start), default=0)
    last = min((place for place in breaks if place >= end), default=len(text))
    nearest, tense = len(text) + 1, Tense.UNKNOWN
    for candidate, pattern in ((Tense.FUTURE, _FUTURE), (Tense.PAST, _PAST)):
        for match in pattern.finditer(folded, first, last):
            begin, after = match.span()
            if start <= begin < end:
                continue
            distance = max(start - after, 0) if begin < start else begin - end
            if distance < nearest:
                nearest, tense = distance, candidate
    return tense
