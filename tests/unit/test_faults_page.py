"""The page on faults tells of every fault that the campaign brings about, and names alerts and metrics that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.acceptance.faults.faults import LONG, SHORT, Fault, Plan

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/survive-faults.md").read_text("utf-8")
SECTION = PAGE.partition("## Faults, one by one")[2].partition("## ")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in SECTION.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("fault", Fault, ids=str)
def test_every_fault_has_a_row_that_says_what_to_see_and_do(fault: Fault) -> None:
    rows = [row for row in ROWS if row[0].startswith(fault)]
    assert len(rows) == 1
    assert len(rows[0]) == 4
    assert all(rows[0])


@pytest.mark.parametrize("plan", [SHORT, LONG], ids=["short", "long"])
def test_a_plan_counts_every_fault(plan: Plan) -> None:
    assert set(plan.counts) == set(Fault)


def test_the_long_plan_leaves_no_fault_out() -> None:
    assert all(LONG.counts.values())


def test_alerts_and_metrics_of_the_page_exist() -> None:
    rules = yaml.safe_load(next((ROOT / "deploy/prometheus").glob("*alert*")).read_text("utf-8"))
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    assert set(re.findall(r"`(Consilium[A-Z]\w+)`", SECTION)) <= alerts
    metrics = (ROOT / "docs/how-to/watch-the-service.md").read_text("utf-8")
    metrics += (ROOT / "docs/how-to/sglang.md").read_text("utf-8") + (ROOT / "docs/how-to/read-the-logs.md").read_text()
    named = re.findall(r"`(consilium_\w+)", SECTION)
    assert named
    assert [metric for metric in named if metric not in metrics] == []
