"""A real server that starts with the adapters the service found hot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

import httpx
import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.fixtures.sglang import FEW_ADAPTERS, START_TIMEOUT, SGLangServers

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.sglang, pytest.mark.timeout(2 * START_TIMEOUT)]

RANK = 4


def write_adapter(folder: Path, base: dict[str, int], rank: int) -> None:
    """An adapter of q, k and v in the first layer, all zeros."""
    folder.mkdir(parents=True)
    head = base["hidden_size"] // base["num_attention_heads"]
    tensors = {}
    for module, heads in [("q_proj", "num_attention_heads")] + [
        (m, "num_key_value_heads") for m in ("k_proj", "v_proj")
    ]:
        prefix = f"base_model.model.model.layers.0.self_attn.{module}"
        tensors[f"{prefix}.lora_A.weight"] = np.zeros((rank, base["hidden_size"]), np.float32)
        tensors[f"{prefix}.lora_B.weight"] = np.zeros((head * base[heads], rank), np.float32)
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": rank, "target_modules": ["q_proj", "k_proj", "v_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")


def test_it_starts_with_what_the_list_holds_and_without_what_would_end_it(
    sglang_servers: SGLangServers, base_model_dir: Path, tmp_path: Path
) -> None:
    base = json.loads((base_model_dir / "config.json").read_text(encoding="utf-8"))
    hot, large, gone = (f"c-{number:032x}" for number in range(3))
    write_adapter(tmp_path / hot, base, RANK)
    write_adapter(tmp_path / large, base, 64)
    listed = [{"name": each, "pinned": True} for each in (gone, large, hot)]
    (tmp_path / "resident.json").write_text(json.dumps({"format": 1, "resident": listed}), encoding="utf-8")

    server = sglang_servers.start("--compositions", str(tmp_path), *FEW_ADAPTERS)

    (resident,) = httpx.get(f"{server.url}/server_info", timeout=60).json()["lora_paths"]
    path = str(tmp_path / hot)
    assert (resident["lora_name"], resident["lora_path"], resident["pinned"]) == (hot, path, True)
    assert resident["lora_id"] == uuid5(NAMESPACE_URL, f"{hot}\0{path}").hex
    body = {"model": f"{server.model}:{hot}", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
    assert httpx.post(f"{server.url}/v1/chat/completions", json=body, timeout=300).status_code == httpx.codes.OK
    assert all(name in server.log.read_text(encoding="utf-8") for name in (large, gone))

    # Others use the server as well.
    key = {"Authorization": f"Bearer {server.admin_key}"}
    unloaded = httpx.post(f"{server.url}/unload_lora_adapter", json={"lora_name": hot}, headers=key, timeout=60)
    assert unloaded.json()["success"]
