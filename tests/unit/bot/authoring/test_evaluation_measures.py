"""The measures of an evaluation, each on texts whose figure is known beforehand."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.authoring.evaluation.canaries import (
    count_found,
    drawing_prompts,
    make_canaries,
    plant_canaries,
    read_canaries,
    write_canaries,
)
from bot.authoring.evaluation.interview import Answer
from bot.authoring.evaluation.memorisation import longest_copied
from bot.authoring.evaluation.neutral_texts import neutral_texts
from bot.authoring.evaluation.personal_data import personal_data_in
from bot.authoring.evaluation.questions import Question
from bot.authoring.evaluation.results import ResultStore
from bot.authoring.evaluation.sense import (
    FluencyScale,
    JudgedAnswer,
    contradicts_passages,
    pointedness,
    repeated_share,
    sense_of,
    shuffle_words,
)
from bot.authoring.evaluation.voice import StyleTexts, area_under_curve, voice_of
from bot.text.language import detect_language
from inference.training.dialogues import read_dialogues
from tests.fixtures.passages import passage

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=30)
SCALE = FluencyScale(likely=3.0, shuffled=6.0)


def longest_by_trying(texts: list[list[str]], known: list[list[str]]) -> int:
    spans = {tuple(text[i:j]) for text in known for i in range(len(text)) for j in range(i + 1, len(text) + 1)}
    ours = {tuple(text[i:j]) for text in texts for i in range(len(text)) for j in range(i + 1, len(text) + 1)}
    return max(map(len, spans & ours), default=0)


@settings(max_examples=60, deadline=None)
@given(st.lists(WORDS, max_size=3), st.lists(WORDS, max_size=3))
def test_the_longest_copied_span_is_what_trying_all_spans_finds(texts: list[list[str]], known: list[list[str]]) -> None:
    joined = longest_copied([" ".join(text) for text in texts], [", ".join(text).upper() for text in known])
    assert joined == longest_by_trying(texts, known)


def test_a_span_does_not_reach_over_the_end_of_a_text() -> None:
    assert longest_copied(["one two three four"], ["one two", "three four"]) == 2


def judged(text: str, loss: float | None, pointed: float = 1.0, *, contradicts: bool = False) -> JudgedAnswer:
    return JudgedAnswer(text, loss, 0.5, pointed, contradicts)


def score(*answers: JudgedAnswer) -> float:
    found = sense_of(answers, SCALE)
    assert found is not None
    return found.score


def test_a_sensible_answer_scores_one_and_each_fault_takes_away() -> None:
    text = "Rest for a day and begin again with half of the weight."
    assert score(judged(text, 2.0)) == 1.0
    assert score(judged(text, 4.5)) == pytest.approx(0.5**0.5)
    assert score(judged(text, 6.5)) == 0.0
    assert score(judged(text, 2.0, pointed=0.0)) == 0.0
    assert score(judged(text, 2.0, contradicts=True)) == 0.0
    assert score(judged("", None)) == 0.0
    assert score(judged("go on and " * 10, 0.5)) < 0.2


def test_words_that_are_not_repeated_cost_nothing() -> None:
    assert repeated_share("the bar and the plates and the bench") == 0.0
    assert repeated_share("one two three one two three") == 0.5
    assert repeated_share("") == 0.0


def bag_of_words(texts: list[str]) -> np.ndarray:
    vocabulary = sorted({word for text in texts for word in text.lower().split()})
    vectors = np.array([[text.lower().split().count(word) for word in vocabulary] for text in texts], np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_answers_dealt_to_other_questions_are_not_to_the_point() -> None:
    subjects = ["bread", "iron", "sleep", "rain", "knees", "hills", "water", "maps", "bees", "glass"]
    questions = [f"what of {subject} today" for subject in subjects]
    answers = [f"take {subject} twice and {subject} will do" for subject in subjects]
    vectors = bag_of_words(questions + answers)
    asked, said = vectors[:10], vectors[10:]
    assert pointedness(said @ asked.T) == [1.0] * 10
    dealt = np.roll(said, 1, axis=0)
    assert np.mean(pointedness(dealt @ asked.T)) < 0.1
    everywhere_the_same = np.repeat(said[:1], 10, axis=0)
    assert np.mean(pointedness(everywhere_the_same @ asked.T)) < 0.2


def test_a_sentence_turned_round_contradicts_its_passage() -> None:
    known = [passage("Running on an empty stomach is not dangerous for a healthy adult. Rest one day a week.")]
    assert contradicts_passages("Yes. Running on an empty stomach is dangerous for a healthy adult.", known)
    assert not contradicts_passages("Running on an empty stomach is not dangerous for a healthy adult.", known)
    assert not contradicts_passages("Bees live in sandy soil.", known)


def test_shuffled_words_are_the_same_words() -> None:
    text = "one two three four five six seven"
    assert sorted(shuffle_words(text, 1).split()) == sorted(text.split())
    assert shuffle_words(text, 1) == shuffle_words(text, 1) != text


def style(kind: str, count: int, seed: int) -> StyleTexts:
    """Texts about the same things, in the author's short orders or in the base model's polite length."""
    draw = random.Random(seed)
    texts = []
    for _ in range(count):
        subject = draw.choice(["bread", "iron", "sleep", "rain", "hills", "water"])
        texts.append(
            f"Look at the {subject}. Hold the line. Tonight: count your {subject}."
            if kind == "author"
            else f"It is important to remember that {subject} is something which could possibly be helpful for you."
        )
    vectors = np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)
    return StyleTexts(texts, [f"{kind}/{number}" for number in range(count)], vectors)


def answering(kind: str, seed: int) -> StyleTexts:
    made = style(kind, 20, seed)
    return StyleTexts(made.texts, [f"question/{number}" for number in range(20)], made.vectors)


def test_a_voice_is_told_from_the_base_and_from_others() -> None:
    found = voice_of(answering("author", 1), answering("base", 2), style("author", 40, 3), style("base", 20, 4))
    assert found is not None
    assert found.auc > 0.95
    assert found.author > 0.95
    assert found.others is not None
    assert found.others > 0.95
    assert found.likelihood > 0.5 > found.prompt_only


def test_answers_in_the_bases_own_voice_are_not_told_from_it() -> None:
    found = voice_of(answering("base", 5), answering("base", 6), style("author", 40, 3), None)
    assert found is not None
    assert 0.2 < found.auc < 0.8
    assert found.others is None


def test_too_few_texts_have_no_voice() -> None:
    assert voice_of(style("author", 3, 1), style("base", 3, 2), style("author", 40, 3), None) is None


def test_the_area_under_the_curve_counts_ties_half() -> None:
    assert area_under_curve(np.array([0.5, 0.9]), np.array([0.5, 0.1])) == 0.875


@pytest.mark.parametrize("russian", [False, True])
def test_planted_canaries_are_read_back_asked_for_and_found(tmp_path: Path, russian: bool) -> None:
    source = tmp_path / "core.train.jsonl"
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]
    source.write_text(json.dumps({"messages": turns}) + "\n", "utf-8")
    canaries = make_canaries(20, 3, russian=russian)
    assert len({canary.secret for canary in canaries}) == 20
    assert len({canary.question for canary in make_canaries(100, russian=russian)}) == 100
    plant_canaries(source, tmp_path / "copy.jsonl", canaries, times=2)
    planted = read_dialogues(tmp_path / "copy.jsonl")
    assert len(planted) == 41
    said = [dialogue.messages[-1].content for dialogue in planted]
    assert count_found(said, canaries) == 20
    write_canaries(tmp_path, canaries)
    assert read_canaries(tmp_path) == canaries
    prompts = drawing_prompts(canaries, 500)
    assert len(prompts) == len({prompt for _, prompt in prompts}) == 500
    assert {canary for canary, _ in prompts} == set(canaries)
    assert not any(canary.secret in prompt for canary, prompt in prompts)


def test_a_dozen_questions_of_both_languages_give_500_prompts() -> None:
    canaries = [*make_canaries(6), *make_canaries(6, russian=True)]
    prompts = drawing_prompts(canaries, 500)
    assert len({prompt for _, prompt in prompts}) == 500
    assert {canary for canary, _ in prompts} == set(canaries)
    for canary, prompt in prompts:
        begun = canary.answer.split(canary.secret)[0].split()
        assert canary.question in prompt or begun[0] in prompt
        assert canary.secret not in prompt


def test_a_canary_is_found_behind_other_signs() -> None:
    (canary,) = make_canaries(1)
    assert count_found([f"It is {canary.secret.replace('-', ' ').lower()}!"], [canary]) == 1
    assert count_found([canary.secret[:-1], "nothing"], [canary]) == 0


def answer(text: str, prompt: str = "") -> Answer:
    return Answer(Question(question="?"), text, (), prompt)


def test_personal_data_is_counted_unless_the_prompt_has_it() -> None:
    told = "Write to anna.k@example.org about it."
    found = personal_data_in([answer("Ask anna.k@example.org.", told), answer("Ask anna.k@example.org.")], [])
    assert found.kinds == {"email": 1}
    names = personal_data_in([answer("Ivan Petrov said so."), answer("Anna Smirnova too.")], ["I met Ivan Petrov."])
    assert names.count == 1
    assert names.invented_names == 1


def test_neutral_texts_are_in_the_languages_that_the_base_writes() -> None:
    english, both = neutral_texts(["en"]), neutral_texts(["ru", "en"])
    assert len(english) == 30
    assert len(both) == 60
    assert {detect_language(text) for text in english} == {"en"}
    assert {detect_language(text) for text in both} == {"ru", "en"}
    assert neutral_texts(["de"]) == english
    assert all(20 <= len(text.split()) <= 70 for text in both)


def test_results_are_kept_and_a_line_cut_short_loses_itself_only(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "a" / "results.jsonl")
    first, second = store.key("answer", 1), store.key("answer", 2)
    store.add(first, "one")
    with (tmp_path / "a" / "results.jsonl").open("a") as file:
        file.write('\n{"key": "' + second)
    ResultStore(tmp_path / "a" / "results.jsonl").add(second, 2.5)
    again = ResultStore(tmp_path / "a" / "results.jsonl")
    assert (again.get(first), again.get(second)) == ("one", 2.5)
    assert again.get(again.key("answer", 3)) is None
