"""Dates that open diary entries."""

from datetime import date

import pytest

from bot.text.dates import entry_date, heading_date


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-02", date(2026, 3, 2)),
        ("5-го мая 2024 г.", date(2024, 5, 5)),
        ("06.05.24", date(2024, 5, 6)),
        ("Пт, 7 июня 2024", date(2024, 6, 7)),
        ("Fri, 7 June 2024", date(2024, 6, 7)),
        ("02.03.2026, понедельник", date(2026, 3, 2)),
        ("Понедельник, 2 марта 2026 года", date(2026, 3, 2)),
        ("March 2nd, 2026", date(2026, 3, 2)),
        ("2 Mar 2026", date(2026, 3, 2)),
        ("2026-02-30", None),
        ("31 июня 2026", None),
        ("In 2026", None),
        ("2026-03-021", None),
        ("", None),
    ],
)
def test_heading_date(text: str, day: date | None) -> None:
    assert heading_date(text) == day


def test_entry_date() -> None:
    assert entry_date("2 марта 2026. Снег.") == date(2026, 3, 2)
    assert entry_date("**2026-03-02** — sleet") == date(2026, 3, 2)
    assert entry_date("2 марта 2026 я вспомнил о снеге") is None
