"""The languages people are answered in. English is the source; the others are gettext catalogues beside this file.

Catalogues are read from their `.po` files when first needed: there is no compiled copy to fall out of date.
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
    """Says the service's own sentences in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._catalogue = _load_catalogue(language)

    def __call__(self, template: str, **details: object) -> str:
        """Translate `template` and fill it in; a template with no translation is said in English."""
        return self._catalogue.gettext(template).format(**details)

    def translate(self, template: str) -> str:
        """Translate without filling in."""
        return self._catalogue.gettext(template)


def system_language() -> Language:
    """The language of the system's locale when we speak it, else English."""
    configured = os.environ.get("LC_ALL") or os.environ.get("LANG") or locale.getlocale()[0] or ""
    return "ru" if configured.startswith("ru") else "en"
