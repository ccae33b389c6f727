"""The catalogues hold exactly the templates of the code, with the same placeholders."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from bot.app import locale_catalogue
from bot.app.locale_catalogue import (
    SOURCE_LANGUAGE,
    extract_templates,
    missing_translations,
    placeholder_mismatches,
    read_catalogue,
    stale_translations,
    update_catalogue,
)
from bot.core.errors import GenerationTooSlow
from bot.core.i18n import LANGUAGES
from consilium.errors import ConsiliumError
from db.errors import DatabaseUnreachable
from inference.adapters.errors import PickledWeights

TRANSLATED = [language for language in LANGUAGES if language != SOURCE_LANGUAGE]
PLURAL = ("{count} apple", "{count} apples")


@pytest.fixture
def russian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Russian catalogue of its own, for a program with one plain template and one with a count."""
    path = tmp_path / "consilium.po"
    catalog = Catalog()
    catalog.add("Good day, {name}.")
    catalog.add(PLURAL)
    monkeypatch.setattr(locale_catalogue, "catalogue_path", lambda _language: path)
    monkeypatch.setattr(locale_catalogue, "extract_templates", lambda: catalog)
    update_catalogue("ru")
    return path


def translate(path: Path, *lines: str) -> None:
    text = path.read_text("utf-8")
    for line in lines:
        name = line.split(" ", 1)[0]
        assert text.count(f'{name} ""\n', text.index("Good day")) == 1
        head, tail = text[: text.index("Good day")], text[text.index("Good day") :]
        text = head + tail.replace(f'{name} ""\n', f"{line}\n")
    path.write_text(text, "utf-8")


@pytest.mark.parametrize(
    "template",
    [
        pytest.param(ConsiliumError.sentence, id="consilium, marked"),
        pytest.param(DatabaseUnreachable.remedy, id="db, marked"),
        pytest.param(PickledWeights.sentence, id="inference, marked"),
        pytest.param("Nothing is being answered right now.", id="bot, passed to a translator"),
        pytest.param(GenerationTooSlow.sentence, id="bot, with a count"),
    ],
)
def test_extraction_covers_every_house(template: str) -> None:
    assert extract_templates().get(template) is not None


def test_extraction_keeps_both_forms_of_a_count() -> None:
    message = extract_templates().get(GenerationTooSlow.sentence)
    assert message is not None
    assert len(message.id) == 2


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalogue_translates_every_template(language: str) -> None:
    assert missing_translations(language) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalogue_translates_nothing_else(language: str) -> None:
    assert stale_translations(language) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalogue_keeps_placeholders(language: str) -> None:
    assert len(read_catalogue(language))
    assert placeholder_mismatches(language) == []


def test_new_templates_are_missing_until_translated(russian: Path) -> None:
    assert "nplurals=3" in russian.read_text("utf-8")
    assert missing_translations("ru") == ["Good day, {name}.", PLURAL[0]]
    translate(russian, 'msgstr "Добрый день, {name}."', 'msgstr[0] "{count} яблоко"', 'msgstr[1] "{count} яблока"')
    assert missing_translations("ru") == [PLURAL[0]]
    translate(russian, 'msgstr[2] "{count} яблок"')
    assert missing_translations("ru") == []
    assert placeholder_mismatches("ru") == []


def test_each_plural_form_needs_the_placeholders(russian: Path) -> None:
    translate(russian, 'msgstr "Добрый день."', 'msgstr[0] "одно яблоко"', 'msgstr[1] "{count} яблока"')
    assert placeholder_mismatches("ru") == ["Good day, {name}.", PLURAL[0]]


def test_no_template_stands_inside_an_f_string() -> None:
    """There the extractor does not see it: it would be shown untranslated, and nobody would be told."""
    root = Path(locale_catalogue.__file__).parents[2]
    hidden = [
        f"{path.relative_to(root)}:{call.lineno}"
        for package in ("bot", "consilium", "db", "inference")
        for path in sorted((root / package).rglob("*.py"))
        for string in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(string, ast.JoinedStr)
        for call in ast.walk(string)
        if isinstance(call, ast.Call)
        and getattr(call.func, "id", getattr(call.func, "attr", "")) in ("N_", "say", "N_plural", "plural")
        and any(isinstance(given, ast.Constant) and isinstance(given.value, str) for given in call.args)
    ]
    assert hidden == []
