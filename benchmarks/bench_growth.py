"""What grows with the number of compositions: on disk, in the process that holds the store, and on the server.

    python -m benchmarks.bench_growth [--docs] [--json PATH] [--store-only]

* On disk 10, 100 and 1,000: small compositions, alike in everything but their number of bytes. See `growth_store`.
* On a real server on the CPU, started here with 8 slots and room for 128 adapters, and brought there by the engine: 1,
  10 and 100 compositions of the demo mind's core and sport.

With `--docs` the figures go to `docs/growth.md` and `docs/pictures/growth.svg`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import structlog
from rich.console import Console
from rich.table import Table

from benchmarks import growth_docs, growth_store
from benchmarks.growth_docs import ServerFigures
from benchmarks.growth_store import StoreFigures
from benchmarks.serving import SYSTEM, Client, Compositions, load_average, machine, on_a_server, steps_timed
from inference.adapters.composition import disk_size
from inference.adapters.usage import AdapterRef
from tests.fixtures.sglang import RunningSGLang

ON_DISK, ON_SERVER = (10, 100, 1000), (1, 10, 100)
STORE_SECONDS, SERVER_SECONDS = 120.0, 240.0
"""No larger number is begun after as many seconds."""
SLOTS, ROOM = 8, 128
_SAMPLES = 9


def measure_store(console: Console) -> list[StoreFigures]:
    """Figures of a store with more and more compositions."""
    deadline = time.monotonic() + STORE_SECONDS
    found, made = [], 0
    with tempfile.TemporaryDirectory() as scratch, console.status("Compositions on disk"):
        folder = Path(scratch)
        growth_store.write_packages(folder)
        for count in ON_DISK:
            if not growth_store.fill(folder, range(made, count), deadline):
                console.print(f"{count} compositions were not made in time", style="red")
                break
            made = count
            probe = [sys.executable, "-m", "benchmarks.growth_store", str(folder)]
            answer = subprocess.run(probe, check=True, stdout=subprocess.PIPE, text=True).stdout
            found.append(StoreFigures(**json.loads(answer)))
    return found


def memory_of(server: RunningSGLang) -> int:
    """Memory of a server's processes in bytes, each shared page counted once."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) != server.process.pid:  # its process group
                continue
            rollup = (process / "smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) * 1024
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


class Filling:
    """A server that gets more and more adapters."""

    def __init__(self, server: RunningSGLang, client: Client, compositions: Compositions) -> None:
        self._server = server
        self._client = client
        self._compositions = compositions
        self._held: list[AdapterRef] = []
        self._salt = 1000

    async def measure(self, count: int) -> ServerFigures:
        while len(self._held) < count:
            adapter = await asyncio.to_thread(self._compositions.make)
            await self._client.engine.load_adapter(adapter)
            self._held.append(adapter)
        *others, latest = self._held
        in_slot, from_memory = [], []
        await self._first_token(latest)
        for turn in range(_SAMPLES):
            # The others take turns, so that each has lost its slot to the rest when its turn comes again.
            if count > SLOTS:
                from_memory.append(await self._first_token(others[turn % len(others)]))
            in_slot.append(await self._first_token(latest))
        memory = await asyncio.to_thread(memory_of, self._server)
        loads = [await self._load() for _ in range(_SAMPLES)]
        return ServerFigures(
            adapters=count,
            each=disk_size(self._held[-1].path),
            memory=memory,
            warm=statistics.median(whole for whole, _ in loads),
            load=statistics.median(part for _, part in loads),
            in_slot=statistics.median(in_slot),
            from_memory=statistics.median(from_memory) if from_memory else None,
        )

    async def _first_token(self, adapter: AdapterRef) -> float:
        """With a prompt that is new from its beginning, so that the prefix cache helps none."""
        self._salt += 1
        request = self._client.request(adapter, 4, system=f"{self._salt}. {SYSTEM}")
        return (await self._client.through_engine(request)).first

    async def _load(self) -> tuple[float, float]:
        """Bring one more and let go of it again: seconds of the whole, and of the server's part."""
        adapter = await asyncio.to_thread(self._compositions.make)
        with steps_timed() as spent:
            start = time.perf_counter()
            await self._client.engine.load_adapter(adapter)
            seconds = time.perf_counter() - start
        await self._client.engine.unload_adapter(adapter.name)
        return seconds, spent["load"]


async def measure_server(console: Console) -> list[ServerFigures]:
    """Figures of a server with more and more adapters."""
    found: list[ServerFigures] = []
    flags = ("--max-loras-per-batch", str(SLOTS), "--max-loaded-loras", str(ROOM))
    with console.status("Starting SGLang") as status:
        async with on_a_server(*flags) as bench:
            filling = Filling(bench.server, bench.client, bench.compositions)
            began = time.monotonic()
            for count in ON_SERVER:
                if time.monotonic() - began > SERVER_SECONDS:
                    console.print(f"{count} adapters were not measured in time", style="red")
                    break
                status.update(f"{count} adapters on the server")
                found.append(await filling.measure(count))
    return found


def show(title: str, headers: list[str], rows: list[list[str]], console: Console) -> None:
    table = Table(title=title)
    for header in headers:
        table.add_column(header, justify="right")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what grows with the number of compositions.")
    parser.add_argument("--docs", action="store_true", help="write docs/growth.md and docs/pictures/growth.svg")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--store-only", action="store_true", help="leave the server out (and the documents)")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console()
    console.width = max(console.width, 130)
    before = load_average()
    store = measure_store(console)
    show("The store", growth_docs.STORE_HEADERS, growth_docs.store_rows(store), console)
    if options.store_only:
        return
    server = asyncio.run(measure_server(console))
    show("The server", growth_docs.SERVER_HEADERS, growth_docs.server_rows(server), console)
    load = [before, load_average()]
    console.print(f"Load average before and after: {load[0]}, {load[1]}", style="dim", highlight=False)
    if options.json:
        figures = {"store": [asdict(it) for it in store], "server": [asdict(it) for it in server]}
        options.json.write_text(json.dumps({"machine": machine(), "load_average": load, **figures}, indent=2))
    if options.docs:
        growth_docs.write(store, server, machine(), load, slots=SLOTS, room=ROOM)


if __name__ == "__main__":
    main()
