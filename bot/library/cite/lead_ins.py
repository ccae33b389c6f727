"""What an answer says before and after what it takes from the library: "According to the text, …", «Да, …»."""

from __future__ import annotations

import re
from typing import Final

_MAX_TRAIL: Final = 120
"""Characters at the end of a sentence where "…, according to the author" may stand."""
MAX_LEAD_INS: Final = 4
"""Lead-ins of one sentence: "- Yes, according to the author, …" has three."""

_SOURCE: Final = (
    r"(?:(?:the|this|these|your|that)\s+)?(?:author|text|passage|article|library|document|book|notes?|table|row|sources?|"
    r"excerpt|quotation|quote|rules|leaflet|contract|agreement|diary|entry|letter|lecture|transcript|interview|chapter|"
    r"timetable|schedule|manual|handbook|guide|instructions|policy|documentation|docs|recipe|page|data|records?)"
)
_SAYS: Final = (
    r"(?:says?|writes?|notes?|explains?|states?|mentions?|points?\s+out|tells?(?:\s+us)?|shows?|indicates?|reports?|adds?|"
    r"stresses|emphasi[sz]es|describes|puts\s+it)"
)
_RUSSIAN_SOURCE: Final = (
    r"(?:(?:эт(?:ому|ой|от|а|им|их)|данн(?:ому|ой)|наш(?:ей|ему))\s+)?(?:автор\w*|текст\w*|отрыв\w+|стать\w+|библиотек\w+|"
    r"документ\w*|книг\w+|замет\w+|таблиц\w+|источник\w*|правил\w*|инструкц\w+|договор\w*|дневник\w*|запис\w+|письм\w+|"
    r"лекци\w+|расшифровк\w+|интервью|расписани\w+|рецепт\w*|глав\w+|данным|документаци\w+)"
)
_RUSSIAN_SAYS: Final = (
    r"(?:пишет|говорит|отмечает|указывает|объясняет|подч[её]ркивает|сообщает|рассказывает|поясняет|добавляет)"
)
_RUSSIAN_SAID: Final = r"(?:сказано|говорится|указано|написано|отмечено|отмечается|сообщается|записано|описано)"

_LEAD_IN: Final = re.compile(
    "|".join(
        (
            r"(?:[-*•–—>]|\d{1,2}[.)]|#{1,6})\s+",
            (
                r"(?:yes|no|right|correct|indeed|certainly|sure|of\s+course|however|in\s+short|briefly|in\s+brief|in\s+other\s+"
                r"words|that\s+is|in\s+fact|actually|in\s+summary|to\s+sum\s+up|overall|for\s+example|for\s+instance|also|"
                r"moreover|furthermore|in\s+addition|importantly|here|specifically|in\s+particular)\s*[,:]\s+"
            ),
            (
                r"(?:it\s+is|it's)\s+(?:also\s+)?(?:important|worth|useful|good|essential)\s+(?:to\s+)?(?:note|noting|remember|"
                r"remembering|know|knowing|mention|mentioning|add|adding)\s+that\s+"
            ),
            r"(?:please\s+)?(?:note|remember|keep\s+in\s+mind|bear\s+in\s+mind)(?:\s+that\s+|\s*:\s+|,\s+)",
            rf"according\s+to\s+{_SOURCE}\s*,\s+",
            rf"as\s+{_SOURCE}\s+{_SAYS}\s*[,:]\s+",
            rf"as\s+(?:is\s+)?(?:stated|written|noted|said|described|mentioned)\s+in\s+{_SOURCE}\s*,\s+",
            rf"{_SOURCE}\s+(?:also\s+|clearly\s+)?{_SAYS}\s*(?:\bthat\s+|:\s+)",
            rf"in\s+{_SOURCE},?\s+(?:it\s+is\s+(?:said|written|stated|noted)|it\s+says|we\s+read)\s+that\s+",
            (
                r"(?:да|нет|верно|правильно|конечно|однако|коротко|кратко|вкратце|короче|если\s+коротко|иными\s+словами|другими\s+"
                r"словами|то\s+есть|на\s+самом\s+деле|в\s+целом|например|к\s+примеру|кроме\s+того|также|итак|словом|одним\s+словом|"
                r"вообще|при\s+этом|в\s+частности|а\s+именно|более\s+того)\s*[,:]\s+"
            ),
            (
                r"(?:важно|стоит|следует|нужно|полезно|надо|необходимо)\s+(?:также\s+)?(?:помнить|знать|отметить|учесть|учитывать|"
                r"заметить|добавить)\s*,?\s+что\s+"
            ),
            r"(?:помните|запомните|учтите|обратите\s+внимание|имейте\s+в\s+виду|заметьте)(?:\s*,\s+что\s+|\s*:\s+|\s*,\s+)",
            rf"(?:согласно|судя\s+по|по\s+словам|по\s+мнению|по)\s+{_RUSSIAN_SOURCE}(?:\s+{_RUSSIAN_SOURCE})?\s*,\s+",
            rf"как\s+(?:{_RUSSIAN_SAYS}|{_RUSSIAN_SAID}\s+в)\s+{_RUSSIAN_SOURCE}\s*[,:]\s+",
            rf"{_RUSSIAN_SOURCE}\s+(?:также\s+)?{_RUSSIAN_SAYS}\s*(?:,\s+что\s+|:\s+)",
            rf"в\s+{_RUSSIAN_SOURCE}\s+(?:также\s+)?{_RUSSIAN_SAID}\s*(?:,\s+что\s+|:\s+)",
        )
    ),
    re.IGNORECASE,
)
_TRAIL: Final = re.compile(
    rf",?\s+(?:according\s+to\s+{_SOURCE}|as\s+{_SOURCE}\s+{_SAYS}|(?<=,\s)(?:согласно|судя\s+по|по\s+словам)\s+"
    rf"{_RUSSIAN_SOURCE}|(?<=,\s)как\s+(?:{_RUSSIAN_SAYS}|{_RUSSIAN_SAID}\s+в)\s+{_RUSSIAN_SOURCE})(?=[.!…]*\s*$)",
    re.IGNORECASE,
)


def strip_lead_ins(sentence: str) -> str:
    """A sentence of an answer without what only introduces it, or says that the author says it.

    What somebody else says keeps its frame, and so does "it is a myth that".
    """
    text = sentence.strip()
    for _ in range(MAX_LEAD_INS):
        match = _LEAD_IN.match(text)
        if match is None or match.end() >= len(text):
            break
        text = text[match.end() :]
    return text[:-_MAX_TRAIL] + _TRAIL.sub("", text[-_MAX_TRAIL:])
