"""Number formats and the safetensors format, against the reference implementations."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import deserialize

from inference.adapters.dtypes import Array, Dtype, common_dtype, max_magnitude, scale_bfloat16, to_float32
from inference.adapters.errors import PackageChanged
from inference.adapters.tensors import TensorFile, build_header, describe_matrix
from tests.fakes.adapters import from_float32, read_tensors, rounded, write_tensors

EVERY_BFLOAT16 = np.arange(1 << 16, dtype=np.uint16)
FINITE_BFLOAT16 = EVERY_BFLOAT16[(EVERY_BFLOAT16 & 0x7F80) != 0x7F80]


def as_float32(values: Array, dtype: Dtype) -> Array:
    out = np.empty(values.shape, np.float32)
    to_float32(values, dtype, out)
    return out


def test_every_bfloat16_is_the_upper_half_of_its_float32() -> None:
    wide = as_float32(EVERY_BFLOAT16, Dtype.BF16)
    assert np.array_equal(wide.view(np.uint32) >> 16, EVERY_BFLOAT16)
    assert not (wide.view(np.uint32) & 0xFFFF).any()
    assert wide[0x3F80] == 1.0
    assert wide[0xC020] == -2.5


def test_every_finite_bfloat16_survives_the_way_through_float32() -> None:
    assert np.array_equal(from_float32(as_float32(FINITE_BFLOAT16, Dtype.BF16), Dtype.BF16), FINITE_BFLOAT16)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_rounding_to_bfloat16_goes_to_the_nearest_and_half_to_even(value: float) -> None:
    number = np.array([value], np.float32)
    low = number.view(np.uint32) & np.uint32(0xFFFF0000)
    near = [low, low + np.uint32(0x10000)]
    distances = [abs(float(bits.view(np.float32)[0].astype(np.float64)) - value) for bits in near]
    nearest = near[0] if distances[0] < distances[1] else near[1]
    if distances[0] == distances[1]:
        nearest = near[0] if not int(near[0][0] >> 16) & 1 else near[1]
    if all(map(math.isfinite, distances)):
        assert from_float32(number, Dtype.BF16)[0] == nearest[0] >> 16


def test_every_half_survives_the_way_through_float32() -> None:
    halves = EVERY_BFLOAT16.view(np.float16)
    halves = halves[np.isfinite(halves)]
    assert np.array_equal(from_float32(as_float32(halves, Dtype.F16), Dtype.F16), halves)


@pytest.mark.parametrize("power", [-20, -5, -1, 0, 1, 7])
def test_a_power_of_two_scales_bfloat16_exactly(power: int) -> None:
    wide = as_float32(FINITE_BFLOAT16, Dtype.BF16).astype(np.float64)
    exact = wide * 2.0**power
    within = (np.abs(exact) < 2.0**127) & (np.abs(exact) >= 2.0**-126) & (np.abs(wide) >= 2.0**-126)
    out = np.empty_like(FINITE_BFLOAT16)
    scale_bfloat16(FINITE_BFLOAT16, power, out)
    found = as_float32(out, Dtype.BF16)
    np.testing.assert_array_equal(found[within], exact[within])
    small = np.abs(exact) < 2.0**-126 * 2.0 ** abs(power)
    assert np.abs(found[small]).max() <= 2.0**-126 * 2.0 ** abs(power)


@pytest.mark.parametrize("dtype", list(Dtype))
@given(numbers=st.lists(st.floats(-60000, 60000, width=16), min_size=1, max_size=50))
def test_the_peak_is_the_largest_magnitude(dtype: Dtype, numbers: list[float]) -> None:
    values = np.array(numbers, np.float32)
    assert max_magnitude(from_float32(values, dtype), dtype) == np.abs(rounded(values, dtype)).max()


@pytest.mark.parametrize("dtype", list(Dtype))
@pytest.mark.parametrize("sign", [0, 1])
def test_any_infinity_and_any_nan_is_the_peak(dtype: Dtype, sign: int) -> None:
    bits = np.zeros(3, f"<u{dtype.size}")
    for magnitude in (dtype.infinity_bits, dtype.infinity_bits + 1, (1 << (8 * dtype.size - 1)) - 1):
        bits[1] = magnitude | sign << (8 * dtype.size - 1)
        assert max_magnitude(bits.view(dtype.storage), dtype) == math.inf


def test_the_widest_format_holds_all() -> None:
    assert common_dtype([Dtype.BF16, Dtype.BF16]) is Dtype.BF16
    assert common_dtype([Dtype.F16]) is Dtype.F16
    assert common_dtype([Dtype.BF16, Dtype.F16]) is Dtype.F32
    assert common_dtype([Dtype.BF16, Dtype.F32]) is Dtype.F32


matrices = st.lists(
    st.tuples(st.sampled_from(list(Dtype)), st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=12
)


@settings(deadline=None)
@given(matrices)
def test_our_header_is_read_by_the_reference_implementation(matrices: list[tuple[Dtype, int, int]]) -> None:
    described = [(f"t{number}", *describe_matrix(*matrix)) for number, matrix in enumerate(matrices)]
    numbers = bytes(range(256)) * 8
    data = b"".join(numbers[:size] for _, _, size in described)
    head = build_header([("layer.", described)])
    assert len(head) % 64 == 0
    read = dict(deserialize(head + data))
    assert read.keys() == {f"layer.{name}" for name, _, _ in described}
    for (name, _, size), (dtype, rows, columns) in zip(described, matrices, strict=True):
        assert (read[f"layer.{name}"]["dtype"], read[f"layer.{name}"]["shape"]) == (dtype.value, [rows, columns])
        assert read[f"layer.{name}"]["data"] == numbers[:size]


@pytest.mark.parametrize("dtype", list(Dtype))
def test_what_the_reference_implementation_writes_is_read(tmp_path: Path, dtype: Dtype) -> None:
    random = np.random.default_rng(0)
    tensors = {f"layer.{n}": random.standard_normal((n + 1, 7)).astype(np.float32) for n in range(12)}
    write_tensors(tmp_path / "x.safetensors", {name: (values, dtype) for name, values in tensors.items()})
    file = TensorFile(tmp_path, "x.safetensors")
    assert file.tensors.keys() == tensors.keys()
    with file.reader() as reader:
        for name, want in read_tensors(tmp_path / "x.safetensors").items():
            np.testing.assert_array_equal(reader.read_tensor(file.tensors[name]), want)


def test_reads_fill_view_after_view_past_what_one_call_takes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    values = np.arange(64 * 64, dtype=np.float32).reshape(64, 64)
    write_tensors(tmp_path / "x.safetensors", {"x": (values, Dtype.F32)})
    file = TensorFile(tmp_path, "x.safetensors")
    buffer = bytearray(values.nbytes)
    view = memoryview(buffer)
    with file.reader() as reader:
        reader.read(file.tensors["x"].start, [view[at : at + 5] for at in range(0, len(view), 5)])
    assert buffer == values.tobytes()


def test_a_file_that_ends_early_is_noticed(tmp_path: Path) -> None:
    write_tensors(tmp_path / "x.safetensors", {"x": (np.ones((64, 64), np.float32), Dtype.F32)})
    file = TensorFile(tmp_path, "x.safetensors")
    with file.reader() as reader:
        os.truncate(file.path, 5000)
        with pytest.raises(PackageChanged):
            reader.read_tensor(file.tensors["x"])
