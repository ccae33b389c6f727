"""Turns a launch profile and the flags beside it into an SGLang server. Run by `launch`, in SGLang's environment."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from resident import Room, residents
from startup import chosen_model, is_dense, is_given, key_argument, read_profile, run_server, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).resolve().parent
DEFAULT_PORT = 30000
ADMIN_KEY, API_KEY = "CONSILIUM_SGLANG_ADMIN_KEY", "CONSILIUM_SGLANG_API_KEY"
SLOTS = 8
"""SGLang's `--max-loras-per-batch` when nothing says it."""


def _room(words: Sequence[str], model: str) -> Room:
    """What a server started with these words will take, as far as they say."""

    def number(flag: str) -> int | None:
        try:
            return int(words_of(flag, words)[0])
        except (IndexError, ValueError):  # not said, or SGLang will say what is wrong with it
            return None

    modules = frozenset(words_of("--lora-target-modules", words))
    try:
        width = json.loads((Path(model) / "config.json").read_bytes())["hidden_size"]
    except (OSError, ValueError, LookupError, TypeError):  # a name on a hub, or a configuration of another form
        width = None
    return Room(
        loaded=number("--max-loaded-loras"),
        pinned=(number("--max-loras-per-batch") or SLOTS) - 1,
        rank=number("--max-lora-rank"),
        modules=modules if modules and "all" not in modules else None,
        hidden_size=width,
    )


def _resident_arguments(compositions: Path, words: Sequence[str], model: str) -> list[str]:
    """`--lora-paths` with what the service found hot; a sentence on stderr for what is left out."""
    if is_given("--lora-paths", words):
        return []
    found = residents(compositions, _room(words, model))
    for note in found.notes:
        print(note, file=sys.stderr)
    if not found.adapters:
        return []
    return ["--lora-paths", *(json.dumps(asdict(adapter)) for adapter in found.adapters)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="deploy/sglang/launch", allow_abbrev=False)
    parser.add_argument("profile", help="cpu or gpu")
    parser.add_argument("--model-path", help="folder or hub name of the base model, when not the profile's")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--compositions", type=Path, metavar="DIR", help="start with what resident.json in it lists")
    parser.add_argument("--end-with-parent", action="store_true", help="end when the starting process is gone")
    parser.add_argument("--show", action="store_true", help="print the command and its variables; start nothing")
    given, extra = parser.parse_known_args()

    profile = read_profile(HERE / "profiles" / f"{given.profile}.toml")
    model = chosen_model(given.profile, profile, given.model_path)
    required = profile.keys == "required"
    keys = key_argument("--admin-api-key", ADMIN_KEY, extra, required)
    keys += key_argument("--api-key", API_KEY, extra, required)

    words = [
        *profile.arguments(dense=is_dense(model)),
        "--model-path",
        model,
        "--host",
        given.host,
        "--port",
        str(given.port),
        *keys,
    ]
    if given.compositions:
        words += _resident_arguments(given.compositions, [*words, *extra], model)
    command = [sys.executable, "-m", "sglang.launch_server", *words, *extra]
    variables = dict(profile.variables)
    if profile.stand_in:
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE / "stand_in"), os.environ.get("PYTHONPATH"))))
    address = (given.host, given.port)
    run_server(command, variables, address, show=given.show, with_parent=given.end_with_parent)


if __name__ == "__main__":
    main()
