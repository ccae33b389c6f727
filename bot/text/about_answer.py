"""What a message asks of the answer that came before it: to be put otherwise, or to be followed by another one.

Such a message names no subject, so that a search for its own words finds nothing. Russian and English.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

from bot.text.analysis import analyse
from bot.text.light_stems import LIGHT_STEMS
from bot.text.questions import words_of
from bot.text.words import stem, word_set


class AboutAnswer(Enum):
    """What is asked of an answer."""

    SHORTER = auto()
    """In a sentence."""
    OTHERWISE = auto()
    """More simply, in other words, or once more."""
    EXAMPLE = auto()
    INSTEAD = auto()
    """Something else, since it was tried without success, or is not possible."""
    DOUBT = auto()
    """Whether it is so."""


_PATTERNS: Final = (
    (
        AboutAnswer.SHORTER,
        1,
        r"""\b(?:in\s+(?:short|brief|a\s+nutshell|(?:one|a|two)\s+(?:sentences?|words?|lines?))|
        (?:one|a\s+single)\s+sentence|(?:make|keep)\s+(?:it|that|this)\s+(?:short|brief)\w*|
        (?:more\s+)?briefly|too\s+long|tl;?\s?dr|shorter(?=\W*(?:please|version|answer)?\W*$)|shorten\s+(?:it|that)|
        sum\s+(?:it|that|this)\s+up|summari[sz]e(?:\s+(?:it|that|this))?\W*$|(?:the\s+)?short\s+version|
        long\s+story\s+short|(?<!как\s)коротко|покороче|короче|вкратце|кратко|в\s+двух\s+словах|
        одн(?:им|ой)\s+(?:предложени|фраз|строк)\w+|слишком\s+длинно|много\s+букв|подведи(?:те)?\s+итог|сократи(?:те)?)(?!\w)""",
    ),
    (
        AboutAnswer.OTHERWISE,
        1,
        r"""\b(?:(?:explain|say|put|tell|write|describe)\b[\w\s']{0,20}\b(?:simpl\w+|easier|otherwise|differently|again|clear\w*|
        in\s+(?:other|simple|plain|easy|your\s+own)\s+words|like\s+i(?:'?m|\s+am)\b.*)|
        in\s+(?:other|simple|simpler|plain|easy)\s+words|simplify(?:\s+(?:it|that))?|simpler(?:\s+please)?\W*$|
        (?:i\s+)?(?:do\s+not|don'?t|did\s+not|didn'?t|still\s+don'?t)\s+(?:really\s+|quite\s+)?
        (?:understand|get\s+(?:it|that)|follow)(?:\W|$)(?!how|why|what|if|when)|what\s+(?:do|did)\s+you\s+mean|
        (?:it|that)(?:'s|\s+is)\s+not\s+clear|too\s+complicated|come\s+again|
        (?:объясн|поясн|скаж|расскаж|растолк)\w*\b[\w\s]{0,20}\b(?:проще|попроще|понятнее|иначе|по-другому|ещё\s+раз|еще\s+раз|
        простыми\s+словами|другими\s+словами|на\s+пальцах|как\s+ребёнку|как\s+ребенку)|
        (?:другими|простыми)\s+словами|на\s+пальцах|проще(?=\W*$)|попроще|понятнее|
        (?:ничего\s+)?не\s+(?:совсем\s+|очень\s+)?(?:понял\w?|понимаю|понятно|ясно|дошло)(?!\W+(?:как|почему|зачем|что|когда))|
        что\s+(?:ты\s+имеешь|вы\s+имеете)\s+в\s+виду)(?!\w)""",
    ),
    (
        AboutAnswer.EXAMPLE,
        0,
        r"""\b(?:(?:give|show|tell|name|got|have|any|an|another|one\s+more|for|with)\b[\w\s]{0,20}\bexamples?|such\s+as\s+what|
        like\s+what|(?:прив|да[йт]|покаж|назов|напиш|можно|есть|ещё|еще|хоть)\w*\b[\w\s]{0,20}\b(?:пример\w*)|на\s+примере|
        например\s*\?|пример(?=\W*$))(?!\w)""",
    ),
    (
        AboutAnswer.INSTEAD,
        3,
        r"""\b(?:already\s+(?:tried|did|done|do|doing)\b|(?:been\s+doing|tried|did|done)\s+(?:exactly\s+|try\s+|all\s+(?:of\s+)?)?
        (?:it|that|this|already|all|everything)\b|(?:уже\s+)(?:пробовал|попробовал|пыталс|пыталас|делал)\w*\b|
        ^\W*(?:пробовал|попробовал|пыталс|пыталас|делал)\w*\b)""",
    ),
    (
        AboutAnswer.INSTEAD,
        0,
        r"""\b(?:(?:(?:it|that|this)\s+)?(?:(?:does|did|is)\s*n(?:o|')?t|won'?t|never|not)\s+(?:really\s+|even\s+)?
        (?:work(?:ing|ed|s)?|help(?:ing|ed|s)?)\b|no\s+(?:effect|result|use|change|difference)s?\b|
        nothing\s+(?:helps|works|changes|changed|helped)|(?:any|some)thing\s+else|what\s+else|
        (?:any|an?)?other\s+(?:ways?|options?|ideas?|tips?|advice|suggestions?|methods?)|another\s+(?:way|option|idea|tip|one)|
        alternatives?|не\s+(?:помог\w+|помогает|работает|сработал\w*|действует|получается|получилось|получится|выходит|подходит|поможет)|
        без\s+толку|нет\s+(?:эффекта|результата|толку)|ничего\s+не\s+(?:помогает|меняется|изменилось)|
        (?:друг(?:ой|ие)|ин(?:ой|ые)|ещё|еще)\s+(?:вариант\w*|способ\w*|иде\w+|совет\w*|варик\w*)|что\s+(?:ещё|еще)|
        что-(?:то|нибудь)\s+друго\w+)""",
    ),
    (
        AboutAnswer.DOUBT,
        2,
        r"""\b(?:(?:are|r)\s+(?:you|u)\s+(?:really\s+|quite\s+|so\s+|absolutely\s+)?sure|
        (?:is|was)\s+(?:that|it|this)\s+(?:really\s+)?(?:true|so|right|correct|certain)\W*$|
        really\s*\?|i\s+(?:doubt|do\s+not\s+believe|don'?t\s+believe)\s+(?:it|that|you|this)|who\s+says\s+(?:so|that)|says\s+who|
        how\s+do\s+you\s+know(?:\s+(?:it|that|this|all\s+this))?\W*$|not\s+what\s+(?:we|i|they|my|the)\b|
        (?:say|says|said|told|heard|read|thinks?|claims?)\b.{0,30}\b(?:opposite|otherwise|differently|the\s+contrary|not\s+true)|
        where\s+(?:do|did)\s+you\s+(?:have|get)\s+(?:that|it|this)|
        (?:ты|вы)\s+(?:точно\s+)?уверен\w*|точно\s*\?|правда\s*\?|неужели|серь[её]зно\s*\?|уверен[аы]?\s*\?|
        откуда\s+(?:ты|вы|это|такие|инф\w+)|кто\s+(?:это\s+)?сказал|не\s+верю|сомневаюсь|
        (?:говор|сказа|писа|пишут|чита|слыша|счита|утвержда)\w*\b.{0,30}\b(?:наоборот|обратное|другое|иначе|по-другому|неправда))""",
    ),
    (
        AboutAnswer.DOUBT,
        0,
        r"\b(?:говор|сказа|писа|пишут|чита|слыша|счита|утвержда)\w*\b.{0,30}\b(?:вредно|нельзя|опасно)",
    ),
)
"""How each is said, and how many words besides such a message may have: with more it has a subject of its own."""
_COMPILED: Final = tuple(
    (kind, other_words, re.compile(pattern, re.IGNORECASE | re.VERBOSE | re.DOTALL))
    for kind, other_words, pattern in _PATTERNS
)
_OWN_WORDS: Final = LIGHT_STEMS | frozenset(
    map(
        stem,
        word_set("""
            short shorter brief briefly sentence word line version long story nutshell sum summary summarize summarise
            shorten simple simpler simply plain easy easier clear again understand follow explain complicated
            otherwise differently put everyday life real practice practical try tried already still nothing effect
            result use option options idea ideas tip tips advice suggestion suggestions method methods alternative
            never opposite contrary true correct believe doubt hear heard read said told claim claims claimed coach
            trainer doctor teacher friend wife husband mother father internet book article people everybody somebody
            school didnt doesnt isnt dont
            коротко короче покороче вкратце кратко слово слова словами предложение предложением фразой строка строкой
            итог сократить сократи проще попроще понятнее простыми понял поняла понять понимать понимаю понятно ясно
            дошло пальцах ребёнку ребенку объяснить объясни поясни раз иначе жизнь жизни привести приведи написать
            напиши покажи дай назови пробовать пробовал пробовала пробовали попробовал попробовала пытаться пытался
            пыталась делал делала уже хватает срываюсь толк толку эффект эффекта результат результата ничего вариант
            варианты способ способы идея идеи совет советы уверен уверена точно серьёзно серьезно наоборот обратное
            сказать сказал сказала сказали говорить говорит говорят читать читал читала слышать слышал слышала писать
            пишут верить верю сомневаюсь считают утверждают врач врачи тренер друг подруга муж жена мама папа
            интернете книге статье все люди меня ну откуда знаешь знаете взял взяли получается получится получилось
            например
        """),
    )
)
"""Stems of words that say no more than that, and who says otherwise."""
_MAX_WORDS: Final = 16


def asks_about_answer(message: str) -> AboutAnswer | None:
    """What a message asks of the answer before it; None where it asks for something else, or names a subject."""
    if len(words_of(message)) > _MAX_WORDS:
        return None
    besides = len(analyse(message).stems - _OWN_WORDS)
    return next(
        (kind for kind, other_words, pattern in _COMPILED if besides <= other_words and pattern.search(message)), None
    )
