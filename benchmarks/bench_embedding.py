"""Benchmarks the bundled embedding models: `python -m benchmarks.bench_embedding [--quick]`.

For each model, in a process of its own: making the checkpoint where the package has another form, loading, memory,
questions and passages a second. Figures of one run can be compared; those of two machines cannot.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from inference.embedding import BUNDLED_EMBEDDING_MODELS, E5_MODEL, open_embedder
from inference.embedding.bundled import resolve_bundled_model
from inference.embedding.centring import SENTENCES

MODELS_FOLDER: Final = user_cache_path("consilium") / "models"
QUESTIONS: Final = [f"{text} {number}?" for number in range(12) for pair in SENTENCES for text in pair]
PASSAGES: Final = [
    " ".join(pair[language] for pair in (*SENTENCES[start:], *SENTENCES[:start]))[:1000]
    for start in range(len(SENTENCES))
    for language in (0, 1)
]
"""About 250 tokens each."""


async def measure(model: str, *, quick: bool) -> dict[str, float | str]:
    """The figures of one model, in this process."""
    figures: dict[str, float | str] = {"model": model}
    if model == E5_MODEL:
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            resolve_bundled_model(model, Path(folder))
            figures["made in s"] = time.perf_counter() - start
    start = time.perf_counter()
    embedder = open_embedder(model, MODELS_FOLDER)
    await embedder.start()
    figures["loaded in s"] = time.perf_counter() - start
    for name, texts, purpose in (("questions/s", QUESTIONS, "query"), ("passages/s", PASSAGES, "passage")):
        some = texts[: len(texts) // 8] if quick else texts
        start = time.perf_counter()
        await embedder.embed(some, "query" if purpose == "query" else "passage")
        figures[name] = len(some) / (time.perf_counter() - start)
    start, count = time.perf_counter(), 20
    for number in range(count):
        await embedder.embed([f"How should I rest on day {number}?"], "query")
    figures["one question in ms"] = 1000 * (time.perf_counter() - start) / count
    figures["peak memory in MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    await embedder.close()
    return figures


def main() -> None:
    """Measure every bundled model, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="an eighth of the texts")
    parser.add_argument("--model", help="measure one model in this process, and print JSON")
    options = parser.parse_args()
    if options.model:
        print(json.dumps(asyncio.run(measure(options.model, quick=options.quick))))
        return
    command = [sys.executable, "-m", "benchmarks.bench_embedding", *(["--quick"] if options.quick else [])]
    for model in BUNDLED_EMBEDDING_MODELS:
        done = subprocess.run([*command, "--model", model], stdout=subprocess.PIPE, check=True)
        figures = json.loads(done.stdout.splitlines()[-1])
        print(", ".join(f"{name} {value:.1f}" if name != "model" else value for name, value in figures.items()))


if __name__ == "__main__":
    main()
