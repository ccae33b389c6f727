"""What a message asks for: facts, or something that is made of words."""

from __future__ import annotations

import re
from typing import Final

from bot.text.sentences import split_sentences

_MAX_CHARACTERS: Final = 1_000
"""Characters at the beginning and at the end of a message that are read."""
_POLITE: Final = r"""
    (?:(?:please|pls|hey|hi|hello|ok|okay|now|so|well|can|could|would|will|you|kindly|just|i\s+want\s+you\s+to|let'?s|
    help\s+me(?:\s+to)?|пожалуйста|привет|ну|а|так|теперь|можешь|можете|можно|мог(?:ла|ли)?|бы|ты|вы|не|мне|нам|прошу|
    помоги(?:те)?|давай(?:те)?|хочу|чтобы|briefly|quickly|shortly|кратко|коротко|быстро|вкратце)[\s,!.:—-]+)*
"""
_ON_TEXT: Final = r"""
    translate|re-?write|re-?phrase|paraphrase|proof-?read|correct|shorten|condense|expand|edit|
    reformulate|simplify|format|re-?format|continue|complete|repeat|spell|punctuate|classify|extract|convert|
    sort|pretend|imagine|role-?play|act\s+as|sing|rhyme|greet|encode|decode|count\s+(?:to|from|up|down)|
    say\s+(?:hi|hello|in)|переве(?:ди|дите|сти)|перепи(?:ши|шите|сать)|перефразиру(?:й|йте)|
    исправ(?:ь|ьте|ить)|отредактиру(?:й|йте)|сократи(?:те)?|дополни(?:те)?|продолж(?:и|ите)|повтор(?:и|ите)|
    упрости(?:те)?|сформатиру(?:й|йте)|преобразу(?:й|йте)|отсортиру(?:й|йте)|представь(?:те)?\s+себя|
    представь(?:те)?,?\s+что|притвори(?:сь|тесь)|сыгра(?:й|йте)|спо(?:й|йте)|посчита(?:й|йте)\s+(?:до|от)|
    сочини(?:те)?|придума(?:й|йте)|зарифму(?:й|йте)|вычисли(?:те)?|реши(?:те)?|подведи(?:те)?\s+итог|
    резюмиру(?:й|йте)|congratulate|(?:turn|put|convert|make)\s+(?:this|it|the\s+following|these)\s+(?:in|into|to)|
    (?:answer|reply|respond|speak|talk)\s+(?:as|like)|(?:play|let'?s\s+play)|what\s+rhymes\s+with|переформулиру(?:й|йте)|
    передела(?:й|йте)|поздрав(?:ь|ьте)|(?:ответь|отвечай|говори)(?:те)?\s+(?:как|по[-\s])|скажи(?:те)?\s+(?:привет|по[-\s])|
    (?:сыгра|поигра)ем|подбер(?:и|ите)\s+(?:рифм|синоним|антоним)\w*|
    how\s+(?:do|would|can)\s+(?:you|i|we|one)\s+say|what(?:\s+is|'s)\s+(?:the\s+)?[a-z]+(?:\s+word)?\s+for\s+["“«']|
    как\s+(?:будет|сказать|скажешь|переводится|пишется|произносится)\b(?=.*(?:\bпо[-\s]\w+ск[иу]|["«“]))|
    (?:explain|describe)\s+(?:this|the\s+following)\s+(?:code|image|picture|photo|joke|error)|
    (?:объясни|опиши)(?:те)?\s+(?:эт\w+|следующ\w+)\s+(?:код|картинк|изображени|фото|шутк|ошибк)\w*|
    (?:what\s+is|what's|how\s+much\s+is|calculate|сколько\s+будет)\s+\d[\d\s.,()]*[-+*/×x^÷−]
"""
_SUM_UP: Final = r"summari[sz]e|fix|check|make|перескаж(?:и|ите)|резюмиру(?:й|йте)|проверь(?:те)?|сделай(?:те)?"
_GIVEN_TEXT: Final = r"""
    this|my|the\s+following|text|above|below|conversation|chat|paragraph|grammar|spelling|it\s+(?:shorter|longer|simpler)|
    это\w*|мо[йяеию]\w*|текст\w*|абзац\w*|орфографи\w*|грамматик\w*|ошибки|разговор\w*|короче|следующ\w+
"""
_MAKE: Final = r"""
    write|compose|draft|create|make|generate|invent|tell|give|show|produce|think\s+up|come\s+up\s+with|need|
    want|напиши(?:те)?|состав(?:ь|ьте)|созда(?:й|йте)|расскаж(?:и|ите)|сдела(?:й|йте)|сгенериру(?:й|йте)|
    дай(?:те)?
"""
_MADE_OF_WORDS: Final = r"""
    poems?|poetry|verses?|haikus?|limericks?|sonnets?|rhymes?|lyrics|songs?|stor(?:y|ies)|tales?|jokes?|
    riddles?|letters?|e-?mails?|messages?|posts?|tweets?|captions?|slogans?|titles?|headlines?|tags|speech|
    toasts?|greetings?|invitations?|dialogues?|scripts?|code|functions?|program|regex|query|sql|python|
    javascript|html|json|essay|names?\s+for|translation|
    synonyms?|antonyms?|synonyms?\s+for|summary\s+of\s+(?:this|my|the\s+(?:following|text|above))|стих\w*|поэм\w*|хокку|хайку|сонет\w*|частушк\w*|
    песн\w*|рассказ\w*|истори[юи]|сказк\w*|анекдот\w*|шутк\w*|загадк\w*|письм\w*|сообщени\w*|пост\w*|
    слоган\w*|заголов\w*|тост\w*|реч[ьи]|поздравлени\w*|приглашени\w*|диалог\w*|код\w*|функци\w*|
    программ[уы]\s+на|скрипт\w*|сочинени\w*|перевод\w*|эссе
"""
_TASK: Final = re.compile(
    rf"\W*{_POLITE}(?:(?:{_ON_TEXT})\b|(?:{_MAKE})\b(?:\W+\w+){{0,4}}?\W+(?:{_MADE_OF_WORDS})\b)"
    rf"|\W*{_POLITE}(?:{_SUM_UP})\b(?:\W+\w+){{0,2}}?\W+(?:{_GIVEN_TEXT})\b"
    r"|\W*\#+\s*(?:task|guidelines|instruction)s?\b"
    r"|.*\b(?:translate|переведи(?:те)?|summari[sz]e|rewrite|proofread|исправь(?:те)?|перефразируй(?:те)?)\b"
    r"[^.!?\n]{0,60}:",
    re.IGNORECASE | re.VERBOSE,
)
_SMALL_TALK: Final = re.compile(
    r"""\W*(?:(?:hi|hello|hey|yo|good\s+(?:morning|day|evening|afternoon|night)|thanks?(?:\s+you)?|thank\s+you|bye|goodbye|
    see\s+you|ok(?:ay)?|great|cool|nice|yes|no|sure|lol|how\s+are\s+you|how\s+is\s+it\s+going|what'?s\s+up|who\s+are\s+you|
    привет\w*|здравствуй\w*|добр(?:ый|ое|ой)\s+(?:день|утро|вечер|ночи)|доброго\s+\w+|спасибо|благодарю|пока|до\s+свидания|
    до\s+встречи|ок(?:ей)?|хорошо|понятно|ясно|да|нет|ага|угу|как\s+(?:дела|ты|вы|жизнь|настроение)|кто\s+ты|
    что\s+(?:нового|делаешь)|very\s+much|so\s+much|a\s+lot|большое|огромное|there|again|everyone|друг|всем|today|сегодня)\b
    [\s,.!?…)(:;-]*)+""",
    re.IGNORECASE | re.VERBOSE,
)


def asks_for_facts(message: str) -> bool:
    """Whether a message may be answered with what somebody wrote.

    It may not where a text is to be worked on or made up ("translate: …", "write a poem", a client's "### Task:"), as
    its first or last sentence says, and in small talk.
    """
    first, last = message[:_MAX_CHARACTERS], (split_sentences(message[-_MAX_CHARACTERS:]) or [""])[-1]
    if _TASK.match(first) or _TASK.match(last):
        return False
    return len(message) > _MAX_CHARACTERS or _SMALL_TALK.fullmatch(message) is None
