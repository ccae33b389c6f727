"""The root of the one error tree.

Every error of this project derives from :class:`ConsiliumError`. `inference` and `db` may not import `bot`
(nor each other), so the root lives beneath all three; each house grows its branch in its own ``errors.py``.

An error is data before it is text: a sentence and a remedy, both templates, and the details they name. The
text a person reads is made where his language is known (`bot.core.errors.explain`); ``str(error)`` is English,
for logs.
"""

from __future__ import annotations

from typing import ClassVar


def N_(template: str) -> str:
    """Mark a template for translation where it is written; it is translated where it is shown."""
    return template


class ConsiliumError(Exception):
    """Anything that goes wrong in a way this project foresaw.

    Attributes:
        sentence: what happened, as a template over ``details``; one clear sentence.
        remedy: what mends it, as a template over ``details``; empty when nothing the reader does would.
        exit_code: what a command that ends with this error returns to the shell.
        details: the values the templates name.
    """

    sentence: ClassVar[str] = N_("Something went wrong.")
    remedy: ClassVar[str] = ""
    exit_code: ClassVar[int] = 1

    def __init__(self, **details: object) -> None:
        self.details = details
        super().__init__(*details.values())

    def __str__(self) -> str:
        return " ".join(t.format(**self.details) for t in (self.sentence, self.remedy) if t)
