"""Where a model computes: the processor or an accelerator, and in which number format.

Torch is imported when a device is looked for: settings are checked without it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from consilium.errors import N_
from inference.errors import InferenceError

if TYPE_CHECKING:
    import torch

AUTO: Final = "auto"
DEVICE_PATTERN: Final = r"^(auto|cpu|mps|cuda(:\d+)?)$"
"""How a device is written in settings and options."""


class DeviceUnknown(InferenceError):
    """The name is of no device."""

    sentence = N_("“{name}” is no device.")
    remedy = N_("Write auto, cpu, cuda, cuda:0 or mps.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class DeviceUnavailable(InferenceError):
    """The device that was asked for is not there, or this build of torch cannot use it."""

    sentence = N_("Torch {version} finds no device {name} on this machine.")
    remedy = N_("Write auto or cpu, or install a build of torch for this device.")

    def __init__(self, name: str, version: str) -> None:
        super().__init__(name=name, version=version)


def check_device_name(name: str) -> str:
    """The name, if it is written like one of a device; whether the device is there is not looked at.

    Raises:
        DeviceUnknown
    """
    if not re.match(DEVICE_PATTERN, name):
        raise DeviceUnknown(name)
    return name


def find_device(name: str = AUTO) -> torch.device:
    """The device of this name; `auto` is the first GPU, else Apple's, else the processor.

    Raises:
        DeviceUnknown, DeviceUnavailable
    """
    check_device_name(name)
    import torch

    if name == AUTO:
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(name)
    counts = {
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }
    if (device.index or 0) >= counts.get(device.type, 1):
        raise DeviceUnavailable(name, str(torch.__version__))
    return device


def supports_bfloat16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16; a processor always does, some slowly."""
    import torch

    if device.type == "cuda":
        with torch.cuda.device(device):
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "mps":
        return bool(torch.backends.mps.is_macos_or_newer(14, 0))
    return True


def answering_dtype(device: torch.device) -> torch.dtype:
    """What models answer in: exact on a processor, half the memory on an accelerator."""
    import torch

    if device.type == "cpu":
        return torch.float32
    return torch.bfloat16 if supports_bfloat16(device) else torch.float16


def free_memory(device: torch.device) -> int:
    """Bytes that can still be taken on the device."""
    import torch

    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    import psutil  # type: ignore[import-untyped]  # has no types

    if device.type == "mps":
        taken = torch.mps.driver_allocated_memory()
        return int(max(0, min(torch.mps.recommended_max_memory() - taken, psutil.virtual_memory().available)))
    return int(psutil.virtual_memory().available)
