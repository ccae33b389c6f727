"""The languages people are answered in. English is the source; the others are gettext catalogues.

Catalogues are read from the `.po` files in `bot/locales` when they are first needed. There is no compiled copy that
could be out of date.
"""

from __future__ import annotations

import gettext
import io
import locale
import os
from functools import cache
from pathlib import Path
from typing import Literal

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from consilium.errors import PluralTemplate

Language = Literal["ru", "en"]
LANGUAGES: tuple[Language, ...] = ("ru", "en")
_LOCALES_FOLDER = Path(__file__).resolve().parents[1] / "locales"


@cache
def _load_catalogue(language: Language) -> gettext.NullTranslations:
    path = _LOCALES_FOLDER / language / "LC_MESSAGES" / "consilium.po"
    if not path.exists():
        return gettext.NullTranslations()
    with path.open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


class Translator:
    """Translates the service's own sentences into one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._catalogue = _load_catalogue(language)

    def __call__(self, template: str, **details: object) -> str:
        """Translate `template` and fill it in. A template without a translation stays English."""
        return self.translate(template).format(**details)

    def plural(self, singular: str, plural: str, count: int, **details: object) -> str:
        """Translate a sentence with a count, in the form that the language has for it, and fill it in.

        Args:
            singular: the English template for one; it may leave `{count}` out.
            plural: the English template for any other number.
            count: decides the form, and fills in `{count}`.
        """
        return self._catalogue.ngettext(singular, plural, count).format(count=count, **details)

    def translate(self, template: str) -> str:
        """Translate without filling in."""
        if isinstance(template, PluralTemplate):
            return self._catalogue.ngettext(template.singular, template.plural, template.number)
        return self._catalogue.gettext(template)


def system_language() -> Language:
    """The language of the system's locale if it is one of `LANGUAGES`, else English."""
    configured = os.environ.get("LC_ALL") or os.environ.get("LANG") or locale.getlocale()[0] or ""
    return "ru" if configured.startswith("ru") else "en"
