"""Six hundred hostile packages: each is refused with its reason, in bounded time and memory, and nothing crashes."""

from __future__ import annotations

import os
import struct
import tracemalloc
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from inference.adapters.compatibility import check_compatible
from inference.adapters.errors import AdapterError
from inference.adapters.package import AdapterPackage
from inference.adapters.safe_form import check_safe_form
from inference.base_model import BaseModelSpec
from tests.fakes.adapters import TINY
from tests.fakes.hostile.draft import WEIGHTS, Bar
from tests.fakes.hostile.files import MARKER, remove_tree, sparse_with_header
from tests.fakes.hostile.seeded import FAMILIES, hostile, sound

SEED, COUNT, AT_A_TIME = 2026, 600, 50


def open_and_check(folder: Path, base: BaseModelSpec) -> None:
    check_compatible(AdapterPackage.open(folder), base)


def refusal(bar: Callable[[Path, BaseModelSpec], object], folder: Path) -> str | None:
    """What our own error says; any other is a failure."""
    try:
        bar(folder, TINY)
    except AdapterError as error:
        return str(error)
    return None


@pytest.mark.timeout(120)
@pytest.mark.parametrize("first", range(0, COUNT, AT_A_TIME))
def test_hostile_packages_are_refused_with_their_reason(tmp_path: Path, first: int) -> None:
    """A hang ends in the limit of the test; whatever is raised but our own errors ends it as well."""
    for number, hostile_package in enumerate(islice(hostile(SEED, COUNT), first, first + AT_A_TIME), first):
        folder = tmp_path / f"{number}"
        hostile_package.write(folder)
        bars = [check_safe_form, open_and_check] if hostile_package.bar is Bar.SOUND else [check_safe_form]
        for bar in bars:
            message = refusal(bar, folder)
            assert message is not None, f"{number} was not refused: {hostile_package.label}"
            assert str(folder) in message, hostile_package.label
            assert message.isprintable(), hostile_package.label
            assert len(message) < 6000, hostile_package.label
            assert "Traceback" not in message, hostile_package.label
        remove_tree(folder)
    assert not (tmp_path / MARKER).exists()


def test_all_ways_of_being_hostile_are_tried() -> None:
    labels = {label for package in hostile(SEED, COUNT) for label in package.label.split(", and ")}
    assert labels == {mutation.label for family in FAMILIES for mutation in family.mutations}
    assert {package.bar for package in hostile(SEED, COUNT)} == set(Bar)


@pytest.mark.parametrize("claim", ["length", "numbers", "padding", "flood"])
def test_what_a_file_claims_is_not_set_aside(tmp_path: Path, claim: str) -> None:
    """Eight sparse gigabytes take no room on the disk; looking at them must take none in memory."""
    good = tmp_path / "good"
    sound(SEED)(good)
    eight = 8 << 30
    match claim:
        case "length":
            (good / WEIGHTS).write_bytes(struct.pack("<Q", eight - 8) + b"{}")
            os.truncate(good / WEIGHTS, eight)
        case "numbers":
            sparse_with_header(good / WEIGHTS)
        case "padding":
            os.truncate(good / WEIGHTS, eight)
        case "flood":
            text = b'{"a":[' + b"[]," * 1_000_000 + b"0]}"
            (good / WEIGHTS).write_bytes(struct.pack("<Q", len(text)) + text)
    tracemalloc.start()
    try:
        with pytest.raises(AdapterError):
            check_safe_form(good, TINY)
        assert tracemalloc.get_traced_memory()[1] < 128 << 20
    finally:
        tracemalloc.stop()
