"""The units of systemd agree with the program and with the files of settings beside them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.app.settings import Settings
from tests.fixtures.deployment import DEPLOY, LAUNCHERS, commands_in, parse_command, unknown_settings

UNITS = DEPLOY / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
ENVIRONMENTS = sorted((UNITS / "env").glob("*.env"))
ROLES = ("gateway", "worker", "api")


def read_environment(name: str) -> dict[str, str]:
    lines = (UNITS / "env" / f"{name}.env").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def read_unit(path: Path) -> dict[str, list[str]]:
    """The values of each directive."""
    values: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", path.read_text("utf-8"), re.MULTILINE):
        values.setdefault(name, []).append(value)
    return values


@pytest.mark.parametrize("path", SERVICES, ids=[path.name for path in SERVICES])
def test_commands_are_those_of_the_program(path: Path) -> None:
    (start,) = read_unit(path)["ExecStart"]
    if "sglang" in path.name:
        program, profile, *words = shlex.split(start)
        assert (program, profile) == ("/opt/consilium/sglang/launch", "gpu")
        flags = set(re.findall(r'add_argument\("(--[\w-]+)"', (DEPLOY / "sglang" / "launcher.py").read_text("utf-8")))
        assert {word for word in words if word.startswith("--")} <= flags
        return
    commands = commands_in(start.removesuffix("'"))
    assert len(commands) == 1
    for role in ROLES:
        parse_command([word.replace("${ROLE}", role) for word in commands[0]])


@pytest.mark.parametrize("path", SERVICES, ids=[path.name for path in SERVICES])
def test_what_a_unit_reads_is_there(path: Path) -> None:
    unit = read_unit(path)
    for file in unit["EnvironmentFile"]:
        for name in ROLES if "%i" in file else [""]:
            assert (UNITS / "env" / Path(file.replace("%i", name)).name).is_file(), file
    given = {name for line in unit["Environment"] for name in re.findall(r"(\w+)=", line)}
    read = {name for file in unit["EnvironmentFile"] for name in read_environment(Path(file.replace("%i", "api")).stem)}
    asked = set(re.findall(r"\$\{(\w+)\}", " ".join(unit["ExecStart"] + unit.get("ExecStartPost", []))))
    assert asked <= given | read
    if "sglang" not in path.name:
        assert not unknown_settings(given)


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=[path.stem for path in ENVIRONMENTS])
def test_variables_are_settings(path: Path) -> None:
    names = set(re.findall(r"^#?(\w+)=", path.read_text("utf-8"), re.MULTILINE))
    assert names
    if path.stem == "sglang":
        assert {name for name in names if name.startswith("CONSILIUM_")} <= LAUNCHERS
    else:
        assert not unknown_settings(names)


def test_roles_have_ports_of_their_own_and_settings_that_are_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = set()
    for role in ROLES:
        variables = read_environment("consilium") | read_environment(role)
        assert variables.pop("ROLE") == role
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings = Settings(_env_file=None)  # type: ignore[call-arg]  # pydantic-settings'
        ports.add(settings.http_port)
        stop = int(read_unit(UNITS / "consilium@.service")["TimeoutStopSec"][0])
        assert stop > settings.drain_seconds
    assert len(ports) == len(ROLES)


def test_only_backups_have_the_role_that_sees_everybody() -> None:
    holders = {path.name for path in SERVICES if "backup.env" in path.read_text("utf-8")}
    assert holders == {"consilium-backup.service", "consilium-erasures.service"}
    assert "DATABASE_BACKUP_URL" not in (UNITS / "env" / "consilium.env").read_text("utf-8")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_understands_every_unit(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n", "utf-8")
    program.chmod(0o755)
    for path in [*SERVICES, *UNITS.glob("*.target"), *UNITS.glob("*.timer")]:
        text = re.sub(r"/opt/consilium/(bin/consilium|sglang/launch)", str(program), path.read_text("utf-8"))
        (tmp_path / path.name).write_text(text, "utf-8")
    for role in ROLES:
        shutil.copy(tmp_path / "consilium@.service", tmp_path / f"consilium@{role}.service")
    units = [path for path in tmp_path.iterdir() if path.suffix in (".service", ".target", ".timer")]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
