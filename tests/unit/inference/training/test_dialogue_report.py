"""What is told of dialogues before training: repetitions and leaks that are there, and none that are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.training.dialogues import Dialogue
from inference.training.languages import TextLanguage, tell_language
from inference.training.message import DialogueMessage
from inference.training.report import DialogueSet, examine
from inference.training.similarity import NearTexts, normalise

TRAIN, HELDOUT = Path("d/core.train.jsonl"), Path("d/core.heldout.jsonl")
TEXTS = [
    ("How do I stop putting off the big report at work?", "Write one ugly page tonight, because it can be corrected."),
    ("Why does my bread come out so dense and heavy?", "The dough did not rest. Give it two more hours by the stove."),
    ("Как мне перестать откладывать большой отчёт?", "Напиши сегодня три первых предложения, плохих и честных."),
    ("Почему хлеб получается плотным и тяжёлым?", "Тесто не отдохнуло. Дай ему ещё два часа возле тёплой печи."),
]


def dialogue(*texts: str, line: int = 1, learn: bool = True) -> Dialogue:
    roles = ("user", "assistant") * (len(texts) // 2)
    return Dialogue(
        tuple(DialogueMessage(role, text, learn=learn) for role, text in zip(roles, texts, strict=True)), line
    )


def dialogues(*pairs: tuple[str, ...]) -> list[Dialogue]:
    return [dialogue(*pair, line=number) for number, pair in enumerate(pairs, 1)]


def repeated(*pairs: tuple[str, ...]) -> list[tuple[bool, int, int]]:
    found = examine(DialogueSet(TRAIN, dialogues(*pairs))).repetitions
    return [(repetition.is_exact, repetition.here.line, repetition.there.line) for repetition in found]


def leaked(trained: list[tuple[str, ...]], heldout: list[tuple[str, ...]]) -> list[tuple[str, bool, str, str]]:
    report = examine(DialogueSet(TRAIN, dialogues(*trained)), [DialogueSet(HELDOUT, dialogues(*heldout))])
    return [(leak.part, leak.is_exact, str(leak.here), str(leak.there)) for leak in report.leaks]


def test_clean_dialogues_have_neither_repetitions_nor_leaks() -> None:
    assert repeated(*TEXTS) == []
    assert leaked(TEXTS[::2], TEXTS[1::2]) == []


def test_repetitions_are_found_with_their_lines() -> None:
    shouted = (TEXTS[0][0].upper(), TEXTS[0][1].replace(",", " —"))
    changed = (TEXTS[2][0], TEXTS[2][1].replace("честных", "честные"))
    assert repeated(*TEXTS, shouted, changed) == [(True, 5, 1), (False, 6, 3)]


def test_other_numbers_and_short_texts_are_not_near() -> None:
    question = "What is the sum of {} and of forty-two, in one word?"
    assert repeated((question.format(17), "Fifty-nine."), (question.format(71), "Fifty-nine.")) == []
    assert repeated(("Is it cold?", "Yes."), ("Is it bold?", "Yes.")) == []
    assert repeated(("Is it cold?", "Yes."), ("is it cold", "yes")) == [(True, 2, 1)]


def test_leaked_questions_and_answers_are_found() -> None:
    asked = (TEXTS[0][0].lower(), "Something else is said here, and at some length.")
    said = ("Another question altogether, with nothing in common?", TEXTS[1][1])
    nearly = (TEXTS[2][0].replace("большой", "больший"), "Здесь сказано совсем другое и о другом.")
    assert leaked(TEXTS, [asked, said, nearly]) == [
        ("question", True, "core.heldout.jsonl:1", "core.train.jsonl:1"),
        ("answer", True, "core.heldout.jsonl:2", "core.train.jsonl:2"),
        ("question", False, "core.heldout.jsonl:3", "core.train.jsonl:3"),
    ]


def test_short_answers_and_follow_ups_in_both_parts_are_no_leak() -> None:
    first = (
        "Shall I run when it rains this hard?",
        "Yes.",
        "Why?",
        "Rain is only water, and you are not salt.",
    )
    other = ("May I eat bread before I go to sleep?", "Yes.", "Why?", "Hunger wakes more people than supper ever did.")
    assert leaked([first], [other]) == []
    assert leaked([("Hello", "Sit down and tell me what is wrong.")], [("Hello", "You look tired today, friend.")]) == [
        ("question", True, "core.heldout.jsonl:1", "core.train.jsonl:1")
    ]


def test_leaks_from_what_is_rehearsed_are_found() -> None:
    core = DialogueSet(Path("core.train.jsonl"), dialogues(TEXTS[0]))
    report = examine(DialogueSet(TRAIN, dialogues(TEXTS[1])), [DialogueSet(HELDOUT, dialogues(TEXTS[0]))], [core])
    assert [str(leak.there) for leak in report.leaks] == ["core.train.jsonl:1"]


def test_figures() -> None:
    system = DialogueMessage("system", "Be brief.")
    some = [
        dialogue("Why is it so?", "Because it is so and not otherwise."),
        dialogue("Why is it so?", "Nobody should learn this.", learn=False, line=2),
        dialogue("Why is it so?", "Потому что так заведено.", line=3),
        Dialogue((system, *dialogue("Почему?", "<think>\nwell\n</think>\n\n…").messages), line=4),
        Dialogue((DialogueMessage("user", "Why?", name="anna"), DialogueMessage("assistant", "So.")), line=5),
    ]
    report = examine(DialogueSet(TRAIN, some))
    assert (report.dialogues, report.learnt_answers, report.read_answers, report.without_lesson) == (5, 4, 1, 1)
    assert [passage.line for passage in report.wordless_answers] == [4]
    assert [passage.line for passage in report.other_language_answers] == [3]
    assert (report.reasoning_answers, report.named_messages) == (1, 1)
    assert (report.own_systems, report.different_systems) == (1, 1)
    assert report.languages == {TextLanguage.ENGLISH: 2, TextLanguage.RUSSIAN: 1, TextLanguage.NONE: 1}
    assert report.answers is not None
    assert (report.answers.median_words, report.answers.longest_words, report.answers.longest_line) == (4, 7, 1)


def test_nothing_can_be_reported_on_too() -> None:
    report = examine(DialogueSet(TRAIN, []), [DialogueSet(HELDOUT, [])])
    assert (report.dialogues, report.questions, report.answers, report.heldout, report.leaks) == (0, None, None, 0, [])


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Тесто не отдохнуло.", "ru"),
        ("Настрой LoRA с rank 8 и смотри на loss, а потом попробуй ещё раз с другими данными.", "ru"),
        ("The dough did not rest.", "en"),
        ("Squats", "en"),
        ("Скажи this in English, please, а потом и по-русски", "mixed"),
        ("Чому хліб виходить такий щільний і важкий?", "other"),
        ("Warum wird mein Brot immer so dicht und schwer, und was soll ich dagegen tun?", "other"),
        ("なぜパンが重いのですか", "other"),
        ("42 …", "no words"),
    ],
)
def test_languages(text: str, language: str) -> None:
    assert tell_language(text) == language


@given(st.lists(st.text(), max_size=6))
def test_any_text_is_near_itself(texts: list[str]) -> None:
    known = NearTexts()
    for key, text in enumerate(texts):
        known.add(normalise(text), key)
    for text in texts:
        found = known.find_equal(normalise(text))
        assert found is not None
        assert normalise(texts[found]) == normalise(text)
        known.find_near(normalise(text))
        tell_language(text)
