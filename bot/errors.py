"""The branch of the error tree that grows from conversation, and how an error becomes text for a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from consilium.errors import ConsiliumError


class BotError(ConsiliumError):
    """Root of what goes wrong in conversation: minds, modes, turns, channels."""


@runtime_checkable
class Localizable(Protocol):
    """A detail of an error that reads differently in each language; its ``str()`` is for logs."""

    def localized(self, language: str, translate: Callable[[str], str]) -> str:
        """The text in `language`; `translate` looks up templates marked with `N_`."""
        ...


def explain(error: ConsiliumError, language: str, translate: Callable[[str], str]) -> str:
    """What a person reads of `error`: its sentence and remedy, translated, with the details filled in."""
    details = {
        name: value.localized(language, translate) if isinstance(value, Localizable) else value
        for name, value in error.details.items()
    }
    return " ".join(translate(template).format(**details) for template in (error.sentence, error.remedy) if template)
