"""Which newer facts end older ones."""

import pytest

from bot.memory.superseding import supersedes


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("I moved to Berlin.", "I live in Kazan."),
        ("Я переехала в Омск из Твери", "Живу в Твери"),
        ("Я переехал в Берлин", "I live in Kazan"),
        ("My new phone is +7 903 111 22 33", "My phone number is +7 916 123-45-67"),
        ("I weigh 79 kg", "My weight is 82 kg"),
        ("My garage pin is 7777", "The PIN code for the garage door is 4821"),
        ("I got a new job at Google", "I work at Acme"),
    ],
)
def test_a_new_value_of_the_same_thing_ends_the_old_one(new: str, old: str) -> None:
    assert supersedes(new, old)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("My cellar pin is 7777", "The garage PIN is 4821"),
        ("I work at Google", "I work at Acme"),
        ("My friend is Oleg", "My friend is Anna"),
        ("My dog is Rex", "My dog is Tom"),
        ("My wife's phone is +7 903 765-43-21", "My phone is 8 916 1234567"),
        ("If I moved to Berlin", "I live in Kazan"),
        ("My sister moved to Berlin", "I live in Kazan"),
        ("I visited Berlin", "I live in Kazan"),
        ("I live in Kazan with Anna", "I live in Kazan"),
        ("I like coffee", "I like tea"),
    ],
)
def test_other_facts_stay(new: str, old: str) -> None:
    assert not supersedes(new, old)
