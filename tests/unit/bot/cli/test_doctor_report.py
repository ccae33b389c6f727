"""How the doctor prints and counts its findings."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli.doctor.environment import LowDiskSpace
from bot.cli.doctor.report import Finding, Report
from bot.core.i18n import Language, Translator


def finding(**lines: list[str]) -> Finding:
    return Finding(**{"facts": ["a fact"], **lines})


@pytest.mark.parametrize(
    ("result", "passes", "printed"),
    [
        (finding(), True, ["✓ space       a fact"]),
        (
            finding(facts=["one", "two"], warnings=["do this"]),
            True,
            ["✓ space       one", "              two", "            ! do this"],
        ),
        (finding(problems=["fix it"]), False, ["✗ space       a fact", "            ✗ fix it"]),
        (
            finding(facts=[], problems=["fix it"], warnings=["and this"]),
            False,
            ["✗ space       fix it", "            ! and this"],
        ),
    ],
)
async def test_only_problems_fail_a_check(
    capsys: pytest.CaptureFixture[str], result: Finding, passes: bool, printed: list[str]
) -> None:
    report = Report(Translator("en"))

    async def check() -> Finding:
        return result

    assert await report.check("space", check) is passes
    assert capsys.readouterr().out.splitlines() == printed
    assert (report.check_count, report.failed_count) == (1, int(not passes))


@pytest.mark.parametrize(("language", "expected"), [("en", "Free some space"), ("ru", "Освободите место")])
async def test_error_is_translated(capsys: pytest.CaptureFixture[str], language: Language, expected: str) -> None:
    report = Report(Translator(language))

    async def check() -> Finding:
        raise LowDiskSpace(Path("/data"), 0.3, "CONSILIUM_DATA_DIR")

    assert not await report.check("space", check)
    assert expected in capsys.readouterr().out


def test_note_is_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(Translator("en"))
    report.note("log", finding(warnings=["look"]))
    assert capsys.readouterr().out.splitlines() == ["  log         a fact", "            ! look"]
    assert report.check_count == 0
