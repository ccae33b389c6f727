"""Whether a message goes on from what was said before, so that nothing is found for it alone. Russian and English.

It begins as one goes on ("and", "what about", «а если»), points at what is not in it ("is that safe?"), wants something
of the answer ("in short?", "tried that"), asks for more ("go on"), or asks in words that name no subject ("how often?",
"which exercise first?", «сколько раз?»).
Thanks, praise and small talk go on from nothing, and neither does a question about the one who is asked.
"""

from __future__ import annotations

import re
from typing import Final

from bot.text.about_answer import asks_about_answer
from bot.text.analysis import analyse
from bot.text.light_stems import LIGHT_STEMS
from bot.text.pronouns import SECOND_PERSON
from bot.text.questions import is_question, words_of
from bot.text.requests import asks_for_facts

_OPENER: Final = re.compile(
    r"""^\W*(?:(?:ok|okay|well|yes|yeah|no|hm+|right|good|thanks|ок|ну|да|нет|так|хорошо|ладно|спасибо)\b[\s,.!…—-]*)*
    (?:and|but|so|then|or|also|plus|besides|except|instead|otherwise|(?:what|how)\s+about|(?:and\s+)?what\s+(?:if|else|then|next)|
    (?:even|only)\s+(?:if|when)|(?:does|would|will)\s+(?:it|that)\s+matter|for\s+how\s+long|since\s+when|until\s+when|in\s+that\s+case|
    а|и|но|или|тогда|зато|кроме|вместо|что\s+(?:если|ещё|еще|насчёт|насчет|потом|дальше)|как\s+насч[её]т|
    (?:даже|только)\s+(?:если|когда)|в\s+таком\s+случае|(?:есть|имеет)\s+(?:ли\s+)?(?:разница|значение))\b""",
    re.IGNORECASE | re.VERBOSE,
)
_MORE: Final = re.compile(
    r"""\W*(?:please|so|ok|and|well|ну|а|да)?\W*(?:(?:can|could|would)\s+you\s+|можешь\s+|можно\s+)?
    (?:(?:tell|say|give|show|explain)(?:\s+(?:me|it|that|us))*\s*(?:a\s+(?:bit|little)\s+)?
    (?:(?:an?|more|another|again|further|in\s+detail|simpl[ey]r?|clearly|in\s+(?:other|simple|plain)\s+words)\b\s*)*
    (?:\s*(?:about|of)\s+(?:it|that|this))?(?:\s*(?:examples?|details?|one|please)\b)*|more(?:\s+(?:details?|examples?|please))*|
    (?:please\s+)?(?:explain|elaborate|go\s+on|continue)(?:\s+please)?|(?:for|an|another|one\s+more)\s+example|such\s+as|like\s+what|
    why\s+not|how\s+come|how\s+so|what\s+(?:do|did)\s+you\s+mean(?:\s+by\s+(?:that|this|it))?|what\s+does\s+(?:it|that|this)\s+mean|
    what\s+for|what\s+else|anything\s+else|
    (?:расскажи|объясни|поясни|скажи|приведи|дай)(?:те)?
    (?:\s+(?:мне|это|об\s+этом|ещё|еще|больше|подробнее|проще|понятнее|другими\s+словами|другой|пример))*|
    (?:ещё|еще|подробнее|дальше|продолжай|например|в\s+смысле|пример|почему\s+нет|как\s+это|что\s+это\s+значит|
    что\s+ты\s+имеешь\s+в\s+виду|зачем\s+это)(?:\s+(?:ещё|еще|пример|раз|подробнее))*)\W*""",
    re.IGNORECASE | re.VERBOSE,
)
"""A whole message that asks for more of what was said."""
_POINTER: Final = re.compile(
    r"""\b(?:it|its|that|this|these|those|they|them|their|he|she|him|her|there|(?:which|that|this|other|another)\s+one|the\s+same|
    он|она|оно|они|его|ему|им|её|ее|ей|их|это|этого|этому|этим|этом|этот|эта|эту|эти|этих|то\s+же|так|там)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_POINTS_AT_NOTHING: Final = re.compile(
    r"""\b(?:is|was|does|would|will|can|could|has)\s+it\s+(?:\w+\s+){0,2}?(?:to|that|if|when|take|matter)\b|
    \bit(?:'s|\s+is|\s+was)\s+(?:\w+ing\b|\w+\s+(?:outside|to|that)\b)|\bwhat\s+time\s+is\s+it\b|
    \b(?:is|are)\s+there\b|\bthere\s+(?:is|are)\b|\b(?:this|that)\s+(?:day|week|month|year|morning|evening|night|weekend)\b|
    \bэт(?:ой|ом|от|у)\s+(?:недел\w+|месяц\w*|год\w*|вечер\w*|утр\w+|ноч\w+)\b|\bтак\s+(?!же\b)\w+""",
    re.IGNORECASE | re.VERBOSE,
)
"""Words like those that point, which stand for nothing that was said: "is it safe to run?"."""
_THANKS: Final = re.compile(
    r"^\W*(?:(?:ok(?:ay)?|great|well|ок|ну)\W+)?(?:thanks?|thank\s+you|thx|cheers|bye|goodbye|good\s+night|"
    r"спасибо|благодарю|пока|до\s+свидания)\b[^?]*$",
    re.IGNORECASE,
)
_REACTION: Final = re.compile(
    r"""^\W*(?:great|good|nice|cool|awesome|perfect|wow|ok(?:ay)?|alright|got\s+it|i\s+see|sounds|fine|sure|understood|
    (?:that|it|this)\s+(?:makes\s+sense|helps?|helped)|lol|haha|i'?ll\s+(?:try|do)|i\s+(?:like|love)\s+(?:it|that|this)|
    круто|класс|супер|отлично|понял\w*|понятно|ясно|ладно|договорились|попробую|так\s+и\s+сделаю|мне\s+нравится)\b
    |\b(?:that|this|it)(?:'s|\s+is|\s+was|\s+sounds?)\s+(?:\w+\s+){0,2}?(?:useful|helpful|great|good|nice|cool|interesting|
    funny|perfect|right|true|clear|amazing|brilliant|kind|wrong|stupid|useless)\W*$
    |\b(?:это|очень)\s+(?:\w+\s+){0,2}?(?:помогло|полезно|интересно|здорово|верно|правильно|смешно)\W*$""",
    re.IGNORECASE | re.VERBOSE,
)
"""What is said about an answer, where nothing is asked."""
_ASKS_SOMEWHERE: Final = re.compile(
    r"\?|\b(?:why|how|when|where|what|which|who|if|but|почему|зачем|как|когда|где|что|какой|какая|какие|сколько|если|но)\b",
    re.IGNORECASE,
)
_WHICH: Final = re.compile(
    r"\W*(?:(?:at|in|on|for|by|with|в|во|на|с|со|до|от|по|за)\s+)?(?:how\s+(?:many|much)|which|what|whose|"
    r"сколько|скольк\w+|как(?:ой|ая|ое|ие|ого|ом|ую|их|ими|им))\s+[^\W\d_]+\W*",
    re.IGNORECASE,
)
"""A whole question for one thing of a kind: "how many sets?", "at what age?"."""
_MAX_WORDS: Final = 8
"""Of a question that names no subject."""
_MAX_POINTING_STEMS: Final = 2
"""Words with a subject of their own that a message may have beside the one that points; with more it stands alone."""
_WHOLE_SUBJECT: Final = 2
"""Words with a subject of its own from which a message may be a whole question."""


def follows_up(message: str) -> bool:
    """Whether a message is to be understood, and searched for, with what was said before it.

    It may still name a subject of its own: "and what about stairs?".
    """
    if says_thanks(message):
        return False
    if asks_about_answer(message) is not None:
        return True
    words = words_of(message)
    if not words or not asks_for_facts(message):
        return False
    if _MORE.fullmatch(message) or _WHICH.fullmatch(message) or _OPENER.match(message):
        return True
    if not SECOND_PERSON.isdisjoint(words):
        return False
    own = own_subject(message)
    if _POINTER.search(_POINTS_AT_NOTHING.sub(" ", message)) and len(own) <= _MAX_POINTING_STEMS:
        return True
    names_nothing = not own and not analyse(message).numbers and len(words) <= _MAX_WORDS
    return names_nothing and (is_question(message) or len(words) == 1)


def stands_alone_too(message: str) -> bool:
    """Whether a message that goes on from what was said has a subject of its own, and may be a whole question: "and why
    is ice slippery?"."""
    return len(own_subject(message)) >= _WHOLE_SUBJECT


def without_opener(message: str) -> str:
    """A message without the words that only tie it to what was said: "and", "but what about", «а»."""
    while (shorter := _OPENER.sub("", message, count=1).strip()) != message.strip() and words_of(shorter):
        message = shorter
    return message


def own_subject(message: str) -> frozenset[str]:
    """The stems of a message that say what it is about: without those that only ask how much, when or how well."""
    return analyse(message).stems - LIGHT_STEMS


def says_thanks(message: str) -> bool:
    """Whether a message thanks, praises or judges what was said, and asks nothing."""
    if _THANKS.match(message):
        return True
    return _REACTION.search(message) is not None and _ASKS_SOMEWHERE.search(message) is None
