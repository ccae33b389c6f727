"""The hardware that an adapter is trained on: a device, or several processes with a device each.

Processes are started by torchrun or `accelerate launch`, or by `consilium train --processes`. Each has the whole model
and computes its share of every step; gradients are added up, not averaged, because each share is divided by the answer
tokens of the whole step. So a step is the same step however many processes compute it, but for rounding.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

from consilium.errors import N_
from inference.device import AUTO, find_device, supports_bfloat16
from inference.training.errors import TrainingError
from inference.training.recipe import Precision

T = TypeVar("T")


class PrecisionUnavailable(TrainingError):
    """The hardware does not compute in the number format that was asked for."""

    sentence = N_("The device {device} does not compute in {precision}.")
    remedy = N_("Train with --precision float32, or with auto.")

    def __init__(self, device: str, precision: str) -> None:
        super().__init__(device=device, precision=precision)


class DevicesTooFew(TrainingError):
    """There are more processes than devices."""

    sentence = N_("{processes} processes need a device each, and {name} is {there}.")
    remedy = N_("Start fewer processes; write cuda for all GPUs, or cpu.")

    def __init__(self, processes: int, name: str, there: int) -> None:
        super().__init__(processes=processes, name=name, there=there)


@dataclass(frozen=True, slots=True)
class Hardware:
    """What this process computes on, and with how many others."""

    device: torch.device
    processes: int = 1
    rank: int = 0
    """Number of this process, from 0."""

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes and speaks."""
        return self.rank == 0

    def choose_dtype(self, precision: Precision) -> torch.dtype:
        """The number format of the base model.

        Raises:
            PrecisionUnavailable
        """
        if precision is Precision.FLOAT32:
            return torch.float32
        if supports_bfloat16(self.device):
            return torch.bfloat16
        if precision is Precision.BFLOAT16:
            raise PrecisionUnavailable(str(self.device), precision)
        return torch.float32

    def add_up(self, *numbers: float) -> list[float]:
        """The sums over all processes, the same in each of them."""
        if self.processes == 1:
            return list(numbers)
        sums = torch.tensor(numbers, dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(sums)
        return [float(value) for value in sums.tolist()]

    def add_up_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Replace every gradient by its sum over all processes; a process without one counts as zeros."""
        if self.processes == 1:
            return
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        torch.distributed.all_reduce(flat)
        parts = torch.split(flat, [p.numel() for p in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view_as(parameter)

    def agree(self, value: T) -> T:
        """What the main process has, in every process."""
        if self.processes == 1:
            return value
        values = [value]
        broadcast_object_list(values)
        return values[0]


CPU = Hardware(torch.device("cpu"))
"""One process on the processor."""


@contextmanager
def open_hardware(name: str = AUTO) -> Iterator[Hardware]:
    """The device of this name, and the other processes if this one was started beside others.

    Raises:
        DeviceUnknown, DeviceUnavailable, DevicesTooFew
    """
    device = find_device(name)
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Hardware(device)
        return
    local = int(os.environ.get("LOCAL_WORLD_SIZE", os.environ["WORLD_SIZE"]))
    if device.type != "cpu":
        # A name without a number stands for all of a kind; of Apple's there is one.
        there = 1 if ":" in name or device.type == "mps" else torch.cuda.device_count()
        if local > there:
            raise DevicesTooFew(local, name, there)
    state = PartialState(cpu=device.type == "cpu")
    try:
        yield Hardware(state.device, state.num_processes, state.process_index)
    finally:
        state.destroy_process_group()
