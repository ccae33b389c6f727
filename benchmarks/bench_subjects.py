"""Measures how well subjects are found in dialogues whose subjects are known.

    python -m benchmarks.bench_subjects --xquad FOLDER

- The demo mind's dialogues: of four adapters, of three, and of each adapter alone.
- XQuAD's questions with the sentence around their answer, Russian and English: articles drawn at random, two and four
  at a time, and single large articles, which are one subject.

Purity is the share of dialogues that lie with the most frequent subject of their group; what is left to the core counts
for neither. ARI is the adjusted Rand index of all dialogues, the core's being a group of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import numpy as np

from bot.app.components import make_embedder
from bot.app.settings import DEMO_MIND, Settings
from bot.authoring.candidates import Candidate, Origin, Turn
from bot.authoring.subjects.clustering import adjusted_rand_index
from bot.authoring.subjects.proposal import propose
from inference.training.dialogues import read_dialogues

Labelled = list[tuple[str, str, str]]
"""Subject, question and answer."""
_DRAWS = 2


def demo_dialogues(names: list[str]) -> Labelled:
    return [
        (name, dialogue.messages[-2].content, dialogue.messages[-1].content)
        for name in names
        for part in ("train", "heldout")
        for dialogue in read_dialogues(DEMO_MIND / "dialogues" / f"{name}.{part}.jsonl")
    ]


def articles(folder: Path, language: str) -> dict[str, Labelled]:
    """The questions of each article, with the sentence that the answer stands in."""
    data = json.loads((folder / f"xquad.{language}.dev.json").read_text("utf-8"))["data"]
    found = {}
    for article in data:
        found[article["title"]] = [
            (article["title"], each["question"], _around(paragraph["context"], each["answers"][0]["answer_start"]))
            for paragraph in article["paragraphs"]
            for each in paragraph["qas"]
        ]
    return found


def _around(text: str, at: int) -> str:
    start = max(text.rfind(". ", 0, at) + 2, 0)
    end = text.find(". ", at)
    return text[start : end + 1 if end > 0 else None]


def cases(xquad: Path | None) -> Iterator[tuple[str, Labelled, int]]:
    names = ["core", "sport", "physics", "classical"]
    yield "demo, 4 adapters", demo_dialogues(names), 40
    yield "demo, 3 adapters", demo_dialogues(names[:3]), 40
    for name in names:
        yield "demo, one adapter", demo_dialogues([name]), 20
    if xquad is None:
        return
    for language in ("ru", "en"):
        by_title = {title: some for title, some in articles(xquad, language).items() if len(some) >= 20}
        chance = random.Random(7)
        for count in (2, 4):
            for _ in range(_DRAWS):
                chosen = chance.sample(sorted(by_title), count)
                yield f"XQuAD {language}, {count} articles", [each for t in chosen for each in by_title[t]], 15
        for title in sorted(by_title, key=lambda each: -len(by_title[each]))[:_DRAWS]:
            yield f"XQuAD {language}, one article", by_title[title], 10


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--xquad", type=Path)
    embedder = make_embedder(Settings())
    vectors: dict[str, np.ndarray] = {}
    rows: dict[str, list[tuple[float, float, int, int, int]]] = {}
    for kind, labelled, min_size in cases(parser.parse_args().xquad):
        texts = [f"{question}\n{answer}" for _, question, answer in labelled]
        new = [text for text in dict.fromkeys(texts) if text not in vectors]
        if new:
            vectors.update(zip(new, await embedder.embed(new), strict=True))
        made = [
            Candidate(str(at), Origin.QUESTIONS, "", "", (Turn("user", question), Turn("assistant", answer)))
            for at, (_, question, answer) in enumerate(labelled)
        ]
        found = propose(made, np.array([vectors[text] for text in texts], float), min_size=min_size)
        subjects = sorted({subject for subject, _, _ in labelled})
        truth = np.array([subjects.index(subject) for subject, _, _ in labelled])
        groups = np.zeros(len(labelled), int)
        pure = shared = 0
        for number, subject in enumerate(found.subjects, 1):
            members = [int(id_) for id_ in subject.ids]
            groups[members] = number
            pure += np.bincount(truth[members]).max()
            shared += len(members)
        index = adjusted_rand_index(truth, groups)
        rows.setdefault(kind, []).append(
            (pure / shared if shared else 1.0, index, len(found.subjects), len(made), found.common)
        )
    await embedder.close()
    print(f"{'':28} sets  purity   ARI  subjects (least to most)  to the core")
    for kind, results in rows.items():
        purity, index, counts, sizes, common = zip(*results, strict=True)
        print(
            f"{kind:28} {len(results):4}  {mean(purity):6.3f} {mean(index):5.3f}  "
            f"{mean(counts):.1f} ({min(counts)} to {max(counts)})  {mean(common):.0f} of {mean(sizes):.0f}"
        )


if __name__ == "__main__":
    asyncio.run(main())
