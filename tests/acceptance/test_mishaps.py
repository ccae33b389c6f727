"""What fails outside a conversation: each time a sentence, an exit code, and nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app.settings import DEMO_MIND
from tests.acceptance.conftest import CONSILIUM, DEADLINE, Home


@pytest.fixture
def mind(tmp_path: Path) -> Path:
    """A copy of the demo mind, to damage."""
    return Path(shutil.copytree(DEMO_MIND, tmp_path / "mind"))


def truncate(adapter: Path) -> None:
    weights = adapter / "adapter_model.safetensors"
    os.truncate(weights, weights.stat().st_size // 2)


def corrupt(adapter: Path) -> None:
    with (adapter / "adapter_model.safetensors").open("r+b") as weights:
        weights.write(b"\xff" * 64)


def rename_to_pickle(adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")


def name_another_base(adapter: Path) -> None:
    for name in ("manifest.json", "adapter_config.json"):
        file = adapter / name
        file.write_text(file.read_text().replace("SmolLM2-135M-Instruct", "Qwen3-0.6B"))


def change_weights(adapter: Path) -> None:
    with (adapter / "adapter_model.safetensors").open("r+b") as weights:
        weights.seek(-10, os.SEEK_END)
        weights.write(b"\x00\x3c")


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "truncated": (truncate, "cut off"),
    "corrupt": (corrupt, "header"),
    "pickled": (rename_to_pickle, "safetensors"),
    "foreign": (name_another_base, "Qwen3-0.6B"),
    "changed": (change_weights, "manifest"),
}
"""By the name of the adapter it is done to: the damage, and a word of what is then said about it."""


def test_broken_adapters_are_out_of_service_with_the_reason(home: Home, mind: Path) -> None:
    spec = mind / "mind.yaml"
    text = spec.read_text("utf-8")
    added = "".join(f"  {name}: {{kind: topic, path: adapters/{name}}}\n" for name in DAMAGES)
    spec.write_text(text.replace("\nmodes:\n", f"{added}\nmodes:\n"), "utf-8")
    for name, (damage, _) in DAMAGES.items():
        shutil.copytree(mind / "adapters" / "sport", mind / "adapters" / name)
        damage(mind / "adapters" / name)

    checked = home.run("adapters", "check", "--mind", str(mind))
    assert checked.code == 1
    assert "core: sound" in checked.out
    assert "sport: sound" in checked.out
    for name, (_, word) in DAMAGES.items():
        [reason] = [line for line in checked.out.splitlines() if line.startswith(f"{name}: ")]
        assert word in reason

    asked = [f"/mode {name}" for name in DAMAGES]
    talked = home.run("chat", "--mind", str(mind), say="\n".join([*asked, "/mode core", "hello", ""]))
    assert talked.code == 0, talked.err
    for name in DAMAGES:
        assert f"{name} is out of service" in talked.out
    assert "[core] " in talked.out
    assert "Traceback" not in checked.err + talked.err


def test_broken_mind_is_reported_with_file_and_line(home: Home, mind: Path) -> None:
    file = mind / "mind.yaml"
    lines = file.read_text(encoding="utf-8").splitlines()
    number = next(i for i, line in enumerate(lines) if "kind: topic" in line)
    lines[number] = lines[number].replace("topic", "topik")
    file.write_text("\n".join(lines), encoding="utf-8")
    ended = home.run("chat", "--mind", str(mind), say="hello\n")
    assert ended.code != 0
    assert f"mind.yaml:{number + 1}" in ended.err
    assert "topic" in ended.err


def test_unknown_adapter_or_mode_is_reported_with_the_nearest(home: Home) -> None:
    for arguments in (("adapters", "inspect", "spotr"), ("adapters", "compose", "spotr+core"), ("train", "spotr")):
        ended = home.run(*arguments)
        assert ended.code != 0
        assert "sport" in ended.err


def test_full_disk_while_composing(home: Home) -> None:
    composed = subprocess.run(
        ["bash", "-c", f'ulimit -f 1000; exec "{CONSILIUM}" adapters compose sport+core'],
        capture_output=True,
        text=True,
        env=dict(home.environment),
        timeout=DEADLINE,
        check=False,
    )
    assert composed.returncode != 0
    assert "Traceback" not in composed.stderr
    compositions = Path(home.environment["CONSILIUM_CACHE_DIR"]) / "compositions"
    assert str(compositions) in composed.stderr
    assert not list(compositions.rglob("*.safetensors"))
    again = home.run("adapters", "compose", "sport+core")
    assert again.code == 0, again.err


@pytest.fixture
def base_model(base_model_dir: Path, tmp_path: Path) -> Path:
    """A base model whose files can be taken away, its weights not copied."""
    folder = tmp_path / "base"
    folder.mkdir()
    for file in base_model_dir.iterdir():
        (folder / file.name).symlink_to(file)
    return folder


def test_missing_weights_end_the_chat_at_its_start(home: Home, base_model: Path) -> None:
    (base_model / "model.safetensors").unlink()
    ended = home.chat("/mode", CONSILIUM_BASE_MODEL=str(base_model))
    assert (ended.code, ended.out) == (1, "")
    assert "it has no *.safetensors" in ended.err


def test_weights_that_cannot_be_loaded_fail_questions_only(home: Home, base_model: Path) -> None:
    config = json.loads((base_model / "config.json").read_text("utf-8"))
    config["vocab_size"] += 1  # not the shape of the weights
    (base_model / "config.json").unlink()
    (base_model / "config.json").write_text(json.dumps(config))
    ended = home.chat("/mode core", "What is patience?", "/mode", CONSILIUM_BASE_MODEL=str(base_model))
    assert ended.code == 1
    first, question, last = ended.objects
    assert first["error"] is None
    assert str(base_model) in question["error"]
    assert last["error"] is None
    assert "Traceback" not in ended.out + ended.err


def test_bad_setting_is_reported_by_name(home: Home) -> None:
    ended = home.run("doctor", CONSILIUM_PROMPT_TOKENS="many")
    assert ended.code == 78
    assert "CONSILIUM_PROMPT_TOKENS" in ended.err


def test_unreachable_database_is_reported_without_its_password(home: Home) -> None:
    ended = home.chat("hello", CONSILIUM_DATABASE_URL="postgresql://anna:secret@127.0.0.1:9/mind")
    assert ended.code != 0
    assert "127.0.0.1:9" in ended.err
    assert "secret" not in ended.err


def test_postgres_killed_during_a_turn_is_started_again(home: Home) -> None:
    chat = subprocess.Popen(
        [CONSILIUM, "chat", "--user", "anna"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(home.environment),
    )
    assert chat.stdin
    assert chat.stdout
    chat.stdin.write(b"/mode core\n/remember I live by the sea.\nWhat is patience?\n")
    chat.stdin.flush()
    seen = b""
    while b"[core]" not in seen:
        piece = chat.stdout.read1(64)
        assert piece, "the chat ended before it answered"
        seen += piece
    [pid_file] = Path(home.environment["CONSILIUM_DATA_DIR"]).rglob("postmaster.pid")
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
    out, err = chat.communicate(b"", timeout=DEADLINE)
    printed = out.decode()
    assert chat.returncode == 0
    assert len(printed) > 60
    assert "Traceback" not in printed + err.decode()

    again = home.chat("/mode", "/memory")
    assert again.code == 0, again.err
    assert "core" in again.objects[0]["answer"]
    assert "sea" in again.objects[1]["answer"]


def test_doctor_passes(new_home: Home) -> None:
    ended = new_home.run("doctor")
    assert ended.code == 0, ended.out + ended.err
    assert "✗" not in ended.out
    assert ended.out.count("✓") == 7
