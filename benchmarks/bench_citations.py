"""The adversarial set for citations: how many false sentences are refused a mark and how many true ones get it.

    python -m benchmarks.bench_citations [--wrong]

The passages lie in `tests/fixtures/claims`. Their sentences are true (verbatim, inflected, in another order or other
words, shortened, about a row of a table) or made false by one change, by hand or by the generators of
`tests/fixtures/claim_changes.py`. `tuned` was looked at while the rules were made, `held out` not until they worked;
`new` was written afterwards. The `outside` sets are described in `tests/fixtures/claim_cases.py`.
"""

from __future__ import annotations

import argparse
import time

from rich.console import Console
from rich.table import Table

from tests.fixtures.claim_cases import PARTS, Score, load_texts, measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wrong", action="store_true", help="print the sentences that are judged wrongly")
    options = parser.parse_args()
    texts = load_texts()
    started = time.perf_counter()
    scores = {part: measure([text for text in texts if text.half == part]) for part in PARTS}
    seconds = time.perf_counter() - started
    console = Console(width=130)
    console.print(_table("False sentences without a mark", {half: false for half, (_, false) in scores.items()}))
    console.print(_table("True sentences with a mark", {half: true for half, (true, _) in scores.items()}))
    pairs = sum(score.total.total() for both in scores.values() for score in both)
    console.print(f"{pairs} pairs in {seconds:.1f} s, the making of the sentences included.")
    if options.wrong:
        for both in scores.values():
            for score in both:
                for pair in score.wrong:
                    console.print(f"[{'true' if pair.is_true else 'false'}, {pair.form}] {pair.sentence}", markup=False)


def _table(title: str, scores: dict[str, Score]) -> Table:
    table = Table(title=title)
    table.add_column("kind")
    for half in scores:
        table.add_column(half, justify="right")
    for kind in sorted({kind for score in scores.values() for kind in score.total}):
        table.add_row(kind, *(f"{score.right[kind]}/{score.total[kind]}" for score in scores.values()))
    rates = (f"{score.right.total()}/{score.total.total()} = {100 * score.rate:.1f} %" for score in scores.values())
    table.add_row("all", *rates)
    return table


if __name__ == "__main__":
    main()
