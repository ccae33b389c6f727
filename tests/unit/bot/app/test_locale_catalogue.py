"""The catalogues say what the code says: all of it, nothing else, with the same places to fill in."""

from __future__ import annotations

from string import Formatter

import pytest

from bot.app.locale_catalogue import (
    SOURCE_LANGUAGE,
    extract_templates,
    missing_translations,
    read_catalogue,
    stale_translations,
)
from bot.core.i18n import LANGUAGES, Translator
from consilium.errors import ConsiliumError
from db.errors import DatabaseUnreachable
from inference.adapters.errors import PickledWeights

TRANSLATED = [language for language in LANGUAGES if language != SOURCE_LANGUAGE]


def places(template: str) -> set[tuple[str, str | None, str | None]]:
    """What a template leaves to be filled in: names, with how each is converted and formatted."""
    return {(name, turn, form) for _, name, form, turn in Formatter().parse(template) if name is not None}


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(ConsiliumError.sentence, id="consilium, marked"),
        pytest.param(DatabaseUnreachable.remedy, id="db, marked"),
        pytest.param(PickledWeights.sentence, id="inference, marked"),
        pytest.param("Nothing is being answered right now.", id="bot, said"),
    ],
)
def test_templates_of_every_house_are_found(template: str) -> None:
    assert extract_templates().get(template) is not None


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_template_has_a_translation(language: str) -> None:
    assert missing_translations(language) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_translated_that_is_no_longer_said(language: str) -> None:
    assert stale_translations(language) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_leave_the_same_places_to_fill_in(language: str) -> None:
    pairs = [
        (str(message.id), str(message.string)) for message in read_catalogue(language) if message.id and message.string
    ]
    assert pairs
    assert [(said, told) for said, told in pairs if places(said) != places(told)] == []


def test_a_translator_says_the_catalogue_and_falls_back_on_english() -> None:
    say = Translator("ru")
    assert say("Language: {name}.", name="русский") == "Язык: русский."
    assert say("Nobody ever wrote {this}.", this="that") == "Nobody ever wrote that."
