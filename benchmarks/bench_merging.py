"""What looking for conflicts and merging cost, beside reading the files.

    python -m benchmarks.bench_merging [--json PATH] [--layers N]

Two adapters of the shapes of Qwen3-30B-A3B's attention at rank 16 (26.7 MB each), with random weights. Every row runs
in a process of its own. A row's ratio is its time over that of reading both files from the page cache and making
float64 of all their numbers, which is the least that any measure has to do. The time is the processor's, so that other
work on the machine changes it little; with one thread of BLAS. `grew by` is the largest growth of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from inference.adapters.compose import compose
from inference.adapters.conflict import measure_conflict
from inference.adapters.costs.interference import measure_interference
from inference.adapters.merging.settings import SUM, Merge, MergeMethod, MergeSpace, SharedPart
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from tests.fakes.adapters import QWEN3_30B_A3B, write_adapter

READ = "read both files"
Run = Callable[[list[Part], Path], object]


def merges() -> dict[str, Merge]:
    """Every method in every space that it is offered in."""
    found = {"sum": SUM, "sum, cut to rank 16": Merge(rank=16)}
    found |= {f"project off the {off}": Merge(method=MergeMethod.PROJECT, off=off) for off in SharedPart}
    for space in MergeSpace:
        for method in (MergeMethod.TIES, MergeMethod.DARE, MergeMethod.DARE_TIES, MergeMethod.PRUNE):
            found[f"{method}, {space}"] = Merge(method=method, space=space)
    return found


def read_all(parts: list[Part], _folder: Path) -> None:
    """Read every number once."""
    for part in parts:
        with part.package.file.reader() as reader:
            for modules in part.package.layers.values():
                for pair in modules.values():
                    reader.read_tensor(pair.a).astype("float64")
                    reader.read_tensor(pair.b).astype("float64")


def contenders() -> dict[str, Run]:
    """What is measured, by name."""

    def merging(merge: Merge) -> Run:
        return lambda parts, folder: compose(parts, QWEN3_30B_A3B, folder / "merged", merge=merge)

    measures: dict[str, Run] = {
        READ: read_all,
        "conflicts": lambda parts, _: measure_conflict(*parts),
        "cost of one to the other": lambda parts, _: measure_interference(parts[0].package, parts),
    }
    return measures | {f"merge: {name}": merging(merge) for name, merge in merges().items()}


def run_one(name: str, folder: Path) -> None:
    """Run one contender in this process and print its seconds and how much it grew."""
    parts = [Part(AdapterPackage.open(folder / adapter), is_core=adapter == "one") for adapter in ("one", "two")]
    for part in parts:
        part.package.verify()
    read_all(parts, folder)
    probe = Path("/proc/self/clear_refs")
    if probe.exists():
        probe.write_text("5")
    before = _status("VmRSS")
    with tempfile.TemporaryDirectory() as scratch:
        start = time.process_time()
        contenders()[name](parts, Path(scratch))
        seconds = time.process_time() - start
    print(json.dumps({"seconds": seconds, "memory": max(_status("VmHWM") - before, 0)}))


def _status(key: str) -> int:
    """Bytes of a line of this process's status; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(key)) * 1024


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--layers", type=int, default=48, help="layers of the adapters (default 48, all)")
    parser.add_argument("--skip", metavar="NAME", help="leave out rows with this in their name; “delta” takes minutes")
    parser.add_argument("--one", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(options.one[0], Path(options.one[1]))
        return
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for seed, name in enumerate(("one", "two")):
            write_adapter(
                folder / name, QWEN3_30B_A3B, seed=seed, rank=16, alpha=32, layers=tuple(range(options.layers))
            )
        size = sum(path.stat().st_size for path in folder.rglob("*.safetensors"))
        for name in contenders():
            if options.skip is None or options.skip not in name:
                command = [sys.executable, "-m", "benchmarks.bench_merging", "--one", name, str(folder)]
                environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
                said = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
                figures[name] = json.loads(said.splitlines()[-1])
    table = Table(f"two adapters, {size / 1e6:.1f} MB", "seconds", "× reading", "grew by, MB")
    for name, figure in figures.items():
        ratio = figure["seconds"] / figures[READ]["seconds"]
        table.add_row(name, f"{figure['seconds']:.2f}", f"{ratio:.1f}", f"{figure['memory'] / 1e6:.0f}")
    Console(width=120).print(table)
    if options.json:
        options.json.write_text(json.dumps({"bytes": size, "layers": options.layers, "rows": figures}, indent=2))


if __name__ == "__main__":
    main()
