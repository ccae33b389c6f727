"""Number formats of weights, and the way between them and float32.

numpy has no bfloat16, so a bfloat16 is kept as the 16 bits it is: the upper half of a float32.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Float32Array = npt.NDArray[np.float32]


class Dtype(StrEnum):
    """A number format, by its name in safetensors; declared in the order safetensors lays tensors out."""

    F32 = "F32"
    BF16 = "BF16"
    F16 = "F16"

    @property
    def size(self) -> int:
        """Bytes a number takes."""
        return 4 if self is Dtype.F32 else 2

    @property
    def storage(self) -> np.dtype[Any]:
        """The numpy format that holds it; for bfloat16 its bits."""
        return _STORAGE[self]

    @property
    def infinity_bits(self) -> int:
        """Bits of plus infinity: a magnitude at or above is not finite."""
        return _INFINITY_BITS[self]


DTYPE_ORDER = tuple(Dtype)
"""Tensors lie in a file in the order of their formats, and by name within a format."""

_STORAGE: dict[Dtype, np.dtype[Any]] = {
    Dtype.F32: np.dtype("<f4"),
    Dtype.BF16: np.dtype("<u2"),
    Dtype.F16: np.dtype("<f2"),
}
_INFINITY_BITS = {Dtype.F32: 0x7F800000, Dtype.BF16: 0x7F80, Dtype.F16: 0x7C00}
_BF16_EXPONENT = np.uint16(0x7F80)


def common_dtype(dtypes: Iterable[Dtype]) -> Dtype:
    """The narrowest format that holds all numbers of all of `dtypes` unchanged."""
    kinds = set(dtypes)
    return kinds.pop() if len(kinds) == 1 else Dtype.F32


def to_float32(values: Array, dtype: Dtype, out: Float32Array) -> None:
    """Write numbers of `dtype` into `out` as float32, exactly."""
    if dtype is Dtype.BF16:
        bits = out.view(np.uint32)
        np.copyto(bits, values)
        bits <<= 16
    else:
        np.copyto(out, values)


def from_float32(values: Float32Array, dtype: Dtype) -> Array:
    """Finite float32 numbers rounded to `dtype`, half to even; beyond float16 they become infinite, as everywhere."""
    if dtype is not Dtype.BF16:
        with np.errstate(over="ignore"):
            return values.astype(dtype.storage)
    bits = values.view(np.uint32)
    # Just under half of the last kept bit, plus that bit itself, carries exactly when rounding half to even does.
    return ((bits + ((bits >> 16) & 1) + 0x7FFF) >> 16).astype(dtype.storage)


def scale_bfloat16(values: Array, exponent: int, out: Array) -> None:
    """Write bfloat16 numbers times 2 to the `power` into `out`: exact, but that what comes below 1e-37 becomes zero.

    It works on the bits: a power of two adds to the exponent and leaves the rest of a number alone.
    """
    np.bitwise_and(values, _BF16_EXPONENT, out=out)
    least = max(0, -exponent << 7)
    normal = None if out.min() > least else out > least
    np.add(values, (exponent << 7) & 0xFFFF, out=out)
    if normal is not None:
        out *= normal


def max_magnitude(values: Array, dtype: Dtype) -> float:
    """The largest magnitude among one or more numbers; infinity when one is infinite or not a number.

    Two reductions over the bits as integers, without a temporary: among non-negative floats the order of the
    bits is the order of the numbers, and read unsigned, the negative ones come above them by magnitude.
    """
    bits = values.view(f"<u{dtype.size}")
    sign = 1 << (8 * dtype.size - 1)
    positive = max(int(bits.view(f"<i{dtype.size}").max()), 0)
    magnitude = max(positive, int(bits.max()) & (sign - 1) if int(bits.max()) >= sign else 0)
    if magnitude >= dtype.infinity_bits:
        return float("inf")
    largest = np.empty(1, np.float32)
    to_float32(np.array([magnitude], bits.dtype).view(dtype.storage), dtype, largest)
    return float(largest[0])
