"""Keeps the catalogues true to the code: `python -m bot.app.locale_catalogue --update | --check`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from bot.core.i18n import LANGUAGES

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("consilium", "bot", "inference", "db")
SOURCE_LANGUAGE = "en"
# Ours and not Babel's, whose date would change the file each time it is brought up to date.
_HEADER = """\
# What the service says, in one language. `make locales` keeps this file true to the code.
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""


def extract_templates() -> Catalog:
    """Every template that the code marks with `N_` or says through a translator."""
    catalog = Catalog(project="consilium", fuzzy=False)
    for house in _PACKAGES:
        found = extract_from_dir(
            _ROOT / house,
            method_map=[("**.py", "python")],
            keywords={"N_": None, "say": None},
            comment_tags=("For translators:",),
        )
        for _file, _line, message, comments, _context in sorted(found, key=lambda f: (f[0], f[1])):
            catalog.add(message, auto_comments=comments)
    return catalog


def catalogue_path(language: str) -> Path:
    return _ROOT / "bot" / "locales" / language / "LC_MESSAGES" / "consilium.po"


def read_catalogue(language: str) -> Catalog:
    path = catalogue_path(language)
    if not path.exists():
        return Catalog(locale=language, project="consilium")
    with path.open("rb") as source:
        return read_po(source, locale=language)


def missing_translations(language: str) -> list[str]:
    """Templates of the code that `language` has no finished translation of."""
    known = {m.id for m in read_catalogue(language) if m.string and not m.fuzzy}
    return [str(m.id) for m in extract_templates() if m.id and m.id not in known]


def stale_translations(language: str) -> list[str]:
    """Translations of what the code no longer says."""
    said = {m.id for m in extract_templates()}
    return [str(m.id) for m in read_catalogue(language) if m.id and m.id not in said]


def update_catalogue(language: str) -> None:
    """Add what the code has begun to say, untranslated, and drop what it no longer says."""
    catalog = read_catalogue(language)
    catalog.update(extract_templates(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalogue_path(language).parent.mkdir(parents=True, exist_ok=True)
    with catalogue_path(language).open("wb") as target:
        target.write(_HEADER.format(language=language).encode())
        write_po(target, catalog, width=120, omit_header=True, ignore_obsolete=True, no_location=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--update", action="store_true", help="add new templates, drop those no longer said")
    action.add_argument("--check", action="store_true", help="fail when a template has no translation")
    asked = parser.parse_args()
    failed = False
    for language in (code for code in LANGUAGES if code != SOURCE_LANGUAGE):
        if asked.update:
            update_catalogue(language)
        for problem, templates in (
            ("no translation of", missing_translations(language)),
            ("no longer said", stale_translations(language)),
        ):
            for template in templates:
                print(f"{language}: {problem}: {template}", file=sys.stderr)
                failed = True
    return int(failed and asked.check)


if __name__ == "__main__":
    raise SystemExit(main())
