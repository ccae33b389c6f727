"""The branch of the error tree that grows from conversation, and how an error becomes text for a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from consilium.errors import ConsiliumError


class BotError(ConsiliumError):
    """Root of what goes wrong in conversation: minds, modes, turns, channels."""


@runtime_checkable
class Localizable(Protocol):
    """A detail of an error that reads differently in each language; its ``str()`` is for logs."""

    def localize(self, language: str, translate: Callable[[str], str]) -> str:
        """The text in `language`; `translate` looks up templates marked with `N_`."""
        ...


def localize_details(
    details: Mapping[str, object], language: str, translate: Callable[[str], str]
) -> dict[str, object]:
    """`details` with every `Localizable` among them as text."""
    return {
        name: value.localize(language, translate) if isinstance(value, Localizable) else value
        for name, value in details.items()
    }


def describe_error(error: ConsiliumError, language: str, translate: Callable[[str], str]) -> str:
    """What a person reads of `error`: its sentence and remedy, translated, with the details filled in."""
    details = localize_details(error.details, language, translate)
    return " ".join(translate(template).format(**details) for template in (error.sentence, error.remedy) if template)
