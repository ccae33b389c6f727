"""The author's own words on a question."""

from __future__ import annotations

from dataclasses import replace

from bot.library.cite import SaidBefore, best_quotation, collect_evidence
from bot.library.passage import Nearness, Passage
from bot.minds.schema import CollectionKind, Trust
from tests.fixtures.passages import passage

PROTEIN = passage(
    "Food is income. Protein is **1.6 grams** for each kilogram a day. After fifty it is 1.8. Eat slowly.",
    1,
    where="§ Food",
)
ROW = passage(
    "level: veteran; week: 4; kind: quiet; volume: 60; sets: 3; reps: 5; roads: 1; minutes: 66; sleep hours: 8.5",
    2,
    title="loads",
    where="row 20",
    kind=CollectionKind.TABLE,
    trust=Trust.TABLES,
)
OTHER_ROW = passage(ROW.quote.replace("week: 4", "week: 3").replace("reps: 5", "reps: 4"), 3, kind=CollectionKind.TABLE)


def quoted(question: str, *passages: Passage) -> str | None:
    found = best_quotation(question, collect_evidence(passages))
    return found and found.text


def test_answering_sentence_is_quoted_verbatim() -> None:
    assert quoted("How much protein for each kilogram?", PROTEIN) == (
        "Protein is 1.6 grams for each kilogram a day. After fifty it is 1.8."
    )


def test_no_quotation_below_minimum_coverage() -> None:
    assert quoted("Hello!", PROTEIN) is None
    assert quoted("Who won the war with Persia?", PROTEIN) is None
    assert quoted("What is the day of the battle of Marathon?", PROTEIN) is None
    assert quoted("?", PROTEIN) is None
    assert quoted("How much protein?") is None


def test_row_quotation_selects_fields_and_marks_gaps() -> None:
    text = quoted("How many sets does a veteran do in week 4?", OTHER_ROW, ROW)
    assert text is not None
    assert text.startswith("level: veteran; week: 4; …; sets: 3")
    assert "roads" not in text


def test_row_with_another_number_is_not_quoted() -> None:
    assert quoted("How many sets does a veteran do in week 99?", OTHER_ROW, ROW) is None


def test_sentence_preferred_to_row() -> None:
    sentence = passage("In the quiet week a veteran sleeps 8.5 hours.", 4)
    assert quoted("How many hours does a veteran sleep in the quiet week?", ROW, sentence) == sentence.quote


def test_how_long_prefers_a_duration() -> None:
    amount = passage(
        "The iron hour holds three lifts and five sets of each, as I said before and will say again and again.", 5
    )
    duration = passage("The first is the iron hour. It lasts 45 to 60 minutes.", 6)
    assert quoted("How long is the iron hour?", amount, duration) == duration.quote


def test_word_in_text_outweighs_word_in_heading() -> None:
    in_heading = passage("It does not matter why it is high.", 7, where="§ The morning number")
    in_text = passage("The morning number is the pulse on waking.", 8)
    assert quoted("What is the morning number?", in_heading, in_text) == in_text.quote


def test_russian_word_forms_match() -> None:
    text = passage("Белка надо 1,6 грамма на килограмм веса. Остальное потом.", 9, where="00:01")
    assert quoted("Сколько граммов белка нужно на килограмм?", text) == text.quote


def test_quotation_length_is_limited() -> None:
    long = passage("Protein " + "and more protein for each kilogram " * 40, 10)
    text = quoted("How much protein for each kilogram?", long)
    assert text is not None
    assert len(text) <= 322
    assert text.endswith(" …")


def test_the_answer_below_its_own_question_need_not_repeat_a_word_of_it() -> None:
    answer = passage("С ходьбы, минут двадцать. И без спешки.", where="§ Как начать бегать после сорока?")
    assert quoted("Как начать бегать?", answer) == answer.quote
    assert quoted("Как начать бегать зимой?", answer) is None
    chapter = passage("С ходьбы, минут двадцать. И без спешки.", where="§ Как начать бегать")
    assert quoted("Как начать бегать?", chapter) is None


def test_the_answer_to_another_question_yields_to_a_document_that_says_as_much() -> None:
    article = passage("A recruit sleeps eight hours in the quiet week.", 1, score=0.9)
    answer = passage("In the quiet week a recruit sleeps and eats well.", 2, where="§ What is the quiet week?")
    question = "How does a recruit sleep in the quiet week?"
    assert quoted(question, article, answer) == answer.quote
    other = replace(answer, answers_other=True)
    assert quoted(question, article, other) == article.quote
    assert quoted(question, other) == answer.quote, "it is better than nothing"


def test_asked_for_themself_the_author_is_quoted_where_they_speak_of_themself() -> None:
    rule = passage("The long road runs at a pulse of 117 to 135 for most people.", 1)
    own = passage("My long road runs at a pulse of 112 to 129 on most days.", 2, score=0.9)
    assert quoted("At what pulse does your long road run?", rule, own) == own.quote
    assert quoted("At what pulse does the long road run?", rule, own) == rule.quote


SAFE = passage(
    "Losing half a kilo a week is safe. More takes muscle.", 20, where="§ How fast is it safe to lose weight?"
)
SEVENTY = passage("At 70 training is safe if your doctor agrees.", 21, where="§ I'm 70. Is it safe to train?")
LOSE = SaidBefore("How do I lose weight?", ("To lose weight eat less and walk more.",))


def gone_on(question: str, before: SaidBefore, *passages: Passage) -> str | None:
    others = [replace(each, answers_other=True) for each in passages]
    found = best_quotation(question, collect_evidence(others), before=before)
    return found and found.text


def test_what_goes_on_is_answered_on_the_subject_so_far() -> None:
    assert gone_on("Is that safe?", LOSE, SEVENTY, SAFE) == "Losing half a kilo a week is safe. More takes muscle."
    assert gone_on("Is that safe?", LOSE, SEVENTY) is None, "the subject so far is in no word of it"


def test_a_new_subject_within_it_has_to_be_in_the_answer() -> None:
    stairs = passage("Walking up stairs makes the knees stronger.", 22, where="§ Are stairs bad for my knees?")
    knees = passage("Running is not bad for healthy knees.", 23, where="§ Does running harm the knees?")
    before = SaidBefore("Is running bad for the knees?", ("It is not.",))
    assert gone_on("What about stairs?", before, knees, stairs) == stairs.quote
    assert gone_on("What about stairs?", before, knees) is None


def test_why_wants_a_reason_and_how_often_a_number() -> None:
    reason = passage("A runner rests because bones grow slowly.", 24, where="§ Why should a runner rest?")
    number = passage("A runner rests for two days.", 25, where="§ How many days does a runner rest?")
    before = SaidBefore("Should a runner rest?", ("Yes.",))
    assert gone_on("Why?", before, number, reason) == reason.quote
    assert gone_on("How often?", before, reason, number) == number.quote
    assert gone_on("Why?", before, number) is None
    twice = passage("Rest your shoulders twice a week.", 31, where="§ When to rest shoulders?")
    assert gone_on("and how often?", SaidBefore("What is good for my shoulders?", ("Rest.",)), twice) == twice.quote


def test_no_sentence_is_said_twice_to_what_goes_on() -> None:
    both = passage(
        "To lose weight eat less and walk more. Weight goes because you walk.", 26, where="§ How do I lose weight?"
    )
    assert gone_on("Why?", LOSE, both) == "Weight goes because you walk."
    said = replace(LOSE, answers=(*LOSE.answers, "Weight goes, because you walk!"))
    assert gone_on("Why?", said, both) is None
    assert quoted("How do I lose weight?", both) == both.quote, "who asks the same again gets the same"


def test_the_answer_to_a_question_that_is_more_alike_is_preferred() -> None:
    engines = passage(
        "A plane can fly without engines because it glides.", 27, where="§ Can a plane fly without its engines?"
    )
    wings = passage("Planes fly because wings push air down.", 28, where="§ Why do planes stay up?")
    assert gone_on("Why do planes fly?", SaidBefore(), engines, wings) == wings.quote


def test_a_short_answer_is_not_quoted_from_its_middle_or_by_its_step_alone() -> None:
    answer = passage(
        "Do so when the muscles are warm, and hold it for thirty seconds. Tomorrow: stretch your calves after the run.",
        29,
        where="§ When do I stretch?",
    )
    found = gone_on("Should I stretch before running?", SaidBefore(), answer)
    assert found is None or not found.startswith("Tomorrow")


def test_words_that_only_ask_how_well_do_not_make_a_subject() -> None:
    rope = passage("A good rope is two steps longer than you are tall.", 30, where="§ What is a good rope?")
    assert gone_on("What is a good boomerang?", SaidBefore(), rope) is None
    assert gone_on("What is a good rope?", SaidBefore(), rope) == rope.quote


def near(answer: str, heading: str, score: float, similarity: float, number: int = 40) -> Passage:
    """The answer to another question, as near as that."""
    return passage(
        answer, number, where=f"§ {heading}", answers_other=True, nearness=Nearness(score=score, similarity=similarity)
    )


def test_an_answer_on_something_else_is_not_quoted_for_the_words_it_shares() -> None:
    jokes = near("Robots will not replace a good coach soon.", "Will robots replace coaches?", 0.5, 0.4)
    assert gone_on("Are you a robot?", SaidBefore(), jokes) is None
    related = near("Robots will not replace a good coach soon.", "Will robots replace coaches?", 0.7, 0.4)
    assert gone_on("Will a robot replace the coach?", SaidBefore(), related) == related.quote


def test_the_answer_to_a_question_of_the_same_meaning_needs_none_of_its_words() -> None:
    nervous = near("Arrive an hour early and warm up slowly.", "I'm nervous before a competition.", 0.3, 0.66)
    assert gone_on("im scared every time I have to race", SaidBefore(), nervous) == nervous.quote
    far = near("Arrive an hour early and warm up slowly.", "I'm nervous before a competition.", 0.3, 0.45)
    assert gone_on("im scared every time I have to race", SaidBefore(), far) is None


def test_an_answer_in_another_language_is_none_by_meaning() -> None:
    russian = near("Хорошо, спасибо.", "Как дела?", 0.6, 0.7)
    assert gone_on("Is everything alright over there?", SaidBefore(), russian) is None
    assert gone_on("Всё ли там в порядке?", SaidBefore(), russian) == russian.quote


def test_a_document_with_most_words_goes_before_meaning_and_one_with_half_of_them_does_not() -> None:
    quiet = near("The quiet week comes every fourth week.", "How often is the quiet week?", 0.9, 0.66)
    article = passage("In the quiet week we sleep nine hours.", 41)
    assert gone_on("How much do we sleep in the quiet week?", SaidBefore(), quiet, article) == article.quote
    pain = near("An elbow that hurts wants rest for two weeks.", "My elbow hurts. What should I do?", 0.7, 0.7)
    entry = passage("The elbow of the river is where I turn back and walk slowly.", 42)
    assert gone_on("What helps when an elbow aches badly?", SaidBefore(), pain, entry) == pain.quote


def test_what_was_asked_before_is_not_answered_once_more() -> None:
    before = SaidBefore("How many rest days do I need?", ("Two a week.",))
    again = near("You need two easy days.", "How many rest days do I need?", 1.2, 0.9)
    new = near("On a rest day walk for thirty minutes.", "What do I do on a rest day?", 0.8, 0.7, 41)
    assert gone_on("What do I do on those days?", before, again, new) == new.quote
    assert gone_on("What do I do on those days?", before, again) is None
