"""How the doctor says what it found, and how many of its checks failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rich.text import Text

from bot.cli.tables import output
from bot.errors import explain
from bot.locales import Translator
from consilium.errors import ConsiliumError

_WIDTH = 12
"""Of the column with the checks' names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has to say, each as text for people."""

    facts: Sequence[str]
    """What there is; a line each."""
    misfits: Sequence[str] = ()
    """What has to be mended before it works; any of them fails the check."""
    warnings: Sequence[str] = ()
    """What works and is worth a change."""


class Report:
    """Prints checks as they end, and counts them."""

    def __init__(self, say: Translator) -> None:
        self.say = say
        self.checks = 0
        self.failed = 0
        self._console = output()

    async def check(self, name: str, examine: Callable[[], Awaitable[Finding]]) -> bool:
        """Run one check and print what came of it; whether it passed. An error that it raises fails it."""
        try:
            finding = await examine()
        except ConsiliumError as error:
            finding = Finding((), misfits=[explain(error, self.say.language, self.say.template)])
        self.checks += 1
        self.failed += bool(finding.misfits)
        if finding.misfits and not finding.facts:
            self._lines("✗", "red", name, finding.misfits[:1])
            self._each("✗", "red", finding.misfits[1:])
        else:
            self._lines(*(("✗", "red") if finding.misfits else ("✓", "green")), name, finding.facts)
            self._each("✗", "red", finding.misfits)
        self._each("!", "yellow", finding.warnings)
        return not finding.misfits

    def note(self, name: str, finding: Finding) -> None:
        """Print what is worth knowing and can neither pass nor fail."""
        self._lines(" ", "dim", name, finding.facts, dim=True)
        self._each("!", "yellow", finding.warnings)

    def _lines(self, mark: str, colour: str, name: str, lines: Sequence[str], *, dim: bool = False) -> None:
        style = "dim" if dim else ""
        for number, line in enumerate(lines):
            head = (f"{mark} ", f"bold {colour}"), (f"{name:<{_WIDTH}}", style or "bold")
            indent = ((" " * (_WIDTH + 2), ""),)
            self._console.print(Text.assemble(*(indent if number else head), (line, style)), soft_wrap=True)

    def _each(self, mark: str, colour: str, lines: Sequence[str]) -> None:
        for line in lines:
            text = Text.assemble((" " * _WIDTH, ""), (f"{mark} ", f"bold {colour}"), line)
            self._console.print(text, soft_wrap=True)
