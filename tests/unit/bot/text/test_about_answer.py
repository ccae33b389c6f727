"""What a message asks of the answer before it is told from a question that has a subject."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.about_answer import AboutAnswer, asks_about_answer
from bot.text.follow_ups import follows_up

ABOUT_ANSWER = {
    AboutAnswer.SHORTER: (
        "make it short",
        "Can you sum it up?",
        "in one sentence please",
        "too long",
        "too long, one sentence pls",
        "ok and in short, what do I do",
        "короче",
        "а если в двух словах?",
        "много букв",
    ),
    AboutAnswer.OTHERWISE: (
        "explain it in simple words please",
        "I don't get it",
        "can you say that in plain words, I'm 71 and no scientist",
        "What do you mean?",
        "could you put that differently",
        "объясни проще",
        "я не понял",
        "а на пальцах?",
    ),
    AboutAnswer.EXAMPLE: ("give me an example", "any other examples?", "приведи пример из жизни", "например?"),
    AboutAnswer.INSTEAD: (
        "tried that, it doesn't work",
        "I already did that",
        "did that, came straight back on day one",
        "it didn't help at all",
        "is there another way?",
        "не помогает",
        "пробовала уже",
        "а другие варианты есть?",
    ),
    AboutAnswer.DOUBT: (
        "are you sure?",
        "my doctor says otherwise",
        "is that really true",
        "are you sure? everybody at my gym says the opposite",
        "that's not what we were taught at school",
        "I read the opposite in a book",
        "точно?",
        "врач сказал наоборот",
        "откуда ты это знаешь?",
    ),
}
OF_ITS_OWN = (
    "How do I explain physics in simple words to my son?",
    "Is it true that creatine harms the kidneys?",
    "What else should I eat before a run?",
    "why does nothing work when I try to lose weight",
    "Give me an example of a lever",
    "I don't understand how a lever works",
    "How do you know when dough is ready?",
    "как коротко подстричься",
    "Что ещё съесть перед бегом?",
    "Can I do it in a shorter time?",
    "Why?",
    "thanks",
    "",
)


@pytest.mark.parametrize(("kind", "message"), [(kind, each) for kind, some in ABOUT_ANSWER.items() for each in some])
def test_what_is_asked_of_an_answer_is_read(kind: AboutAnswer, message: str) -> None:
    assert asks_about_answer(message) is kind
    assert follows_up(message)


@pytest.mark.parametrize("message", OF_ITS_OWN)
def test_a_question_with_a_subject_asks_nothing_of_the_answer(message: str) -> None:
    assert asks_about_answer(message) is None


@given(
    st.sampled_from([each for some in ABOUT_ANSWER.values() for each in some]),
    st.sampled_from(["barbell, squat, rope, belt", "magnet, iron, tin, gold", "тяга, присед, верёвка, гиря"]),
)
def test_words_with_a_subject_make_any_of_them_a_question_of_its_own(message: str, subject: str) -> None:
    assert asks_about_answer(f"{message} {subject}") is None
