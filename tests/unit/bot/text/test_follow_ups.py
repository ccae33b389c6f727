"""Which messages go on from what was said before, by kind, in both languages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.text.follow_ups import follows_up, own_subject, says_thanks, stands_alone_too, without_opener

BEGIN_AS_ONE_GOES_ON = """
    and after that? | what about my shoulder? | how about swimming | but why? | or should I wait? | then what
    even if I am seventy? | ok, and how long | What if it snows? | so how do I lift more then | for how long?
    does it matter if I'm a woman
    А если болит? | а зимой? | и что потом? | но почему | или лучше подождать? | а что если нет времени | тогда сколько
    даже если мне семьдесят? | как насчёт плавания? | ну а дети?
"""
POINT_AT_WHAT_IS_NOT_IN_THEM = """
    is that safe? | does it work? | can I do them daily? | it still hurts | where are they kept? | why does he say so
    is this enough | Does cold water do the same? | это опасно? | он вредный? | можно делать это каждый день?
"""
NAME_NO_SUBJECT = """
    why? | how often? | how long does it take? | which exercise first? | how fast is safe? | what is better? | when?
    how many sets? | at what age? | where do I start? | how much is enough | сколько раз? | как часто? | зачем? | когда?
    сколько минут? | с чего начать? | что лучше? | можно каждый день? | почему так?
"""
ASK_FOR_MORE = """
    tell me more | for example? | why not? | what do you mean? | can you give me another example? | explain | how so?
    подробнее | например? | ещё пример | расскажи подробнее | в смысле?
"""
STAND_ALONE = """
    How do I start running? | What is friction? | Is it safe to run in the cold? | why is the sky blue | what is insulin
    How do I lose five kilos? | Can I train when I have a cold? | Are there good exercises for the back?
    Is it true that muscle turns into fat? | Как начать бегать с нуля? | Что такое инерция? | Почему небо голубое?
    Сколько воды пить? | Можно ли бегать в дождь?
"""
SMALL_TALK = """
    thanks! | Thank you, that was useful | how are you | hi | good night | who are you? | who made you? | are you a bot?
    do you ever get tired? | great | that makes sense | cool, I'll try that | that was helpful | ok bye, see you
    good answer | wow | lol | спасибо, помогло | понятно | круто | это было полезно | как дела? | кто ты? | до встречи
"""


def listed(text: str) -> list[str]:
    return [message.strip() for line in text.splitlines() for message in line.split("|") if message.strip()]


@pytest.mark.parametrize("kind", [BEGIN_AS_ONE_GOES_ON, POINT_AT_WHAT_IS_NOT_IN_THEM, NAME_NO_SUBJECT, ASK_FOR_MORE])
def test_what_goes_on_from_what_was_said(kind: str) -> None:
    assert [message for message in listed(kind) if not follows_up(message)] == []


@pytest.mark.parametrize("kind", [STAND_ALONE, SMALL_TALK])
def test_what_stands_alone(kind: str) -> None:
    assert [message for message in listed(kind) if follows_up(message)] == []


@settings(max_examples=60)
@given(
    st.sampled_from(["and {}?", "What about {}?", "how about {}", "But {}?", "what if it is {}?", "or {}?"]),
    st.sampled_from(["rowing", "cold days", "my left foot", "two sessions a week", "people over fifty", "the stairs"]),
    st.sampled_from(["", "ok, ", "Well, ", "yes "]),
)
def test_an_opener_decides_whatever_follows(opener: str, subject: str, before: str) -> None:
    assert follows_up(before + opener.format(subject))


@settings(max_examples=60)
@given(
    st.sampled_from(["thanks", "Thank you", "thx", "ok thanks", "Спасибо", "ну спасибо"]),
    st.sampled_from(["", "!", ", that helped", " a lot", ", это мне поможет", ", it was what I needed"]),
)
def test_thanks_go_on_from_nothing(thanks: str, rest: str) -> None:
    assert says_thanks(thanks + rest)
    assert not follows_up(thanks + rest)


def test_thanks_with_a_question_are_a_question() -> None:
    assert follows_up("thanks, and how often?") == follows_up("and how often?")
    assert follows_up("Good, and how often?")


def test_a_message_may_go_on_and_still_name_a_subject() -> None:
    assert own_subject("and what about rowing machines?") == own_subject("rowing machines")
    assert own_subject("how long does it take?") == frozenset()


def test_a_message_that_goes_on_may_be_a_whole_question_of_its_own() -> None:
    assert stands_alone_too("and why is ice so slippery?")
    assert not stands_alone_too("and on ice?")
    assert without_opener("and why is ice so slippery?") == "why is ice so slippery?"
    assert without_opener("а почему лёд скользкий") == "почему лёд скользкий"
    assert without_opener("and?") == "and?"


def test_contractions_of_pronouns_are_no_subject() -> None:
    assert own_subject("what if I'm a woman?") == own_subject("what if a woman?")
