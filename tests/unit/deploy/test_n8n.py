"""The workflows for n8n: of nodes that n8n has, connected, and asking for what the service has."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest

from bot.channels.http.documents import add_document
from bot.channels.http.own_objects import DocumentObject
from bot.channels.http.request_models import ChatRequest
from bot.minds import load_mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from tests.fixtures.compose import DEPLOY, example_variables, read_compose

DECLARED = json.loads((DEPLOY.parent / "tests/data/schemas/n8n-nodes.json").read_text("utf-8"))["nodes"]
ESCAPES = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")]
FILES = sorted((DEPLOY / "n8n").glob("*.json"))
WORKFLOWS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text("utf-8")) for path in FILES}


def nodes(workflow: str) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in WORKFLOWS[workflow]["nodes"]}


def outputs_of(node: dict[str, Any], declared: dict[str, Any]) -> int:
    if declared["outputs"] is not None:
        return int(declared["outputs"])
    parameters = node["parameters"]  # a switch: one for each rule, and one for the rest
    return len(parameters["rules"]["values"]) + ("fallbackOutput" in parameters["options"])


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_nodes_are_those_of_n8n(workflow: str) -> None:
    every = WORKFLOWS[workflow]["nodes"]
    assert len({node["name"] for node in every}) == len({node["id"] for node in every}) == len(every)
    for node in every:
        package, _, name = node["type"].partition(".")
        assert package == "n8n-nodes-base"
        declared = DECLARED[name][str(node["typeVersion"])]
        assert set(node["parameters"]) <= set(declared["parameters"]), node["name"]
        assert set(node.get("credentials", {})) <= {*declared["credentials"], "httpHeaderAuth"}, node["name"]
        if node["parameters"].get("genericAuthType"):
            assert set(node["credentials"]) == {node["parameters"]["genericAuthType"]}


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_connections_lead_from_one_trigger_to_every_node(workflow: str) -> None:
    every, edges = nodes(workflow), WORKFLOWS[workflow]["connections"]
    assert set(edges) <= set(every)
    for name, ends in edges.items():
        declared = DECLARED[every[name]["type"].partition(".")[2]][str(every[name]["typeVersion"])]
        assert len(ends["main"]) == outputs_of(every[name], declared), name
        for output in ends["main"]:
            assert output, name
            for end in output:
                target = every[end["node"]]
                inputs = DECLARED[target["type"].partition(".")[2]][str(target["typeVersion"])]["inputs"]
                assert (end["type"], end["index"] < inputs) == ("main", True)
    working = {name for name, node in every.items() if not node["type"].endswith(".stickyNote")}
    (trigger,) = (name for name in working if "Trigger" in every[name]["type"])
    reached, waiting = {trigger}, [trigger]
    while waiting:
        for output in edges.get(waiting.pop(), {}).get("main", []):
            waiting += [end["node"] for end in output if end["node"] not in reached]
            reached |= {end["node"] for end in output}
    assert reached == working


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_expressions_name_nodes_of_the_workflow_and_no_secret_is_in_it(workflow: str) -> None:
    text = json.dumps(WORKFLOWS[workflow])
    assert set(re.findall(r"\$\('([^']+)'\)", text)) <= set(nodes(workflow))
    assert not re.search(r"\d{6,}:[\w-]{20,}|sk-\w{8,}", text)
    assert all(
        not credential["id"] for node in nodes(workflow).values() for credential in node.get("credentials", {}).values()
    )


def test_the_question_is_one_that_the_service_takes() -> None:
    every = nodes("telegram-by-subject")
    ask = every["Ask Consilium"]["parameters"]
    assert ask["url"] == "http://api:8080/v1/chat/completions"
    keys = set(re.findall(r"(\w+):", ask["jsonBody"])) - {"http"}
    assert keys - {"role", "content"} <= set(ChatRequest.model_fields)
    mind = load_mind(DEPLOY.parent / "minds" / "agoge")
    modes = [
        node["parameters"]["assignments"]["assignments"][0]["value"] for name, node in every.items() if "Mode " in name
    ]
    assert len(modes) == 3
    for mode in modes:
        resolve_mode(parse_expression(mode), mind)
    for rule in every["Subject"]["parameters"]["rules"]["values"]:
        re.compile(rule["conditions"]["conditions"][0]["rightValue"])


def test_a_document_is_sent_as_the_service_takes_it() -> None:
    send = nodes("document-to-library")["Put into the library"]["parameters"]
    assert (send["method"], send["url"]) == ("POST", "http://api:8080/v1/library/documents")
    assert (send["contentType"], send["inputDataFieldName"]) == ("binaryData", "Document")
    query = {each["name"]: each["value"] for each in send["queryParameters"]["parameters"]}
    assert set(query) <= set(inspect.signature(add_document).parameters)
    assert query["to"] == "library"
    [field] = nodes("document-to-library")["Document"]["parameters"]["formFields"]["values"]
    assert field["fieldLabel"] == "Document"
    told = nodes("document-to-library")["Tell"]["parameters"]["completionMessage"]
    assert set(re.findall(r"\$json\.(\w+)", told)) - {"error"} <= set(DocumentObject.model_fields)


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_whoever_asks_is_told_what_went_wrong(workflow: str) -> None:
    for node in nodes(workflow).values():
        if str(node["parameters"].get("url", "")).startswith("http://api:"):
            assert node["onError"] == "continueRegularOutput"
            assert node["parameters"]["options"]["response"] == {"response": {"neverError": True}}


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_no_text_for_telegram_is_read_as_markup(workflow: str) -> None:
    for node in nodes(workflow).values():
        if node["type"].endswith(".telegram"):
            assert node["parameters"]["additionalFields"]["parse_mode"] == "HTML"
            assert re.findall(r"\.replace\(/(.)/g, '(&\w+;)'\)", node["parameters"]["text"]) == ESCAPES


def test_hosts_are_those_of_compose() -> None:
    services = read_compose(example_variables())["services"]
    hosts = {host for path in FILES for host in re.findall(r"http://([\w-]+):\d+", path.read_text("utf-8"))}
    assert hosts == {"api", "prometheus"}
    assert hosts <= set(services)


def test_the_report_asks_for_metrics_that_there_are() -> None:
    text = (DEPLOY / "n8n" / "nightly-report.json").read_text("utf-8")
    metrics = (DEPLOY.parent / "bot" / "turns" / "metrics.py").read_text("utf-8")
    asked = re.findall(r"sum by \((\w+)\) \(increase\((consilium_\w+)_total\[24h\]\)\)", text)
    assert len(asked) == 3
    for label, name in asked:
        assert re.search(rf'Counter\(\s*"{name}",[^)]*"{label}"', metrics), name
