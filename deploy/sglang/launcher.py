"""Turns a launch profile and the flags beside it into an SGLang server. Run by `launch`, in SGLang's environment."""

from __future__ import annotations

import argparse
import ctypes
import os
import shlex
import signal
import socket
import sys
import tomllib
from pathlib import Path
from typing import Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

HERE = Path(__file__).resolve().parent
KEYS = {"--admin-api-key": "CONSILIUM_SGLANG_ADMIN_KEY", "--api-key": "CONSILIUM_SGLANG_API_KEY"}
"""Flags that hold a secret, and the variable each may come from."""
DEFAULT_PORT = 30000

Value = bool | int | float | str | list[str]


class Profile(BaseModel):
    """How to start SGLang on one kind of machine; a file of `profiles/`, where each line carries its reason."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    keys: Literal["required", "optional"] = "optional"
    """Whether the server may start without an admin key and an API key."""
    stand_in: bool = False
    """Put `stand_in/` first on PYTHONPATH, in place of the packages that need CUDA."""
    variables: dict[str, str] = Field(default_factory=dict)
    """Environment variables of the server."""
    flags: dict[str, Value]
    """SGLang's flags without their dashes; true is a flag without a value."""

    @field_validator("flags")
    @classmethod
    def _no_false(cls, flags: dict[str, Value]) -> dict[str, Value]:
        for name, value in flags.items():
            if value is False:
                raise ValueError(f"{name}: SGLang's switches have no off; leave the line out")
            if name.startswith("-"):
                raise ValueError(f"{name}: write the flag without its dashes")
        return flags

    def arguments(self) -> list[str]:
        """The flags as SGLang's command line takes them."""
        words: list[str] = []
        for name, value in self.flags.items():
            words.append(f"--{name}")
            if isinstance(value, list):
                words += value
            elif value is not True:
                words.append(str(value))
        return words


def read_profile(path: Path) -> Profile:
    """Read and check a profile; a mistake in it ends the program with a sentence that names it."""
    try:
        return Profile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        _stop(f"{path} is not TOML: {error}.")
    except ValidationError as error:
        mistakes = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        _stop(f"{path}: {mistakes}.")


def _stop(sentence: str) -> NoReturn:
    raise SystemExit(sentence)


def _check_model(model: str) -> None:
    """A folder that is not there fails here in a sentence, not after half a minute inside SGLang."""
    looks_local = model.startswith((".", "/", "~"))
    folder = Path(model)
    if looks_local and not folder.is_dir():
        _stop(f"There is no model in {model}: no such folder.")
    if folder.is_dir() and not (folder / "config.json").is_file():
        _stop(f"There is no model in {model}: a folder of a model holds a config.json.")


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            _stop(f"SGLang cannot listen on {host}:{port}: {error.strerror}. Choose another with --port.")


def _key_arguments(given: list[str], required: bool) -> list[str]:
    """The keys that come from the environment because no flag says them."""
    words: list[str] = []
    for flag, variable in KEYS.items():
        if any(word == flag or word.startswith(f"{flag}=") for word in given):
            continue
        key = os.environ.get(variable)
        if key:
            words += [flag, key]
        elif required:
            _stop(f"This profile does not start without a key: set {variable} (or give {flag}).")
    return words


def _end_with_parent() -> None:
    """Ask the kernel to end this process when the one that started it is gone, however it went."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def main() -> None:
    parser = argparse.ArgumentParser(prog="deploy/sglang/launch", allow_abbrev=False)
    parser.add_argument("profile", help="cpu or gpu")
    parser.add_argument("--model-path", help="folder or hub name of the base model, when not the profile's")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--end-with-parent", action="store_true", help="end when the starting process is gone")
    parser.add_argument("--show", action="store_true", help="print the command and its variables; start nothing")
    given, extra = parser.parse_known_args()

    profile = read_profile(HERE / "profiles" / f"{given.profile}.toml")
    model = given.model_path or profile.flags.get("model-path")
    if not isinstance(model, str):
        _stop(f"The profile {given.profile} names no model. Say which: --model-path DIR")
    _check_model(model)
    keys = _key_arguments(extra, profile.keys == "required")

    command = [sys.executable, "-m", "sglang.launch_server", *profile.arguments()]
    command += ["--model-path", model, "--host", given.host, "--port", str(given.port), *keys, *extra]
    variables = dict(profile.variables)
    if profile.stand_in:
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE / "stand_in"), os.environ.get("PYTHONPATH"))))
    if given.show:
        print(shlex.join(["env", *(f"{k}={v}" for k, v in variables.items()), *command]))
        return
    _check_port(given.host, given.port)
    if given.end_with_parent:
        _end_with_parent()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else three processes would compile all of SGLang at each start
    os.execve(command[0], command, os.environ | variables)  # noqa: S606


if __name__ == "__main__":
    main()
