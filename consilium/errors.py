"""The root of the one error tree, and the marks that make a sentence translatable.

Every error of this project derives from :class:`ConsiliumError`. `inference` and `db` may not import `bot` or each
other, so the root stands below all three; each package adds its branch in its own ``errors.py``.

An error is data before it is text: a sentence and a remedy, both templates, and the details that fill them in. The
text for a person is made where their language is known (`bot.core.errors.describe_error`); ``str(error)`` is English,
for logs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Self


class PluralTemplate(str):
    """A template with a singular and a plural form. As a string it is the English form for `number`."""

    singular: str
    plural: str
    detail: str
    """Name of the detail that holds the number."""
    number: int

    def __new__(cls, singular: str, plural: str, detail: str, number: int = 1) -> Self:
        template = super().__new__(cls, singular if number == 1 else plural)
        template.singular = singular
        template.plural = plural
        template.detail = detail
        template.number = number
        return template

    def with_number(self, details: Mapping[str, object]) -> PluralTemplate:
        """The same template for the number in `details`."""
        number = details[self.detail]
        assert isinstance(number, int), f"{self.detail} decides between singular and plural"
        return PluralTemplate(self.singular, self.plural, self.detail, number)


class TranslatedDetail(str):
    """A word in an error's details that is translated with its sentence; marked with `N_` where it is listed."""

    def localize(self, _language: str, translate: Callable[[str], str]) -> str:
        """The word in the reader's language (`bot.core.errors.Localizable`)."""
        return translate(self)


def N_(template: str) -> str:
    """Mark a template for translation where it is written; it is translated where it is shown."""
    return template


def N_plural(singular: str, plural: str, detail: str) -> PluralTemplate:
    """Mark a template with a count for translation; the number in the detail `detail` decides which form is used."""
    return PluralTemplate(singular, plural, detail)


class ConsiliumError(Exception):
    """Base class for everything that goes wrong in a foreseen way.

    Attributes:
        sentence: what happened, as a template over ``details``; one clear sentence.
        remedy: what the reader can do about it, as a template over ``details``; empty when nothing helps.
        exit_code: what a command that ends with this error returns to the shell.
        personal: details that may repeat what a person wrote or sent; logs withhold them.
        details: the values that fill in the templates.
    """

    sentence: ClassVar[str] = N_("Something went wrong.")
    remedy: ClassVar[str] = ""
    exit_code: ClassVar[int] = 1
    personal: Sequence[str] = ()

    def __init__(self, **details: object) -> None:
        self.details = details
        super().__init__(*details.values())

    @property
    def templates(self) -> Sequence[str]:
        """The sentence, and the remedy if there is one; each in the form for its number."""
        return [
            template.with_number(self.details) if isinstance(template, PluralTemplate) else template
            for template in (self.sentence, self.remedy)
            if template
        ]

    def __str__(self) -> str:
        return " ".join(template.format(**self.details) for template in self.templates)
