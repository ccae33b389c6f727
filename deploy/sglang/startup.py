"""What the launchers of servers and of the router share: profiles, keys, and checks before a start."""

from __future__ import annotations

import ctypes
import json
import os
import shlex
import signal
import socket
import tomllib
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


Value = bool | int | float | str | list[str]


class Profile(BaseModel):
    """How to start something on one kind of machine; a file of `profiles/`, where each line carries its reason."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    keys: Literal["required", "optional"] = "optional"
    """Whether it may start without an admin key and an API key."""
    stand_in: bool = False
    """Put `stand_in/` first on PYTHONPATH, in place of the packages that need CUDA."""
    variables: dict[str, str] = Field(default_factory=dict)
    """Environment variables of the server."""
    flags: dict[str, Value]
    """Command-line flags without their dashes; true is a flag without a value."""
    dense: dict[str, Value] = Field(default_factory=dict)
    """Flags that take the place of those above when the base model is at hand and has no experts."""

    @field_validator("flags", "dense")
    @classmethod
    def _no_false(cls, flags: dict[str, Value]) -> dict[str, Value]:
        for name, value in flags.items():
            if value is False:
                raise ValueError(f"{name}: the server's switches have no off; leave the line out")
            if name.startswith("-"):
                raise ValueError(f"{name}: write the flag without its dashes")
        return flags

    def arguments(self, *, dense: bool = False) -> list[str]:
        """The flags as the server's command line takes them.

        Args:
            dense: whether the base model is known to have no experts.
        """
        words: list[str] = []
        for name, value in (self.flags | self.dense if dense else self.flags).items():
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
        stop(f"{path} is not TOML: {error}.")
    except ValidationError as error:
        mistakes = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        stop(f"{path}: {mistakes}.")


def stop(sentence: str) -> NoReturn:
    """End the program with a sentence on stderr."""
    raise SystemExit(sentence)


def is_given(flag: str, words: Sequence[str]) -> bool:
    """Whether a command line says this flag, in either spelling."""
    return any(word == flag or word.startswith(f"{flag}=") for word in words)


def words_of(flag: str, words: Sequence[str]) -> list[str]:
    """What a command line says after this flag, where it says it last; nothing when it does not."""
    said: list[str] = []
    for place, word in enumerate(words):
        if word == flag:
            said = list(takewhile(lambda value: not value.startswith("--"), words[place + 1 :]))
        elif word.startswith(f"{flag}="):
            said = [word.removeprefix(f"{flag}=")]
    return said


def key_argument(flag: str, variable: str, words: Sequence[str], required: bool = False) -> list[str]:
    """The flag of a key that comes from the environment, or nothing when the command line says it."""
    if is_given(flag, words):
        return []
    key = os.environ.get(variable)
    if key:
        return [flag, key]
    if required:
        stop(f"This profile does not start without a key: set {variable} (or give {flag}).")
    return []


def check_model(model: str) -> None:
    """A folder that is not there fails here in a sentence, not after half a minute inside the server."""
    looks_local = model.startswith((".", "/", "~"))
    folder = Path(model)
    if looks_local and not folder.is_dir():
        stop(f"There is no model in {model}: no such folder.")
    if folder.is_dir() and not (folder / "config.json").is_file():
        stop(f"There is no model in {model}: a folder of a model holds a config.json.")


EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")


def is_dense(model: str) -> bool:
    """Whether the model's configuration is at hand and names no experts."""
    try:
        config = json.loads((Path(model) / "config.json").read_bytes())
        config = config.get("text_config", config)
        return not any(config.get(name) for name in EXPERTS)
    except (OSError, ValueError, AttributeError):  # a name on a hub, or a configuration of another form
        return False


def chosen_model(profile_name: str, profile: Profile, given: str | None) -> str:
    """The base model of the command line, or the profile's; ends with a sentence when there is none."""
    model = given or profile.flags.get("model-path", profile.flags.get("model"))
    if not isinstance(model, str):
        stop(f"The profile {profile_name} names no model. Say which: --model-path DIR")
    check_model(model)
    return model


def check_port(host: str, port: int) -> None:
    """End with a sentence when nothing can listen there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            stop(f"The server cannot listen on {host}:{port}: {error.strerror}. Choose another with --port.")


def end_with_parent() -> None:
    """Ask the kernel to end this process when the one that started it is gone, however it went."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def run_server(
    command: Sequence[str], variables: Mapping[str, str], address: tuple[str, int], *, show: bool, with_parent: bool
) -> None:
    """Become the server; or print how it would be started.

    Args:
        variables: of the environment, beside those that are there.
        address: host and port that it listens on.
        with_parent: whether it ends when the process that started it is gone.
    """
    if show:
        print(shlex.join(["env", *(f"{name}={value}" for name, value in variables.items()), *command]))
        return
    check_port(*address)
    if with_parent:
        end_with_parent()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else its processes would compile all of it at each start
    os.execve(command[0], list(command), os.environ | variables)  # noqa: S606
