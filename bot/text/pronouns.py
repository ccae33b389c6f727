"""Pronouns by person, in Russian and English; in lower case, ё written as е."""

from __future__ import annotations

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FIRST_PERSON: Final = _words("""
    i me my mine myself i'm i've i'd i'll we us our ours we're we've
    я меня мне мной мною мой моя мое мои моего моей моему моим моих мою моими мы нас нам нами наш наша наше наши нашего
    нашей нашу наших нашим свой своя свое свои своего своей
""")
SECOND_PERSON: Final = _words("""
    you your yours yourself you're you've
    ты тебя тебе тобой твой твоя твое твои твоего твоей твою твоих вы вас вам вами ваш ваша ваше ваши вашего вашей вашу
    ваших вашим
""")
THIRD_PERSON: Final = _words("""
    he him his she her hers they them their theirs he's she's they're
    он его него ему нему им ним нем она ее нее ей ею ней они их ими них ними
""")
OWN: Final = _words("""
    my our мой моя мое мои моего моей моему моим моих мою моими наш наша наше наши нашего нашей нашу нашим
""")
"""What says that something is the speaker's own."""
ALL_PRONOUNS: Final = FIRST_PERSON | SECOND_PERSON | THIRD_PERSON
POSSESSIVE: Final = _words("""
    my our мой моя мое мои моего моей моему моим моих мою моими наш наша наше нашего нашей нашу у
""")
"""What stands before somebody who belongs to the speaker: "my mother", «у мамы»."""
