import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.memory.grounding import extract_own_statements, is_supported, mentions_change, word_coverage
from bot.text.words import is_same_word_form


@pytest.mark.parametrize(
    ("fact", "source"),
    [
        ("The user moved to Berlin in May", "I moved to Berlin in May!"),
        ("Works as a nurse", "I work as a nurse in Leeds."),
        ("Живёт в Твери", "Я живу в Твери, работаю медсестрой."),
        ("У пользователя болит колено", "У меня болит левое колено."),
        ("Does not drink coffee", "I don't drink coffee at all."),
        ("Не любит кофе", "Кофе не люблю."),
        ("Ran 10 km", "I ran 10 km today."),
    ],
)
def test_supported_fact(fact: str, source: str) -> None:
    assert is_supported(fact, source)


@pytest.mark.parametrize(
    ("fact", "source"),
    [
        ("Lives in Paris with two dogs", "I moved to Berlin in May."),
        ("Drinks coffee", "I don't drink coffee at all."),
        ("Does not drink coffee", "I drink coffee every morning."),
        ("Любит кофе", "Кофе не люблю."),
        ("Ran 12 km", "I ran 10 km today."),
        ("", "I ran 10 km today."),
        ("The user is a person", "I ran 10 km today."),
        ("Живёт в Москве", "Живёшь ли ты в Твери?"),
        ("Бегаю по утрам и сплю семьчики", "Я бегаю по утрам и сплю семь часов."),
    ],
)
def test_unsupported_fact(fact: str, source: str) -> None:
    assert not is_supported(fact, source)


def test_own_statements_exclude_questions_quotations_code_and_links() -> None:
    message = (
        "I live in Leeds. Do I have a dog?\n> I own a yacht\n```\nI own a castle\n```\n"
        "“I am the king of a very large country with many rivers and lakes in it.” See https://x.test/I-own-gold"
    )
    assert extract_own_statements(message) == "I live in Leeds. See"
    assert len(extract_own_statements("I run far. " * 1000)) <= 1500


@pytest.mark.parametrize("text", ["I no longer run.", "We moved house.", "Я больше не бегаю.", "Теперь живу в Омске."])
def test_text_mentions_a_change(text: str) -> None:
    assert mentions_change(text)


@pytest.mark.parametrize("text", ["I run.", "I like tea.", "Я бегаю.", "Люблю чай."])
def test_text_mentions_no_change(text: str) -> None:
    assert not mentions_change(text)


def test_forms_of_a_word_are_recognised() -> None:
    assert is_same_word_form("переехала", "переехал")
    assert is_same_word_form("running", "runnings")
    assert not is_same_word_form("кот", "который")
    assert not is_same_word_form("berlin", "bernard")


@given(st.text(max_size=300))
def test_any_message_is_accepted(message: str) -> None:
    statements = extract_own_statements(message)
    assert not is_supported("", statements)
    assert word_coverage(statements.split(), statements.split()) in (0.0, 1.0)
