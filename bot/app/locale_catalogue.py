"""Keeps the catalogues true to the code: `python -m bot.app.locale_catalogue --update | --check`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from string import Formatter
from typing import Any, Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po

from bot.core.i18n import LANGUAGES

SOURCE_LANGUAGE: Final = "en"
_ROOT: Final = Path(__file__).resolve().parents[2]
_PACKAGES: Final = ("consilium", "bot", "inference", "db")
_KEYWORDS: Final[dict[str, Any]] = {"N_": None, "say": None, "_say": None, "N_plural": (1, 2), "plural": (1, 2)}
"""The functions whose arguments are templates, and which arguments those are when there are two."""
# Ours and not Babel's, whose date would change the file each time it is updated.
_HEADER: Final = """\
# What the service says, in one language. `make locales` keeps this file true to the code.
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plural_forms}\\n"

"""

Placeholder = tuple[str, str | None, str | None]
"""A field that a template leaves to be filled in: its name, conversion and format."""


def extract_templates() -> Catalog:
    """Every template that the code marks with `N_` or `N_plural`, or passes to a translator."""
    catalog = Catalog(project="consilium", fuzzy=False)
    for package in _PACKAGES:
        found = extract_from_dir(
            _ROOT / package,
            method_map=[("**.py", "python")],
            keywords=_KEYWORDS,
            comment_tags=("For translators:",),
        )
        for _file, _line, message, comments, _context in sorted(found, key=lambda f: (f[0], f[1])):
            catalog.add(message, auto_comments=comments)
    return catalog


def catalogue_path(language: str) -> Path:
    """The `.po` file of a language."""
    return _ROOT / "bot" / "locales" / language / "LC_MESSAGES" / "consilium.po"


def read_catalogue(language: str) -> Catalog:
    """The catalogue of a language; empty when there is no file yet."""
    path = catalogue_path(language)
    if not path.exists():
        return Catalog(locale=language, project="consilium")
    with path.open("rb") as source:
        return read_po(source, locale=language)


def missing_translations(language: str) -> list[str]:
    """Templates in the code that `language` has no complete translation of."""
    translated = {m.id for m in read_catalogue(language) if all(_translations(m)) and not m.fuzzy}
    return [_name(m) for m in extract_templates() if m.id and m.id not in translated]


def stale_translations(language: str) -> list[str]:
    """Translations of templates that are no longer in the code."""
    in_code = {m.id for m in extract_templates()}
    return [_name(m) for m in read_catalogue(language) if m.id and m.id not in in_code]


def placeholder_mismatches(language: str) -> list[str]:
    """Templates whose translation has other placeholders than they have.

    With a count, every form must have those of the English plural: a form often serves more than one number.
    """
    mismatched = []
    for message in read_catalogue(language):
        if message.id:
            expected = placeholders(_templates(message)[-1])
            if any(placeholders(text) != expected for text in _translations(message) if text):
                mismatched.append(_name(message))
    return mismatched


def placeholders(template: str) -> set[Placeholder]:
    """What a template leaves to be filled in."""
    return {(name, conversion, form) for _, name, form, conversion in Formatter().parse(template) if name is not None}


def update_catalogue(language: str) -> None:
    """Add new templates, untranslated, and drop those that are no longer in the code."""
    catalog = read_catalogue(language)
    catalog.update(extract_templates(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    header = _HEADER.format(language=language, plural_forms=get_plural(language).plural_forms)
    catalogue_path(language).parent.mkdir(parents=True, exist_ok=True)
    with catalogue_path(language).open("wb") as target:
        target.write(header.encode())
        write_po(target, catalog, width=120, omit_header=True, ignore_obsolete=True, no_location=True)


def _templates(message: Message) -> Sequence[str]:
    """The English template, or its singular and plural."""
    return (message.id,) if isinstance(message.id, str) else message.id


def _translations(message: Message) -> Sequence[str]:
    """The translation, or its forms; an empty string for each that is missing."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def _name(message: Message) -> str:
    return _templates(message)[0]


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--update", action="store_true", help="add new templates, drop those no longer in the code")
    action.add_argument("--check", action="store_true", help="fail when a template has no right translation")
    arguments = parser.parse_args()
    failed = False
    for language in (code for code in LANGUAGES if code != SOURCE_LANGUAGE):
        if arguments.update:
            update_catalogue(language)
        for problem, templates in (
            ("no translation of", missing_translations(language)),
            ("no longer in the code", stale_translations(language)),
            ("other placeholders than in", placeholder_mismatches(language)),
        ):
            for template in templates:
                print(f"{language}: {problem}: {template}", file=sys.stderr)
                failed = True
    return int(failed and arguments.check)


if __name__ == "__main__":
    raise SystemExit(main())
