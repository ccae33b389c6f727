"""Words without content of their own, in lower case, ё written as е.

Three lists, because three comparisons were measured with them: a wider list would change what is cited, remembered and
recalled. They share one base, and each names what it adds.
"""

from __future__ import annotations

from typing import Final

from bot.text.negation import NEGATIONS
from bot.text.words import word_set

_BASE: Final = word_set("""
    a about am an and are at be been did do does had has have how i in is it me my of on or our so that the there this
    to us was we were what when where which who why with you your
    а был была были было в вам вас вы есть же и к как ли меня мне мной мои мой моя мы на нам нас о об с твой тебе тебя
    ты у что это я
""")
"""In all three lists."""

_STATEMENT_WORDS: Final = word_set("""
    also as being but by can could for from having he her here hers him his if its just may might mine must myself she
    should than their them then these they those too very will would
    будет буду будут бы быть ваш во для до его ее ей ему еще за из или им их ко мое над наш наша ней ним но он она они
    от очень по под при свой своя со та так также там те то тоже тот тут уже через чтобы эта эти этот
""")
"""Third persons, modal verbs and links between clauses: what statements have, and questions rarely."""

_INTERROGATIVES: Final = word_set("""
    all any whom whose
    где зачем какая какие какое какой когда кого кто почему чего чем этого
""")

_FURTHER: Final = word_set("""
    after again because before between both done down during each every into many more most much off one ones only
    ours out over own s same shall some such t under until up ups while yours
    i'm i've i'd i'll you're you've you'd we're we've they're they've im ive
    вами ваша ваше вашего весь все всем всех вся если здесь каждая каждое каждый каких каком какую кому лишь моего моей
    можно надо нами наше наши нем ними нужно один одна одно одного одной сам сама сами свое своего свои себе себя
    сколько такая такие такое такой твоя того той только этой
""")
"""Quantifiers, adverbs and rarer forms, with the end of push-ups. They decide nothing between passages of a library."""

STOP_WORDS: Final = _BASE | _STATEMENT_WORDS | _INTERROGATIVES | _FURTHER | NEGATIONS
"""For comparing a sentence with a passage of the library."""

STATEMENT_STOP_WORDS: Final = (
    _BASE
    | _STATEMENT_WORDS
    | word_set("no not never не нет ни никогда")
    | word_set("user person пользователь пользователя человек человека своей свою")
)
"""For comparing a noted fact with the message it comes from: without the words that stand for its speaker."""

QUESTION_STOP_WORDS: Final = (
    _BASE
    | _INTERROGATIVES
    | word_set("""
        ask asked discuss discussed happen happened mention mentioned recall remember said say saying speak speaking
        spoke talk talked talking tell telling told write wrote
        вспомни говорил говорила говорили говорить ком написал написала напомни обо обсуждал обсуждала обсуждали писал
        писала помнишь рассказал рассказала рассказывал рассказывала сказал сказала сказали спрашивал спрашивала
        спросил спросила упоминал упоминала этом
    """)
)
"""For telling whether a question has a topic: without words for saying and remembering. Of "what did I say last week?"
nothing but the time is left."""
