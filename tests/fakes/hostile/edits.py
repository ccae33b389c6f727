"""Small edits that spoil a package on disk, for tests that say exactly what is wrong with it."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from inference.adapters.dtypes import Dtype
from tests.fakes.adapters import tensor_name, write_config, write_tensors

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
Q_A, Q_B = tensor_name(0, "q_proj", "A"), tensor_name(0, "q_proj", "B")

Break = Callable[[Path], object]


def rewrite_header(change: Callable[[dict[str, Any]], Any], data: Callable[[bytes], bytes] = bytes) -> Break:
    """Change the header as JSON, and the numbers."""

    def apply(folder: Path) -> None:
        raw = (folder / WEIGHTS).read_bytes()
        (length,) = struct.unpack("<Q", raw[:8])
        header = json.loads(raw[8 : 8 + length])
        text = change(header)
        text = json.dumps(header if text is None else text) if not isinstance(text, str | bytes) else text
        text = text.encode() if isinstance(text, str) else text
        (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(text)) + text + data(raw[8 + length :]))

    return apply


def rewrite_config(**changes: Any) -> Break:
    def apply(folder: Path) -> None:
        config = json.loads((folder / CONFIG).read_text())
        (folder / CONFIG).write_text(json.dumps(config | changes))

    return apply


def write(name: str, content: bytes) -> Break:
    return lambda folder: (folder / name).write_bytes(content) and None


def cut(name: str, keep: int) -> Break:
    return lambda folder: os.truncate(folder / name, keep if keep >= 0 else (folder / name).stat().st_size + keep)


def remove(name: str) -> Break:
    return lambda folder: (folder / name).unlink()


def in_turn(*breaks: Break) -> Break:
    return lambda folder: [one(folder) for one in breaks] and None


def replace_with_pipe(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    os.mkfifo(folder / WEIGHTS)


def link_out(name: str) -> Break:
    def apply(folder: Path) -> None:
        outside = folder.parent / f"outside-{name}"
        (folder / name).rename(outside)
        (folder / name).symlink_to(outside)

    return apply


def set_entry(name: str, **fields: Any) -> Break:
    return rewrite_header(lambda header: header[name].update(fields))


def rename(old: str, new: str) -> Break:
    return rewrite_header(lambda header: header.update({new: header.pop(old)}))


def add_tensors(names: list[str], rows: int = 4, columns: int = 24) -> Break:
    """Append tensors to the file, properly."""

    def change(header: dict[str, Any]) -> None:
        end = max(entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__")
        for name in names:
            size = rows * columns * 2
            header[name] = {"dtype": "BF16", "shape": [rows, columns], "data_offsets": [end, end + size]}
            end += size

    return rewrite_header(change, lambda data: data + bytes(len(names) * rows * columns * 2))


def twice(header: dict[str, Any]) -> str:
    entry = json.dumps(header[Q_A])
    return json.dumps(header)[:-1] + f', "{Q_A}": {entry}}}'


def swap_offsets_of_all(header: dict[str, Any]) -> None:
    for entry in header.values():
        if "data_offsets" in entry:
            entry["data_offsets"] = [8, 200]


def swap_offsets(header: dict[str, Any]) -> None:
    header[Q_A]["data_offsets"] = header[tensor_name(1, "q_proj", "A")]["data_offsets"]


def put(value: float, dtype: Dtype, at: int = -1) -> Break:
    """Write an adapter whose one number is not finite."""

    def apply(folder: Path) -> None:
        tensors = {}
        for factor, shape in (("A", (4, 24)), ("B", (32, 4))):
            tensors[tensor_name(0, "q_proj", factor)] = np.full(shape, 0.25, np.float32), dtype
        tensors[Q_B][0].flat[at] = value
        if dtype is Dtype.BF16 and np.isnan(value):
            tensors[Q_B][0].flat[at] = np.inf
        write_tensors(folder / WEIGHTS, tensors)
        write_config(folder, r=4, lora_alpha=8, target_modules=["q_proj"])

    return apply


def bfloat16_nan(folder: Path) -> None:
    put(1.0, Dtype.BF16)(folder)
    raw = bytearray((folder / WEIGHTS).read_bytes())
    raw[-2:] = b"\xc1\xff"
    (folder / WEIGHTS).write_bytes(raw)


def nested(header: dict[str, Any], field: str) -> str:
    """As deep as JSON is read, so that nothing may go through it once more."""
    header[Q_A][field] = "here"
    return json.dumps(header).replace('"here"', "[" * 900 + "]" * 900)


DEEP = "[" * 100_000 + "]" * 100_000
