"""The dashboard and the alerts ask for metrics and labels that the code has."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.metrics import MetricWrapperBase
from ruamel.yaml import YAML

DEPLOY = Path(__file__).parents[3] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text("utf-8"))
PARTS = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_count", "_sum"]}
IMPORTS = re.compile(r"^from prometheus_client import .*(Counter|Gauge|Histogram)", re.MULTILINE)
SCRAPED = {"instance", "job", "le"}
"""Labels that come with every sample, or with a bucket."""
NAMED = re.compile(r"(consilium_\w+)(?:\{([^}]*)\})?")


def modules() -> Iterator[str]:
    """Names of the modules with metrics."""
    root = DEPLOY.parent
    for package in ("bot", "inference", "db"):
        for path in (root / package).rglob("*.py"):
            if IMPORTS.search(path.read_text("utf-8")):
                yield ".".join(path.relative_to(root).with_suffix("").parts)


def known() -> dict[str, set[str]]:
    """Every sample the code can expose, with its labels."""
    found: dict[str, set[str]] = {}
    for module in modules():
        for metric in vars(importlib.import_module(module)).values():
            if isinstance(metric, MetricWrapperBase):
                for part in PARTS[metric._type]:
                    found[metric._name + part] = set(metric._labelnames)
    return found


def asked() -> Iterator[tuple[str, str]]:
    """Titles, and what Prometheus is asked for under them."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield f"{panel['title']} {target['refId']}", target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["definition"].replace("label_values", "")
    alerts: Any = YAML(typ="safe").load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))
    for group in alerts["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


@pytest.mark.parametrize("expression", [expression for _, expression in asked()], ids=[title for title, _ in asked()])
def test_it_asks_for_what_there_is(expression: str) -> None:
    samples = known()
    named = NAMED.findall(expression)
    if "consilium_" not in expression:
        assert expression.startswith("up{")
        return
    assert named
    for name, selectors in named:
        assert name in samples, name
        labels = set(re.findall(r"(\w+)\s*=", selectors))
        assert labels <= samples[name] | SCRAPED, name
    for grouped in re.findall(r"by \(([^)]*)\)", expression):
        labels = {label.strip() for label in grouped.split(",")}
        assert labels <= set().union(*(samples[name] for name, _ in named)) | SCRAPED
    for grouped in re.findall(r"rate\((consilium_\w+)", expression):
        assert grouped.endswith(("_total", "_bucket", "_count", "_sum")), "only what counts up has a rate"


@pytest.mark.parametrize(
    "promised",
    [
        "consilium_turns_open", "consilium_turns_ended_total", "consilium_turns_oldest_seconds",
        "consilium_tokens_total",
        'stage="first_token"', 'stage="recall"', "consilium_messages_refused_total", "consilium_engine_servers",
        "consilium_engine_recoveries_total", "consilium_adapters_resident",
        "consilium_adapter_loads_total",
        "consilium_adapter_evictions_total", "consilium_composition_seconds_bucket", "consilium_http_requests_total",
    ],
)  # fmt: skip
def test_what_was_promised_is_on_it(promised: str) -> None:
    assert any(promised in target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", []))


def test_panels_have_places_and_ids_of_their_own() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23


def test_the_example_scrapes_and_reads_its_alerts() -> None:
    scraped: Any = YAML(typ="safe").load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))
    assert [job["job_name"] for job in scraped["scrape_configs"]] == ["consilium", "sglang"]
    assert all((DEPLOY / "prometheus" / name).is_file() for name in scraped["rule_files"])
