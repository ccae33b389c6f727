"""What is not worth learning is left out, each for its reason; what is worth it stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.authoring.candidates import Candidate, Origin, Turn
from bot.authoring.filters import Filter, Rules
from bot.authoring.reasons import Reason

RULES = Rules(("ru", "en"), others_words=True)
GOOD = "Начни с двадцати минут шагом и не гонись за скоростью"


def dialogue(answer: str, question: str = "Как начать бегать?", origin: Origin = Origin.CHAT) -> Candidate:
    return Candidate("id", origin, "result.json", "s:0", (Turn("user", question), Turn("assistant", answer)))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (GOOD, None),
        ("Walk for twenty minutes first, and do not chase speed", None),
        ("Привет! Спасибо большое 🙂", Reason.PLEASANTRY),
        ("ok thanks!", Reason.PLEASANTRY),
        ("https://example.com/a", Reason.SPAM),
        ("#реклама Купите кроссовки, промокод АННА10", Reason.SPAM),
        ("Ich bin müde, aber es war ein schöner Lauf, und morgen laufe ich wieder durch den Wald", Reason.LANGUAGE),
        ("Вряд ли", Reason.SHORT),
        ("   ", Reason.NOTHING_LEARNT),
    ],
)
def test_reasons(answer: str, reason: Reason | None) -> None:
    assert Filter(RULES).judge(dialogue(answer), 0) is reason


def test_a_language_is_foreign_only_to_a_mind_that_does_not_speak_it() -> None:
    assert Filter(replace(RULES, languages=("en",))).judge(dialogue(GOOD), 0) is Reason.LANGUAGE
    german = dialogue("Ich bin müde, aber es war ein schöner Lauf, und morgen laufe ich wieder durch den Wald")
    assert Filter(replace(RULES, languages=("ru", "de"))).judge(german, 0) is None


def test_words_of_others_need_the_operators_say() -> None:
    careful = replace(RULES, others_words=False)
    assert Filter(careful).judge(dialogue(GOOD), 0) is Reason.OTHERS_WORDS
    assert Filter(careful).judge(dialogue(GOOD, origin=Origin.MONOLOGUE), 0) is None


def test_a_dialogue_full_of_personal_data_is_private() -> None:
    assert Filter(RULES).judge(dialogue(GOOD), 4) is Reason.PRIVATE
    assert Filter(RULES).judge(dialogue(GOOD), 1) is None


def test_near_duplicates_are_dropped_and_the_same_short_answer_to_another_question_is_not() -> None:
    judge = Filter(RULES)
    assert judge.judge(dialogue(GOOD), 0) is None
    assert judge.judge(dialogue(f"{GOOD}!"), 0) is Reason.REPEATED
    assert judge.judge(dialogue("Да, каждый день", "Нужно ли спать днём после пробежки?"), 0) is None
    assert judge.judge(dialogue("Да, каждый день", "Пить ли воду перед самым стартом?"), 0) is None
