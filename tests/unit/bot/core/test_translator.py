"""Translation of the service's own sentences, with counts."""

from __future__ import annotations

import pytest

from bot.core.errors import GenerationTooSlow, describe_error
from bot.core.i18n import Language, Translator
from consilium.errors import N_plural
from db.errors import RecordNotFound


def test_translation_fills_in_details() -> None:
    assert Translator("ru")("Language: {name}.", name="русский") == "Язык: русский."


def test_template_without_translation_stays_english() -> None:
    say = Translator("ru")
    assert say("Nobody ever wrote {this}.", this="that") == "Nobody ever wrote that."
    assert [say.plural("{count} egg", "{count} eggs", count) for count in (1, 2)] == ["1 egg", "2 eggs"]


@pytest.mark.parametrize(
    ("language", "count", "text"),
    [
        ("en", 1, "within 1 second,"),
        ("en", 2, "within 2 seconds,"),
        ("en", 21, "within 21 seconds,"),
        ("ru", 1, "за 1 секунду,"),
        ("ru", 2, "за 2 секунды,"),
        ("ru", 5, "за 5 секунд,"),
        ("ru", 11, "за 11 секунд,"),
        ("ru", 21, "за 21 секунду,"),
    ],
)
def test_plural_form_for_count(language: Language, count: int, text: str) -> None:
    say = Translator(language)
    error = GenerationTooSlow(count)
    template = GenerationTooSlow.sentence
    assert text in say.plural(template.singular, template.plural, count, seconds=count)
    assert text in describe_error(error, language, say.translate)


def test_error_text_for_logs_has_the_english_form() -> None:
    assert "within 1 second," in str(GenerationTooSlow(1))
    assert "within 3 seconds," in str(GenerationTooSlow(3))


def test_plural_template_takes_its_count_from_a_detail() -> None:
    template = N_plural("one page", "{pages} pages", "pages")
    assert template == "one page"
    assert template.with_number({"pages": 3, "name": "x"}) == "{pages} pages"


def test_detail_is_translated_with_its_sentence() -> None:
    error = RecordNotFound(record="session")
    assert describe_error(error, "ru", Translator("ru").translate) == "Этого больше нет: сессия. Начните заново."
    assert str(error) == "This session no longer exists. Start again."
