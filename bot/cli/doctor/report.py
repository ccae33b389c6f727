"""Prints the findings of the doctor, and counts failed checks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from bot.cli.common import stdout_console
from bot.core.errors import describe_error
from bot.core.i18n import Translator
from bot.core.redaction import redact
from consilium.errors import ConsiliumError

_NAME_WIDTH: Final = 12
"""Width of the column with the names of the checks."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check, as text for people."""

    facts: Sequence[str]
    """What there is, a line each."""
    problems: Sequence[str] = ()
    """What must be fixed before it works. Any problem fails the check."""
    warnings: Sequence[str] = ()
    """What works and is worth changing."""


class Report:
    """Prints the results of checks as they end, and counts them."""

    def __init__(self, say: Translator) -> None:
        self.say = say
        self.check_count = 0
        self.failed_count = 0
        self._console = stdout_console()

    async def check(self, name: str, run: Callable[[], Awaitable[Finding]]) -> bool:
        """Run one check and print its result; whether it passed. An error in it is a problem."""
        try:
            finding = await run()
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
        """Print a finding that neither passes nor fails."""
        self._print_lines(" ", "dim", name, finding.facts, dim=True)
        self._print_marked("!", "yellow", finding.warnings)

    def _print_lines(self, mark: str, colour: str, name: str, lines: Sequence[str], *, dim: bool = False) -> None:
        style = "dim" if dim else ""
        for number, line in enumerate(lines):
            head = (f"{mark} ", f"bold {colour}"), (f"{name:<{_NAME_WIDTH}}", style or "bold")
            indent = ((" " * (_NAME_WIDTH + 2), ""),)
            self._console.print(Text.assemble(*(indent if number else head), (redact(line), style)), soft_wrap=True)

    def _print_marked(self, mark: str, colour: str, lines: Sequence[str]) -> None:
        for line in lines:
            text = Text.assemble((" " * _NAME_WIDTH, ""), (f"{mark} ", f"bold {colour}"), redact(line))
            self._console.print(text, soft_wrap=True)
