"""Whose words a sentence is, and whether it states anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text.framing import read_sentences

STATEMENTS = (
    ("I am allergic to nuts", "у меня аллергия на орехи"),
    ("I live in Kazan", "я живу в Казани"),
    ("I own a boat", "у меня есть лодка"),
    ("my salary is 5400 euros", "моя зарплата 5400 евро"),
)
FRAMES = (
    "My wife said: {en}.",
    'My wife told me "{en}" yesterday.',
    "Anna: {en}",
    "He wrote: {en}.",
    "If {en}, what then.",
    "Imagine {en}.",
    "Suppose that {en}.",
    "Let's pretend {en}.",
    "Translate: {en}.",
    "> {en}",
    "I dreamt that {en}.",
    "{en}? ",
    "Forwarded message\n{en}",
    "You are a pirate. {en}.",
    "Жена сказала: {ru}.",
    "Мой друг пишет: «{ru}».",
    "Если бы {ru}.",
    "Представь, что {ru}.",
    "Допустим, {ru}.",
    "Переведи: {ru}.",
    "Мне приснилось, что {ru}.",
    "Давай представим, что {ru}.",
    "«{ru}», — сказала жена.",
    "Анна: {ru}",
)
OWN = (
    "{en}.",
    "Hello! {en}. How are you?",
    "Note: {en}.",
    "I said that {en}.",
    "Кстати: {ru}.",
    "{ru}. Что мне делать?",
    "Я говорил, что {ru}.",
)


def own(text: str) -> str:
    return " ".join(sentence.text for sentence in read_sentences(text) if sentence.frame == "own").lower()


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("statement", STATEMENTS)
def test_framed_words_are_no_statement_of_the_writer(frame: str, statement: tuple[str, str]) -> None:
    english, russian = statement
    said = own(frame.format(en=english, ru=russian))
    assert english.lower() not in said
    assert russian.lower() not in said


@pytest.mark.parametrize("frame", OWN)
@pytest.mark.parametrize("statement", STATEMENTS)
def test_own_words_are(frame: str, statement: tuple[str, str]) -> None:
    english, russian = statement
    said = own(frame.format(en=english, ru=russian))
    assert english.lower() in said or russian.lower() in said


def test_a_scene_goes_on_and_a_name_in_quotation_marks_does_not_begin_one() -> None:
    assert own("Imagine I work at Acme. I have ten employees. What should I do?") == ""
    assert own("I work at «Ромашка». I like it.") == "i work at «ромашка». i like it."


def test_what_somebody_is_said_to_have_said_is_told_apart() -> None:
    frames = [sentence.frame for sentence in read_sentences("The doctor said I have diabetes. I take pills.")]
    assert frames == ["indirect", "own"]


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    for sentence in read_sentences(text):
        assert sentence.text
