"""Each comparison of texts keeps its own list of stop words over the common base."""

import pytest

from bot.text.stop_words import QUESTION_STOP_WORDS, STATEMENT_STOP_WORDS, STOP_WORDS


@pytest.mark.parametrize(
    ("word", "in_library", "in_statements", "in_questions"),
    [
        ("the", True, True, True),
        ("что", True, True, True),
        ("would", True, True, False),
        ("ее", True, True, False),
        ("whom", True, False, True),
        ("почему", True, False, True),
        ("without", True, False, False),
        ("нельзя", True, False, False),
        ("never", True, True, False),
        ("user", False, True, False),
        ("пользователя", False, True, False),
        ("remember", False, False, True),
        ("говорил", False, False, True),
        ("bread", False, False, False),
    ],
)
def test_stop_word_lists(word: str, *, in_library: bool, in_statements: bool, in_questions: bool) -> None:
    assert (word in STOP_WORDS) is in_library
    assert (word in STATEMENT_STOP_WORDS) is in_statements
    assert (word in QUESTION_STOP_WORDS) is in_questions


def test_stop_words_are_folded() -> None:
    words = STOP_WORDS | STATEMENT_STOP_WORDS | QUESTION_STOP_WORDS
    assert all(word == word.lower() and "ё" not in word for word in words)
