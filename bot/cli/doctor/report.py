"""How the doctor says what it found, and how many of its checks failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rich.text import Text

from bot.cli.common import stdout_console
from bot.core.errors import describe_error
from bot.core.i18n import Translator
from consilium.errors import ConsiliumError

_WIDTH = 12
"""Of the column with the checks' names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has to say, each as text for people."""

    facts: Sequence[str]
    """What there is; a line each."""
    problems: Sequence[str] = ()
    """What has to be mended before it works; any of them fails the check."""
    warnings: Sequence[str] = ()
    """What works and is worth a change."""


class Report:
    """Prints checks as they end, and counts them."""

    def __init__(self, say: Translator) -> None:
        self.say = say
        self.check_count = 0
        self.failed_count = 0
        self._console = stdout_console()

    async def check(self, name: str, examine: Callable[[], Awaitable[Finding]]) -> bool:
        """Run one check and print what came of it; whether it passed. An error that it raises fails it."""
        try:
            finding = await examine()
        except ConsiliumError as error:
            finding = Finding((), problems=[describe_error(error, self.say.language, self.say.translate)])
        self.check_count += 1
        self.failed_count += bool(finding.problems)
        if finding.problems and not finding.facts:
            self._print_lines("✗", "red", name, finding.problems[:1])
            self._print_marked("✗", "red", finding.problems[1:])
        else:
            self._print_lines(*(("✗", "red") if finding.problems else ("✓", "green")), name, finding.facts)
            self._print_marked("✗", "red", finding.problems)
        self._print_marked("!", "yellow", finding.warnings)
        return not finding.problems

    def note(self, name: str, finding: Finding) -> None:
        """Print what is worth knowing and can neither pass nor fail."""
        self._print_lines(" ", "dim", name, finding.facts, dim=True)
        self._print_marked("!", "yellow", finding.warnings)

    def _print_lines(self, mark: str, colour: str, name: str, lines: Sequence[str], *, dim: bool = False) -> None:
        style = "dim" if dim else ""
        for number, line in enumerate(lines):
            head = (f"{mark} ", f"bold {colour}"), (f"{name:<{_WIDTH}}", style or "bold")
            indent = ((" " * (_WIDTH + 2), ""),)
            self._console.print(Text.assemble(*(indent if number else head), (line, style)), soft_wrap=True)

    def _print_marked(self, mark: str, colour: str, lines: Sequence[str]) -> None:
        for line in lines:
            text = Text.assemble((" " * _WIDTH, ""), (f"{mark} ", f"bold {colour}"), line)
            self._console.print(text, soft_wrap=True)
