"""What a memory is worth as evidence by its text: requests ask for what they do not say, and some answers know nothing.

`bot.memory.scoring` sees whether a message ends with a question mark. People leave it out, and also ask by requests:
"tell me my pin again", «напомни, когда рейс».
"""

from __future__ import annotations

import re
from typing import Final

from bot.memory.statements import Word, read_units
from bot.text.framing import frame_of
from bot.text.sentences import split_sentences
from db.memory.memories import Memory

REQUEST_WORTH: Final = 0.4
"""What the score of a mere request is multiplied by, as that of a question is."""
IGNORANCE_WORTH: Final = 0.2
"""The same for an answer that says that it does not know, besides what any answer is worth."""
REPETITION_WORTH: Final = 0.25
"""The same for a question that asks what is being asked, besides what any question is worth."""
_MIN_REPEATED_SHARE: Final = 0.5
"""Share of its words that such a question has in common with the one that is asked."""
_MAX_CHARACTERS: Final = 300
"""Longer texts say more than they ask."""

_REQUEST: Final = re.compile(
    r"^\W*(?:(?:and|so|ok|okay|please|now|again|а|и|ну|так|пожалуйста)[,\s]+)*(?:"
    r"(?:tell|remind|show|give|say|repeat|name|list)\s+(?:me|us|it|again|of)\b|(?:can|could|do)\s+you\b|i\s+forg[eo]t\b|"
    r"(?:what|which|who|whom|whose|when|where|why|how)(?:['’]s|['’]re)?\b(?!.*,)|(?:name|number|date|time|code)\s+of\b|"
    r"(?:напомни|скажи|подскажи|назови|повтори|покажи|расскажи)(?:те)?\b|не\s+помню\b|я\s+забыл\w*\b|"
    r"(?:что|кто|где|когда|куда|откуда|как|какой|какая|какое|какие|чей|чья|чьё|сколько|почему|зачем|во\s+сколько)\b(?!.*,))",
    re.IGNORECASE,
)
_IGNORANCE: Final = re.compile(
    r"(?<!\w)(?:(?:do|does|did)(?:\s+not|n['’]t)\s+(?:know|have|recall|remember)|(?:have|has)\s+no\s+(?:information|record|data|memory|"
    r"way)|no\s+(?:information|record|data)\s+(?:on|of|about)|not\s+(?:sure|aware|told)|cannot\s+(?:recall|know|tell)|can['’]t\s+"
    r"(?:recall|know|tell)|unknown\s+to\s+me|haven['’]t\s+told|не\s+(?:знаю|помню|знал\w*|могу\s+знать)|неизвест\w+|"
    r"нет\s+(?:данных|сведений|информации|записей)|вы\s+(?:мне\s+)?не\s+(?:говорили|сообщали|называли))(?!\w)",
    re.IGNORECASE,
)


def worth_of(memory: Memory, question: str, *, about_questions: bool = False) -> float:
    """What the score of a recalled memory is multiplied by, 0 to 1: 1 for all but requests and ignorance.

    Args:
        question: what is asked now.
        about_questions: whether questions are what is asked for.
    """
    if memory.kind != "episode" or memory.speaker is not None or len(memory.content) > _MAX_CHARACTERS:
        return 1.0
    if memory.voice == "mind":
        return IGNORANCE_WORTH if _IGNORANCE.search(memory.content) else 1.0
    if about_questions or not _only_asks(memory.content):
        return 1.0
    is_counted = memory.content.rstrip().endswith("?")
    worth = 1.0 if is_counted else REQUEST_WORTH
    words, asked = _content(memory.content), _content(question)
    common = sum(any(word.matches(other) for other in asked) for word in words)
    return worth * REPETITION_WORTH if words and common >= _MIN_REPEATED_SHARE * len(words) else worth


def _content(text: str) -> list[Word]:
    statements = [unit.statement for unit in read_units(text)]
    names = [Word(name, None) for statement in statements for name in statement.names]
    return [*(word for statement in statements for word in statement.words), *names]


def _only_asks(text: str) -> bool:
    sentences = split_sentences(text)
    return bool(sentences) and all(_REQUEST.match(each) or frame_of(each) == "question" for each in sentences)
