"""One store of so many compositions, measured in a process of its own that does nothing else.

    python -m benchmarks.growth_store FOLDER

`bench_growth` fills the folder and runs this; the figures go to standard output as JSON.
"""

from __future__ import annotations

import json
import logging
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from tests.fakes.adapters import SMOLLM2, write_adapter

STEPS = 39
"""Weights from 0.05 to 1.95 of each of the two adapters: 39² recipes."""
_FEW, _MANY = 5, 50


@dataclass
class StoreFigures:
    """Seconds (medians where a thing can be repeated) and bytes."""

    compositions: int
    cold: float
    """`ensure` of a known composition, for the first time in a process: read through and compared with its digest."""
    warm: float
    """`ensure` of the same again."""
    another: float
    """`ensure` of a composition not made before."""
    listing: float
    on_disk: int
    grown: int
    """What the process has grown by, at its peak, after it handed out every composition and listed them."""
    peak: int


def write_packages(folder: Path) -> None:
    """Two adapters as small as can be, so that a thousand of their compositions are soon made."""
    for seed, name in enumerate(("one", "two")):
        write_adapter(folder / "adapters" / name, SMOLLM2, seed=seed, rank=1, alpha=2)


class Recipes:
    """Compositions of the two, by number."""

    def __init__(self, folder: Path) -> None:
        self._packages = [AdapterPackage.open(folder / "adapters" / name) for name in ("one", "two")]
        for package in self._packages:  # a service has done this by its first request
            package.verify()

    def __getitem__(self, number: int) -> list[Part]:
        steps = divmod(number, STEPS)
        return [Part(package, 0.05 * (step + 1)) for package, step in zip(self._packages, steps, strict=True)]


def fill(folder: Path, compositions: range, deadline: float) -> bool:
    """Make them; False when `deadline` (of `time.monotonic`) comes first."""
    store, recipes = CompositionStore(folder / "compositions"), Recipes(folder)
    for number in compositions:
        if time.monotonic() > deadline:
            return False
        store.get_or_compose(recipes[number], SMOLLM2)
    return True


def measure(folder: Path) -> StoreFigures:
    """Figures of a filled folder, which is left as it was."""
    store, recipes = CompositionStore(folder / "compositions"), Recipes(folder)
    count = sum(path.is_dir() and path.name.startswith("c-") for path in store.root.iterdir())
    before = _memory("VmRSS")

    def ensure(number: int) -> float:
        return _seconds(lambda: store.get_or_compose(recipes[number], SMOLLM2))

    known = [ensure(number) for number in range(_FEW)]
    warm = [ensure(0) for _ in range(_MANY)]
    another = []
    for number in range(count, count + _FEW):
        another.append(ensure(number))
        store.remove(store.composition_name(recipes[number], SMOLLM2))
    for number in range(count):
        ensure(number)
    listing = [_seconds(store.list) for _ in range(_FEW)]
    peak = _memory("VmHWM")
    return StoreFigures(
        compositions=count,
        cold=statistics.median(known),
        warm=statistics.median(warm),
        another=statistics.median(another),
        listing=statistics.median(listing),
        on_disk=store.size,
        grown=peak - before,
        peak=peak,
    )


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _memory(key: str) -> int:
    """Of this process, in bytes: `VmRSS` now, `VmHWM` at the most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) * 1024


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    json.dump(asdict(measure(Path(sys.argv[1]))), sys.stdout)
