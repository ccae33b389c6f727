"""Where a training run is, on disk: written whole or not at all, and read back to go on as if nothing had happened.

A checkpoint is one safetensors file: the weights that are trained, AdamW's moments, the best epoch's weights, and in
the file's metadata all numbers. Random numbers need no place in it: order and dropout follow from seed, epoch and step.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
import torch
from blake3 import blake3
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from consilium.errors import N_, TranslatedDetail
from inference.adapters.files import atomic_write, translate_write_errors, write_at
from inference.training.errors import TrainingError

log = structlog.get_logger(__name__)

_KEPT: Final = 2
"""The newest, and the one before it, should the newest turn out damaged."""
_NAME: Final = re.compile(r"^step-(\d{8})\.safetensors$")
_STATE: Final = "state"
_PARTS: Final = {
    "recipe": TranslatedDetail(N_("another recipe")),
    "dialogues": TranslatedDetail(N_("other dialogues")),
    "core": TranslatedDetail(N_("another core")),
    "base": TranslatedDetail(N_("another base model")),
}


class CheckpointMismatch(TrainingError):
    """An unfinished training was begun from other inputs, and cannot be continued with these."""

    sentence = N_("The unfinished training in {folder} was begun with {what}.")
    remedy = N_("Give what it was begun with, or begin anew with --fresh.")

    def __init__(self, folder: Path, what: TranslatedDetail) -> None:
        super().__init__(folder=folder, what=what)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Digests of everything that an adapter follows from; equal inputs give an equal adapter on one machine."""

    recipe: str
    dialogues: str
    core: str
    base: str

    @property
    def digest(self) -> str:
        """One digest of all."""
        return digest_of(self.as_dict())

    def as_dict(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in _PARTS}


def digest_of(value: object) -> str:
    """BLAKE3 of a value that JSON can write, in hexadecimal."""
    return blake3(json.dumps(value, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a run goes on from."""

    step: int
    """Steps done since the beginning."""
    tensors: Mapping[str, torch.Tensor]
    state: Mapping[str, Any]


class CheckpointFolder:
    """The checkpoints of one adapter's training."""

    def __init__(self, folder: Path, inputs: Inputs) -> None:
        """Set up, without touching the disk.

        Args:
            inputs: what the run follows from; a checkpoint of other inputs is not read.
        """
        self._folder = folder
        self._inputs = inputs

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint and make sure that it is on the disk; only the newest are kept.

        Raises:
            DiskFull, WriteFailed: the earlier ones are as they were.
        """
        content = {"inputs": self._inputs.as_dict(), "state": checkpoint.state}
        data = save(dict(checkpoint.tensors), {_STATE: json.dumps(content)})
        path = self._folder / f"step-{checkpoint.step:08d}.safetensors"
        with translate_write_errors(path, len(data)):
            self._folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(path, len(data), durable=True) as descriptor:
            write_at(descriptor, data, 0)
        for old in self._files()[_KEPT:]:
            old.unlink(missing_ok=True)
        log.debug("checkpoint.saved", path=str(path), step=checkpoint.step)

    def load(self) -> Checkpoint | None:
        """The newest checkpoint that can be read; None if there is none.

        Raises:
            CheckpointMismatch: it is of a run with other inputs.
        """
        for path in self._files():
            try:
                with safe_open(path, framework="pt") as file:
                    content = json.loads(file.metadata()[_STATE])
                    tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
                inputs, state = content["inputs"], content["state"]
            except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
                log.warning("checkpoint.skipped", path=str(path), reason=error)
                continue
            for name, what in _PARTS.items():
                if inputs.get(name) != getattr(self._inputs, name):
                    raise CheckpointMismatch(self._folder, what)
            step = int(path.stem.partition("-")[2])
            return Checkpoint(step, tensors, state)
        return None

    def remove(self) -> None:
        """Delete all of them: the adapter is finished, or is begun anew."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _files(self) -> list[Path]:
        """The newest first."""
        found = self._folder.iterdir() if self._folder.is_dir() else ()
        return sorted((path for path in found if _NAME.match(path.name)), reverse=True)
