"""The Helm chart: Kubernetes' schemas, and that it agrees with the program and with itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.fixtures.chart import default_values, render_chart
from tests.fixtures.compose import example_variables, read_compose
from tests.fixtures.deployment import DEPLOY, LAUNCHERS, commands_in, parse_command, unknown_settings

SCHEMAS = json.loads((DEPLOY.parent / "tests/data/schemas/kubernetes-1.34.json").read_text("utf-8"))
VARIANTS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "no GPU": {"sglang.enabled": False, "autoscaling.enabled": False},
    "three servers": {
        "sglang.replicas": 3,
        "sglang.resources": {"requests": {"cpu": "1"}, "limits": {"memory": "9Gi"}},
    },
    "a mind of one's own": {
        "mind.existingClaim": "mind",
        "cache.existingClaim": "cache",
        "backup.existingClaim": "kept",
    },
    "everything": {
        "ingress.enabled": True,
        "ingress.webhook": True,
        "ingress.className": "nginx",
        "ingress.annotations": {"a/b": "c"},
        "migration.after": True,
        "imagePullSecrets": [{"name": "pull"}],
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "sglang.nodeSelector": {"gpu": "yes"},
        "sglang.tolerations": [{"key": "gpu", "operator": "Exists"}],
        "cache.storageClassName": "nfs",
        "backup.storageClassName": "nfs",
        "sglang.models.storageClassName": "fast",
    },
    "nothing around it": {
        "networkPolicies.enabled": False,
        "backup.enabled": False,
        "roles.gateway": {"enabled": False},
        "sglang.enabled": False,
    },
}
RENDERED = {name: render_chart(changes) for name, changes in VARIANTS.items()}
USUAL = RENDERED["as it comes"]
EVERY = [
    (f"{variant}: {one['kind']} {one['metadata']['name']}", one) for variant, all_ in RENDERED.items() for one in all_
]


def find(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = (one for one in objects if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found


def pods(objects: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What runs, by name, and its template."""
    for one in objects:
        spec = one["spec"]
        if one["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec:
            yield one["metadata"]["name"], spec["template"]


@pytest.mark.parametrize("one", [one for _, one in EVERY], ids=[name for name, _ in EVERY])
def test_it_is_what_kubernetes_takes(one: dict[str, Any]) -> None:
    schema = {**SCHEMAS["kinds"][one["kind"]], "$defs": SCHEMAS["$defs"]}
    assert not [f"{list(error.absolute_path)}: {error.message}" for error in Draft7Validator(schema).iter_errors(one)]
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?", one["metadata"]["name"])


def test_the_schemas_refuse_what_is_wrong() -> None:
    broken = json.loads(json.dumps(find(USUAL, "Deployment", "mind-worker")))
    broken["spec"]["template"]["spec"]["containers"][0]["imagePullPolice"] = "Always"
    schema = {**SCHEMAS["kinds"]["Deployment"], "$defs": SCHEMAS["$defs"]}
    assert list(Draft7Validator(schema).iter_errors(broken))


@pytest.mark.parametrize("variant", VARIANTS)
def test_commands_and_variables_are_those_of_the_program(variant: str) -> None:
    for name, template in pods(RENDERED[variant]):
        (container,) = template["spec"]["containers"]
        variables = [variable["name"] for variable in container.get("env", [])]
        assert len(set(variables)) == len(variables), name
        if name.endswith(("-sglang", "-router")):
            assert {each for each in variables if each.startswith("CONSILIUM_")} <= LAUNCHERS
            continue
        assert not unknown_settings(variables), name
        if "command" in container:
            (words,) = commands_in(container["args"][0])
            parse_command(words)
        else:
            parse_command(container["args"])


def test_roles_are_those_of_compose() -> None:
    services = read_compose(example_variables())["services"]
    for role in default_values()["roles"]:
        container = find(USUAL, "Deployment", f"mind-{role}")["spec"]["template"]["spec"]["containers"][0]
        assert container["args"] == services[role]["command"]
        given = {variable["name"] for variable in container["env"]}
        assert {name for name in services[role]["environment"] if "DATABASE" in name or "API_KEY" in name} <= given


@pytest.mark.parametrize("variant", VARIANTS)
def test_references_are_to_what_there_is(variant: str) -> None:
    objects = RENDERED[variant]
    claims = {one["metadata"]["name"] for one in objects if one["kind"] == "PersistentVolumeClaim"}
    claims |= {"mind", "cache", "kept"}
    labels = [template["metadata"]["labels"] for _, template in pods(objects)]
    for name, template in pods(objects):
        spec = template["spec"]
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        if name.endswith("-sglang"):
            volumes.add("models")
        assert {mount["name"] for mount in spec["containers"][0].get("volumeMounts", [])} <= volumes, name
        for volume in spec.get("volumes", []):
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims, name
    for one in objects:
        selector = one["spec"].get("selector")
        if one["kind"] in ("Service", "PodDisruptionBudget", "Deployment", "StatefulSet"):
            wanted = selector.get("matchLabels", selector)
            assert any(wanted.items() <= each.items() for each in labels), one["metadata"]["name"]
        if one["kind"] in ("Deployment", "StatefulSet"):
            assert selector["matchLabels"].items() <= one["spec"]["template"]["metadata"]["labels"].items()
    ports = {one["metadata"]["name"]: one["spec"]["ports"][0]["port"] for one in objects if one["kind"] == "Service"}
    for host, port in re.findall(r"http://(?:[\w-]+\.)?([\w-]+):(\d+)", json.dumps(objects)):
        assert ports[host] == int(port)
    for one in objects:
        if one["kind"] == "Ingress":
            for path in one["spec"]["rules"][0]["http"]["paths"]:
                assert path["backend"]["service"]["name"] in ports


def test_pods_are_locked_down() -> None:
    for name, template in pods(USUAL):
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        security = spec["containers"][0]["securityContext"]
        assert security["allowPrivilegeEscalation"] is False, name
        if name == "mind-sglang":  # the image of SGLang runs as root, and compiles kernels
            continue
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] == 10001, name
        assert security["readOnlyRootFilesystem"] is True, name
        assert security["capabilities"] == {"drop": ["ALL"]}, name


def test_every_role_has_probes_a_budget_and_time_to_drain() -> None:
    for role in default_values()["roles"]:
        spec = find(USUAL, "Deployment", f"mind-{role}")["spec"]
        container = spec["template"]["spec"]["containers"][0]
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        drain = next(one["value"] for one in container["env"] if one["name"] == "CONSILIUM_DRAIN_SECONDS")
        assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > float(drain)
        assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert find(USUAL, "PodDisruptionBudget", f"mind-{role}")["spec"]["maxUnavailable"] == 1


def test_secrets_are_only_in_the_secret_and_only_where_they_are_needed() -> None:
    holders: dict[str, set[str]] = {}
    for name, template in pods(RENDERED["everything"]):
        for variable in template["spec"]["containers"][0]["env"]:
            if re.search("_URL$|_KEYS?$|_TOKEN$", variable["name"]) and variable["name"] != "CONSILIUM_SGLANG_URL":
                assert "value" not in variable, name
                reference = variable["valueFrom"]["secretKeyRef"]
                assert reference["name"] == "consilium"
                holders.setdefault(reference["key"], set()).add(name)
    assert holders["database-backup-url"] == {"mind-backup", "mind-erasures"}
    assert holders["api-key"] == {"mind-api"}
    described = (DEPLOY / "chart" / "values.yaml").read_text("utf-8")
    assert all(re.search(rf"#.*\b{key}\b", described) for key in holders)


def test_the_schema_is_migrated_before_and_after() -> None:
    before, after = (find(RENDERED["everything"], "Job", f"mind-migrate-{name}") for name in ("before", "after"))
    assert before["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert after["metadata"]["annotations"]["helm.sh/hook"] == "post-upgrade"
    arguments = [job["spec"]["template"]["spec"]["containers"][0]["args"] for job in (before, after)]
    assert arguments == [["migrate"], ["migrate", "--after"]]
    assert not [one for one in USUAL if one["metadata"]["name"] == "mind-migrate-after"]


def test_workers_follow_the_queue_by_a_metric_that_there_is() -> None:
    scaler = find(USUAL, "HorizontalPodAutoscaler", "mind-worker")["spec"]
    metric = scaler["metrics"][0]["external"]["metric"]
    assert f'"{metric["name"]}"' in (DEPLOY.parent / "bot" / "turns" / "metrics.py").read_text("utf-8")
    alerts = (DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8")
    assert f'{metric["name"]}{{state="{metric["selector"]["matchLabels"]["state"]}"}}' in alerts
    assert "replicas" not in find(USUAL, "Deployment", "mind-worker")["spec"]
    assert find(RENDERED["no GPU"], "Deployment", "mind-worker")["spec"]["replicas"] == 2


def test_nobody_but_the_service_comes_near_sglang() -> None:
    policies = [one["spec"] for one in USUAL if one["kind"] == "NetworkPolicy"]
    sources = [
        source
        for policy in policies
        for expression in policy["podSelector"].get("matchExpressions", [])
        if "sglang" in expression["values"]
        for rule in policy["ingress"]
        for source in rule["from"]
    ]
    assert sources
    assert all(source["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "mind" for source in sources)
    closed = find(USUAL, "NetworkPolicy", "mind-closed")["spec"]
    assert "ingress" not in closed


def test_every_server_is_behind_the_router() -> None:
    objects = RENDERED["three servers"]
    container = find(objects, "Deployment", "mind-router")["spec"]["template"]["spec"]["containers"][0]
    urls = [word for word in container["args"] if word.startswith("http")]
    assert urls == [f"http://mind-sglang-{index}.mind-sglang:30000" for index in range(3)]
    limits = find(objects, "StatefulSet", "mind-sglang")["spec"]["template"]["spec"]["containers"][0]["resources"][
        "limits"
    ]
    assert limits == {"memory": "9Gi", "nvidia.com/gpu": 1}
