"""The report of an evaluation: one page, in one language, without anybody's personal data."""

from __future__ import annotations

import re

from bot.authoring.evaluation.html_report import render_report
from bot.authoring.evaluation.interview import Answer
from bot.authoring.evaluation.judging import ModeAnswers
from bot.authoring.evaluation.questions import Question
from bot.authoring.evaluation.report_bars import Bar, draw_bar
from bot.core.i18n import Translator
from bot.minds.schema import Limits
from tests.fixtures.evaluations import evaluation, sense

ASKED = Question(question="С чего начать?")
SAID = {
    "core+sport": ModeAnswers(
        [Answer(ASKED, "Звони: +7 916 123-45-67.", (), "")], [Answer(ASKED, "Это <b>важно</b>.", (), "")]
    )
}


def page_text(page: str) -> str:
    return re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL))


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = render_report(evaluation(), SAID, Limits(), Translator("en"))
    assert not re.search(r"(src|href)=|https?:|@import|url\(", page)
    assert page.count("<svg") == page.count("</svg>") == 8
    assert "{" not in page_text(page)


def test_the_page_is_in_the_readers_language_throughout() -> None:
    broken = evaluation(sense=sense(0.2)).model_copy(update={"skipped": {"language": 3, "mode": 1, "limit": 2}})
    text = page_text(render_report(broken, SAID, Limits(), Translator("ru")))
    known = {"core", "sport", "UTC", "mind", "yaml", "AUC", "m", "b", "e", "lt", "gt"}
    assert set(re.findall(r"[A-Za-z]+", text)) <= known


def test_answers_are_escaped_and_personal_data_in_them_is_hidden() -> None:
    page = render_report(evaluation(), SAID, Limits(), Translator("en"))
    assert "916" not in page
    assert "Звони: […]." in page
    assert "&lt;b&gt;важно&lt;/b&gt;" in page


def test_a_verdict_stands_above_the_figures() -> None:
    good = render_report(evaluation(), {}, Limits(), Translator("en"))
    bad = render_report(evaluation(sense=sense(0.2)), {}, Limits(), Translator("en"))
    assert 'class="good"' in good
    assert 'class="bad"' not in good
    assert "make less sense than the base model" in bad[: bad.index("<section>")]


def test_bars_stay_inside_their_picture() -> None:
    picture = draw_bar(Bar(7.0, 1.0, is_good=False, limit=-2.0, other=0.5), "Drift & more")
    assert [float(width) for width in re.findall(r'width="([\d.]+)" height="12"', picture)] == [360, 360]
    assert 'x1="0.0"' in picture
    assert "Drift &amp; more" in picture
