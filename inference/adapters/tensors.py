"""The safetensors format: 8 bytes with the header's length, a JSON header, the numbers.

A header comes from strangers, so nothing in it is believed before the whole of it has been checked: every
tensor is two-dimensional, of a known format, exactly as long as its shape says, and together they cover the
data without a gap, an overlap or a byte beyond its end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from inference.adapters.dtypes import Dtype, Float32Array, to_float32
from inference.adapters.errors import PackageChanged, PackageUnreadable, WeightsDamaged
from inference.adapters.files import describe_json_error, open_in_folder, reject_duplicate_keys

MAX_HEADER_BYTES = 4 << 20
"""A header beyond this is refused, for parsed it is many times as large; one of 700 modules has 0.2 MB."""

_LENGTH_BYTES = 8
_ALIGNMENT = 64
_MAX_INTEGER = 1 << 48
_MAX_VIEWS = 1024
_MAX_SHOWN_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a matrix lies in its file."""

    name: str
    dtype: Dtype
    rows: int
    columns: int
    start: int
    """First byte, counted from the start of the file."""

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.rows * self.columns * self.dtype.size


class TensorFile:
    """A safetensors file whose header has been read and checked; the numbers stay on disk until asked for.

    Attributes:
        path: the file.
        tensors: every tensor by name.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """Read and check the header.

        Raises:
            PackageUnreadable, PathOutsideFolder: the file cannot be read, or is not in `folder`.
            WeightsDamaged: the header is not one, or does not fit the file.
        """
        self.path = folder / name
        self._folder, self._name = folder, name
        descriptor = open_in_folder(folder, name)
        with os.fdopen(descriptor, "rb") as file:
            self._identity = _file_identity(descriptor)
            self.size = os.fstat(descriptor).st_size
            try:
                head = file.read(_LENGTH_BYTES)
                length = int.from_bytes(head, "little")
                if len(head) < _LENGTH_BYTES:
                    self._fail("it is shorter than the shortest safetensors file")
                if length > MAX_HEADER_BYTES:
                    self._fail(f"its header claims {length} bytes, which no adapter needs; it may not be safetensors")
                if length > self.size - _LENGTH_BYTES:
                    self._fail(f"it is cut off inside its header ({self.size} bytes are there)")
                header = file.read(length)
            except OSError as error:
                raise PackageUnreadable(self.path, error.strerror or str(error)) from error
        self.tensors = self._parse_header(header)

    def _fail(self, flaw: str) -> NoReturn:
        raise WeightsDamaged(self.path, flaw)

    def _parse_header(self, header: bytes) -> dict[str, Tensor]:
        begin = _LENGTH_BYTES + len(header)
        tensors = sorted(
            (self._parse_tensor(*item, begin) for item in self._parse_entries(header)), key=lambda t: t.start
        )
        end = begin
        for tensor in tensors:
            if tensor.start != end:
                overlap = "overlaps the tensor before it" if tensor.start < end else "leaves a gap before it"
                self._fail(f"“{tensor.name[:_MAX_SHOWN_CHARACTERS]}” {overlap}")
            end += tensor.size
        if end > self.size:
            self._fail(f"it is cut off: {end} bytes are described and {self.size} are there")
        if end < self.size:
            self._fail(f"{self.size - end} bytes at its end belong to no tensor")
        return {tensor.name: tensor for tensor in tensors}

    def _parse_entries(self, header: bytes) -> list[tuple[str, Any]]:
        try:
            document = json.loads(header.decode(), object_pairs_hook=reject_duplicate_keys)
        except (ValueError, RecursionError) as error:
            raise WeightsDamaged(self.path, f"its header cannot be read ({describe_json_error(error)})") from error
        # A blank before it is JSON as well, but safetensors itself does not take it.
        if not isinstance(document, dict) or not header.startswith(b"{"):
            self._fail("its header is not a JSON object")
        metadata = document.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
            self._fail("its metadata is not a map of texts")
        if not document:
            self._fail("it holds no tensors")
        return list(document.items())

    def _parse_tensor(self, name: str, entry: Any, begin: int) -> Tensor:
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            self._fail(f"the entry of “{name[:_MAX_SHOWN_CHARACTERS]}” is not dtype, shape and data_offsets")
        dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not isinstance(dtype, str) or dtype not in Dtype.__members__:
            self._fail(
                f"“{name[:_MAX_SHOWN_CHARACTERS]}” is of format {_format_value(dtype)}; {', '.join(Dtype)} are known"
            )
        if not _are_two_integers(shape) or min(shape) < 1:
            self._fail(
                f"“{name[:_MAX_SHOWN_CHARACTERS]}” has shape {_format_value(shape)} where two positive numbers belong"
            )
        if not _are_two_integers(offsets) or not 0 <= offsets[0] <= offsets[1]:
            self._fail(f"“{name[:_MAX_SHOWN_CHARACTERS]}” has offsets {_format_value(offsets)}")
        tensor = Tensor(name, Dtype(dtype), shape[0], shape[1], begin + offsets[0])
        if offsets[1] - offsets[0] != tensor.size:
            self._fail(
                f"“{name[:_MAX_SHOWN_CHARACTERS]}” has {offsets[1] - offsets[0]} bytes"
                f" where its shape needs {tensor.size}"
            )
        return tensor

    @contextmanager
    def reader(self) -> Iterator[TensorReader]:
        """Open the file to read numbers.

        Raises:
            PackageUnreadable: the file is gone.
            PackageChanged: it is not the file whose header was checked.
        """
        descriptor = open_in_folder(self._folder, self._name)
        try:
            if _file_identity(descriptor) != self._identity:
                raise PackageChanged(self.path)
            yield TensorReader(self.path, descriptor)
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class TensorReader:
    """Reads from an open file. Plain reads, for a mapped file that is cut off kills the process that looks at it."""

    path: Path
    descriptor: int

    def read(self, start: int, views: list[memoryview]) -> None:
        """Fill the views, one after the other, with the bytes from `start` on; takes the filled ones off the list.

        Raises:
            PackageUnreadable: the disk failed.
            PackageChanged: the file ended early.
        """
        while views:
            try:
                count = os.preadv(self.descriptor, views[:_MAX_VIEWS], start)
            except OSError as error:
                raise PackageUnreadable(self.path, error.strerror or str(error)) from error
            if not count:
                raise PackageChanged(self.path)
            start += count
            filled = 0
            while filled < len(views) and count >= len(views[filled]):
                count -= len(views[filled])
                filled += 1
            del views[:filled]
            if count:
                views[0] = views[0][count:]

    def read_tensor(self, tensor: Tensor) -> Float32Array:
        """A whole tensor as float32.

        Raises:
            PackageUnreadable, PackageChanged: as `read`.
        """
        stored = np.empty((tensor.rows, tensor.columns), tensor.dtype.storage)
        self.read(tensor.start, [stored.data.cast("B")])
        numbers = np.empty(stored.shape, np.float32)
        to_float32(stored, tensor.dtype, numbers)
        return numbers


def describe_matrix(dtype: Dtype, rows: int, columns: int) -> tuple[str, int]:
    """What `header` needs to know of a matrix: its format and shape as the header says them, and its bytes."""
    return f'"dtype":"{dtype.value}","shape":[{rows},{columns}],"data_offsets":', rows * columns * dtype.size


def build_header(groups: Iterable[tuple[str, Sequence[tuple[str, str, int]]]]) -> bytes:
    """The head of a file: length and header, padded so that the numbers start on a 64-byte boundary.

    Args:
        groups: in the order of their numbers, matrices whose names begin alike: the beginning, and for each matrix
            the rest of its name with format, shape and bytes as `describe` gives them.
    """
    entries = ['{"__metadata__":{"format":"pt"}']
    end = 0
    for path, matrices in groups:
        for name, facts, size in matrices:
            start, end = end, end + size
            entries.append(f'"{path}{name}":{{{facts}[{start},{end}]}}')
    text = ",".join(entries).encode() + b"}"
    text += b" " * (-(_LENGTH_BYTES + len(text)) % _ALIGNMENT)
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text


def _file_identity(descriptor: int) -> tuple[int, ...]:
    """What changes when a file is replaced or written to."""
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _are_two_integers(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2 or type(value[0]) is not int or type(value[1]) is not int:
        return False
    return -_MAX_INTEGER < value[0] < _MAX_INTEGER and -_MAX_INTEGER < value[1] < _MAX_INTEGER


def _format_value(value: object) -> str:
    """A value as it stands in the header, if it is small enough to be looked at; what is nested has no end."""
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(it, dict | list) for it in value)):
        return "of many parts"
    return str(value[:4] if isinstance(value, list) else value)[:60]
