"""The adapters a server starts with: what the list of residents may cost, and that it never costs the start."""

from __future__ import annotations

import importlib
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save_file

if TYPE_CHECKING:
    from types import ModuleType

DEPLOY = Path(__file__).resolve().parents[3] / "deploy" / "sglang"
WIDTH = 64


def name(number: int) -> str:
    return f"c-{number:032x}"


def write_composition(
    folder: Path, *, rank: int = 8, modules: tuple[str, ...] = ("q_proj",), width: int = WIDTH
) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"r": rank, "target_modules": modules}), encoding="utf-8")
    tensors = {}
    for module in modules:
        prefix = f"base_model.model.model.layers.0.self_attn.{module}"
        tensors[f"{prefix}.lora_A.weight"] = np.zeros((rank, width), np.float32)
        tensors[f"{prefix}.lora_B.weight"] = np.zeros((width, rank), np.float32)
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    return folder


def write_list(folder: Path, *names: str, pinned: tuple[str, ...] = ()) -> None:
    entries = [{"name": each, "pinned": each in pinned} for each in names]
    (folder / "resident.json").write_text(json.dumps({"format": 1, "resident": entries}), encoding="utf-8")


@pytest.fixture
def resident(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module: it stands outside the packages, beside the script that runs it."""
    monkeypatch.syspath_prepend(DEPLOY)
    return importlib.import_module("resident")


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"hidden_size": WIDTH}), encoding="utf-8")
    return folder


@pytest.fixture
def compositions(tmp_path: Path) -> Path:
    folder = tmp_path / "compositions"
    folder.mkdir()
    return folder


def launch(model_dir: Path, compositions: Path, *flags: str) -> tuple[list[str], str]:
    """The command `launch` would run, and what it says on stderr."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CONSILIUM_")}
    words = ["cpu", "--show", "--model-path", str(model_dir), "--compositions", str(compositions), *flags]
    done = subprocess.run(
        [str(DEPLOY / "launch"), *words],
        env=kept | {"CONSILIUM_SGLANG_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return shlex.split(done.stdout), done.stderr


def started_with(words: list[str]) -> list[dict[str, object]]:
    if "--lora-paths" not in words:
        return []
    values = words[words.index("--lora-paths") + 1 :]
    return [json.loads(value) for value in values if value.startswith("{")]


def test_the_hottest_come_first_with_absolute_paths(
    model_dir: Path, compositions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        write_composition(compositions / name(number))
    write_list(compositions, name(2), name(1), pinned=(name(1),))
    monkeypatch.chdir(compositions.parent)
    words, said = launch(model_dir, Path("compositions"))
    assert started_with(words) == [
        {"lora_name": name(2), "lora_path": str(compositions / name(2)), "pinned": False},
        {"lora_name": name(1), "lora_path": str(compositions / name(1)), "pinned": True},
    ]
    assert said == ""


def test_without_a_list_nothing_is_said(model_dir: Path, compositions: Path) -> None:
    words, said = launch(model_dir, compositions)
    assert started_with(words) == []
    assert said == ""


def test_no_more_than_the_server_holds(model_dir: Path, compositions: Path) -> None:
    names = [name(number) for number in range(5)]
    for each in names:
        write_composition(compositions / each)
    write_list(compositions, *names, pinned=tuple(names))
    words, said = launch(model_dir, compositions, "--max-loaded-loras", "4", "--max-loras-per-batch=3")
    started = started_with(words)
    assert [adapter["lora_name"] for adapter in started] == names[:4]
    assert [adapter["pinned"] for adapter in started] == [True, True, False, False]
    assert names[4] in said


def test_the_profile_sets_the_limits_where_no_flag_does(model_dir: Path, compositions: Path) -> None:
    names = [name(number) for number in range(20)]
    for each in names:
        write_composition(compositions / each)
    write_list(compositions, *names)
    assert len(started_with(launch(model_dir, compositions)[0])) == 16


@pytest.mark.parametrize(
    ("flags", "left"),
    [((), [1]), (("--max-lora-rank", "64"), [1, 2]), (("--lora-target-modules", "k_proj", "v_proj"), [])],
)
def test_what_this_server_cannot_take_is_left_out(
    model_dir: Path, compositions: Path, flags: tuple[str, ...], left: list[int]
) -> None:
    write_composition(compositions / name(1))
    write_composition(compositions / name(2), rank=64)
    write_composition(compositions / name(3), width=2 * WIDTH)
    write_composition(compositions / name(4), modules=("lm_head",))
    write_list(compositions, *map(name, range(1, 5)))
    words, said = launch(model_dir, compositions, *flags)
    assert [adapter["lora_name"] for adapter in started_with(words)] == [name(number) for number in left]
    assert all(name(number) in said for number in range(1, 5) if number not in left)


def test_what_is_not_whole_is_left_out(model_dir: Path, compositions: Path, tmp_path: Path) -> None:
    whole = write_composition(compositions / name(1))
    cut = write_composition(compositions / name(2)) / "adapter_model.safetensors"
    cut.write_bytes(cut.read_bytes()[:-1])
    empty = write_composition(compositions / name(3)) / "adapter_model.safetensors"
    empty.write_bytes(bytes(empty.stat().st_size))
    (write_composition(compositions / name(4)) / "adapter_config.json").write_text("[]", encoding="utf-8")
    header = b'[{"shape": 1}]'
    no_header = write_composition(compositions / name(7)) / "adapter_model.safetensors"
    no_header.write_bytes(len(header).to_bytes(8, "little") + header)
    (compositions / name(5)).symlink_to(write_composition(tmp_path / "elsewhere"))
    write_list(compositions, name(1), name(1), *map(name, range(2, 8)))
    words, said = launch(model_dir, compositions)
    assert [adapter["lora_path"] for adapter in started_with(words)] == [str(whole)]
    assert [number for number in range(1, 8) if name(number) in said] == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"resident": []}',
        '{"format": 2, "resident": []}',
        '{"format": 1, "resident": [{"name": "../../etc", "pinned": false}]}',
        '{"format": 1, "resident": [{"name": "c-0", "pinned": false}]}',
        '{"format": 1, "resident": [{"name": "c-%s\\n", "pinned": false}]}' % ("0" * 32),
        '{"format": 1, "resident": [{"pinned": true}]}',
        '{"format": 1, "resident": [7]}',
        b"\xff\xfe",
    ],
)
def test_a_broken_list_is_said_and_never_keeps_a_server_from_starting(
    resident: ModuleType, compositions: Path, text: str | bytes
) -> None:
    content = text if isinstance(text, bytes) else text.encode()
    (compositions / "resident.json").write_bytes(content)
    found = resident.residents(compositions, resident.Room(16, 7, 32, None, None))
    assert found.adapters == []
    (said,) = found.notes
    assert str(compositions / "resident.json") in said


def test_adapters_given_by_hand_win_over_the_list(model_dir: Path, compositions: Path) -> None:
    write_composition(compositions / name(1))
    write_list(compositions, name(1))
    words, _ = launch(model_dir, compositions, "--lora-paths", "mine=/somewhere")
    assert words.count("--lora-paths") == 1
    assert words[words.index("--lora-paths") + 1] == "mine=/somewhere"
