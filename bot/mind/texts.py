"""Texts a mind's author writes in one or several languages, and the names he gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, RootModel, StringConstraints
from pydantic_core import PydanticCustomError

from bot.modes.expression import RESERVED, is_valid_name, normalise

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
"""An ISO 639 code, as `en`."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]

ANY_LANGUAGE = "und"
"""The ISO 639 code of a text whose language is not said."""


class LocalText(RootModel[dict[Language, Text]]):
    """A text by language; written plainly, without a language, it serves all."""

    model_config = ConfigDict(frozen=True)

    def text(self, language: str) -> str:
        """The text in `language`, else in English, else in the first one given; empty when there is none."""
        for choice in (language, "en", *self.root):
            if choice in self.root:
                return self.root[choice]
        return ""

    def localize(self, language: str, translate: Callable[[str], str]) -> str:
        """The text in `language`; an author's text needs no translation."""
        return self.text(language)

    def __str__(self) -> str:
        return self.text("en")


def _wrap_plain_text(value: Any) -> Any:
    return {ANY_LANGUAGE: value} if isinstance(value, str) else value


def _check_name(name: str) -> str:
    normal = normalise(name).strip()
    if not is_valid_name(normal):
        raise PydanticCustomError("no_name", "not a name")
    if normal in RESERVED:
        raise PydanticCustomError("reserved", "reserved", {"reserved": ", ".join(RESERVED)})
    return normal


def _check_canonical_name(name: str) -> str:
    if _check_name(name) != name:
        raise PydanticCustomError("not_canonical", "not canonical", {"canonical": normalise(name).strip()})
    return name


Localized = Annotated[LocalText, BeforeValidator(_wrap_plain_text)]
Name = Annotated[str, StringConstraints(max_length=64), AfterValidator(_check_canonical_name)]
"""A name as modes are written with: small letters of any script, digits, `-`, `_`."""
Alias = Annotated[str, StringConstraints(max_length=64), AfterValidator(_check_name)]
"""Another name; written in any case."""
