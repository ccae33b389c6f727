"""How the doctor prints what it found, and what it counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli.doctor.environment import LowDiskSpace
from bot.cli.doctor.report import Finding, Report
from bot.core.i18n import Language, Translator


def finding(**lines: list[str]) -> Finding:
    return Finding(**{"facts": ["a fact"], **lines})


@pytest.mark.parametrize(
    ("found", "passes", "printed"),
    [
        (finding(), True, ["✓ space       a fact"]),
        (
            finding(facts=["one", "two"], warnings=["do this"]),
            True,
            ["✓ space       one", "              two", "            ! do this"],
        ),
        (finding(problems=["mend it"]), False, ["✗ space       a fact", "            ✗ mend it"]),
        (
            finding(facts=[], problems=["mend it"], warnings=["and this"]),
            False,
            ["✗ space       mend it", "            ! and this"],
        ),
    ],
)
async def test_a_check_fails_by_its_misfits_alone(
    capsys: pytest.CaptureFixture[str], found: Finding, passes: bool, printed: list[str]
) -> None:
    report = Report(Translator("en"))

    async def examine() -> Finding:
        return found

    assert await report.check("space", examine) is passes
    assert capsys.readouterr().out.splitlines() == printed
    assert (report.check_count, report.failed_count) == (1, int(not passes))


@pytest.mark.parametrize(("language", "said"), [("en", "Free some space"), ("ru", "Освободите место")])
async def test_an_error_is_said_in_the_persons_language(
    capsys: pytest.CaptureFixture[str], language: Language, said: str
) -> None:
    report = Report(Translator(language))

    async def examine() -> Finding:
        raise LowDiskSpace(Path("/data"), 0.3, "CONSILIUM_DATA_DIR")

    assert not await report.check("space", examine)
    assert said in capsys.readouterr().out


def test_a_note_is_no_check(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(Translator("en"))
    report.note("log", finding(warnings=["look"]))
    assert capsys.readouterr().out.splitlines() == ["  log         a fact", "            ! look"]
    assert report.check_count == 0
