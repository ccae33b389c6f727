"""The launch profiles of SGLang and the launcher that reads them, without a server."""

from __future__ import annotations

import importlib
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

DEPLOY = Path(__file__).resolve().parents[3] / "deploy" / "sglang"
KEYS = {"CONSILIUM_SGLANG_ADMIN_KEY": "for-adapters", "CONSILIUM_SGLANG_API_KEY": "for-answers"}


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The launcher as a module: it stands outside the packages, beside the script that runs it."""
    monkeypatch.syspath_prepend(DEPLOY)
    return importlib.import_module("launcher")


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONSILIUM_")}
    return subprocess.run(
        [str(DEPLOY / "launch"), *words],
        env=kept | {"CONSILIUM_SGLANG_PYTHON": sys.executable} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    return tmp_path


def test_the_cpu_profile_starts_a_server_that_takes_adapters(model_dir: Path) -> None:
    shown = run("cpu", "--show", "--model-path", str(model_dir), "--port", "4321", "--max-lora-rank", "8")
    assert shown.returncode == 0, shown.stderr
    words = shlex.split(shown.stdout)
    assert f"PYTHONPATH={DEPLOY / 'stand_in'}" in " ".join(words)
    assert words[words.index("--port") + 1] == "4321"
    assert "--enable-lora" in words
    last_rank = len(words) - 1 - words[::-1].index("--max-lora-rank")
    assert words[last_rank + 1] == "8", "a flag given by hand must come after the profile's"


def test_the_gpu_profile_wants_both_keys() -> None:
    missing = run("gpu", "--show", CONSILIUM_SGLANG_ADMIN_KEY="for-adapters")
    assert missing.returncode != 0
    assert "CONSILIUM_SGLANG_API_KEY" in missing.stderr
    words = shlex.split(run("gpu", "--show", **KEYS).stdout)
    assert words[words.index("--admin-api-key") + 1] == "for-adapters"
    assert words[words.index("--api-key") + 1] == "for-answers"
    assert not any(word.startswith("PYTHONPATH=") for word in words), "the stand-in must not hide the real kernels"


def test_overlapped_loading_keeps_within_what_sglang_allows(launcher: ModuleType) -> None:
    flags = launcher.read_profile(DEPLOY / "profiles" / "gpu.toml").flags
    assert flags["enable-lora-overlap-loading"] is True
    assert flags["max-loras-per-batch"] <= flags["max-loaded-loras"] <= 2 * flags["max-loras-per-batch"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Say which profile"),
        (("tpu",), "'tpu'"),
        (("cpu",), "--model-path"),
        (("cpu", "--model-path", "/no/such/folder"), "/no/such/folder"),
        (("cpu", "--model-path", str(DEPLOY)), "config.json"),
    ],
)
def test_a_start_that_cannot_work_is_refused_at_once(words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_environment_that_is_not_there_names_the_way_to_make_it(tmp_path: Path) -> None:
    done = run("cpu", "--model-path", ".", CONSILIUM_SGLANG_PYTHON="", CONSILIUM_SGLANG_HOME=str(tmp_path))
    assert done.returncode != 0
    assert "make sglang" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[flags]\nenable-lora = false", "no off"),
        ('[flags]\n"--device" = "cpu"', "dashes"),
        ("flagz = 1\n[flags]", "flagz"),
        ("[flags", "TOML"),
        ("[variables]\nA = 1\n[flags]", "variables.A"),
    ],
)
def test_a_mistake_in_a_profile_is_named(launcher: ModuleType, tmp_path: Path, text: str, said: str) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match=said) as stopped:
        launcher.read_profile(profile)
    assert str(profile) in str(stopped.value)


def test_what_stands_in_can_be_imported_but_not_called() -> None:
    program = """
import sgl_kernel.flash_attn, torchvision.transforms as T, torch
from sgl_kernel import silu_and_mul
assert T.InterpolationMode.BICUBIC is not None
assert torch.zeros(2, pin_memory=True).pin_memory().tolist() == [0.0, 0.0]
assert not hasattr(sgl_kernel, "__wrapped__")
try:
    silu_and_mul(1)
except NotImplementedError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(DEPLOY / "stand_in")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.startswith("sgl_kernel.silu_and_mul was called"), done.stderr
