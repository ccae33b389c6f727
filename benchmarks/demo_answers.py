"""What the demo mind answers to forty questions, and how that depends on its decoding.

    python -m benchmarks.demo_answers [--every N] [--json PATH] [--docs] [COLUMN ...]

Each question of `demo_questions.json` is asked in its own mode, in a session of its own, with the prompt that the
service gives the engine: the mind's template and what the library has on the question. The columns are `after`, the
mind as it is; `base`, the bare base model under the same prompt and sampling; or any STRENGTH/TEMPERATURE/PENALTY, such
as 0.5/0.3/1.05. What is shown is the engine's own text, without the marks and quotations that the service adds.

Somebody has to read the answers. `demo_verdicts.json` has what was found, by the hash of question and answer: `p` for
to the point, `v` for the coach's voice (in `classical`: the textbook's). An answer without a verdict counts as
neither and is marked `?`. With `--docs` the columns and the counts go to `docs/demo-answers.md`, beside `before`: what
this program wrote, kept in `demo_before.json`, when adapters had no strength and the prompt and the sampling were
others.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import torch
from blake3 import blake3
from rich.console import Console

from bot.answering.composer import Composer
from bot.answering.generation import generate
from bot.answering.prompt import build_prompt, quoted_passages
from bot.app.answering import STYLE_EXAMPLE_TOKENS
from bot.app.components import base_model_folder, open_composer
from bot.app.library import open_library
from bot.app.settings import DEMO_MIND, Settings
from bot.library.ingest import Ingest
from bot.library.parse.parser import Parser
from bot.library.passage import Passage
from bot.library.retriever import RetrievalBudget, Retrieved, Retriever
from bot.library.search import Library
from bot.minds import Mind, load_mind, render_system_prompt
from bot.minds.grammar import parse_expression
from bot.minds.resolve import ResolvedMode, resolve_mode
from inference.engines.local import LocalEngine
from inference.engines.port import GenerationRequest, Message, Sampling

HERE: Final = Path(__file__).parent
QUESTIONS: Final = HERE / "demo_questions.json"
VERDICTS: Final = HERE / "demo_verdicts.json"
BEFORE: Final = HERE / "demo_before.json"
PAGE: Final = HERE.parent / "docs" / "demo-answers.md"
SEED: Final = 7
AFTER, BASE = "after", "base"
Row = dict[str, str]
"""A question and its mode."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """What is varied."""

    strength: float | None
    """`policies.adapter_strength`; None for the bare base model."""
    temperature: float
    penalty: float

    @classmethod
    def parse(cls, text: str) -> Decoding:
        """The decoding written as `0.5/0.3/1.05`."""
        strength, temperature, penalty = (float(number) for number in text.split("/"))
        return cls(strength, temperature, penalty)

    def __str__(self) -> str:
        strength = "no adapters" if self.strength is None else f"strength {self.strength:g}"
        return f"{strength}, temperature {self.temperature:g}, penalty {self.penalty:g}"

    def sampling(self, mind: Mind) -> Sampling:
        """The mind's, with what is varied."""
        return replace(
            mind.sampling, temperature=self.temperature, repetition_penalty=self.penalty, top_p=0.9, seed=SEED
        )


@dataclass(frozen=True, slots=True)
class Question:
    """One of the forty, with what the engine is given for it."""

    text: str
    mode: ResolvedMode
    messages: Sequence[Message]


def columns_of(mind: Mind, names: Sequence[str]) -> dict[str, Decoding]:
    """The decodings of these columns."""
    after = Decoding(mind.policies.adapter_strength, mind.sampling.temperature, mind.sampling.repetition_penalty)
    known = {AFTER: after, BASE: replace(after, strength=None)}
    return {name: known.get(name) or Decoding.parse(name) for name in names}


@asynccontextmanager
async def opened_retriever(settings: Settings, mind: Mind) -> AsyncIterator[Retriever]:
    """The mind's library in a Postgres of its own."""
    async with open_library(settings, mind) as services, Parser() as parser:
        await Ingest(services.database, services.embedder, parser, services.counter).synchronise(mind)
        library = Library(services.database, services.embedder, mind.name, services.counter.count)
        tokens, examples = settings.library_tokens, settings.style_examples
        budget = RetrievalBudget(settings.passages, tokens, examples, STYLE_EXAMPLE_TOKENS)
        yield Retriever(mind, library, budget)


async def read_questions(settings: Settings, mind: Mind, engine: LocalEngine, every: int) -> list[Question]:
    """Every so manieth of the questions, with its prompt."""
    rows = json.loads(QUESTIONS.read_text("utf-8"))[::every]
    questions = []
    async with opened_retriever(settings, mind) as retriever:
        for row in rows:
            mode = resolve_mode(parse_expression(row["mode"]), mind)
            found = await retriever.retrieve(row["question"], mode)
            questions.append(Question(row["question"], mode, prompt_of(mind, mode, row["question"], found, engine)))
    return questions


def prompt_of(
    mind: Mind, mode: ResolvedMode, question: str, found: Retrieved, engine: LocalEngine
) -> Sequence[Message]:
    """What the service sends for the first question of a stranger."""

    def system(memories: Sequence[str], passages: Sequence[Passage]) -> str:
        return render_system_prompt(
            mind, mode, memories, "en", passages=quoted_passages(passages), examples=found.examples
        )

    budget = engine.context_tokens - mind.sampling.max_tokens
    prompt = build_prompt(question, system=system, passages=found.passages, counter=engine.tokenizer, budget=budget)
    return prompt.messages


async def answer(engine: LocalEngine, composer: Composer, question: Question, decoding: Decoding) -> str:
    """The engine's text."""
    adapter = None
    if decoding.strength is not None:
        policies = composer.mind.policies.model_copy(update={"adapter_strength": decoding.strength})
        mind = replace(composer.mind, policies=policies)
        scaled = Composer(
            mind, composer.base, composer.packages, composer.manifests, store=composer.store, max_rank=None
        )
        adapter = await scaled.prepare(question.mode)
    request = GenerationRequest(question.messages, adapter, decoding.sampling(composer.mind))
    pieces: list[str] = []

    async def keep(piece: str) -> None:
        pieces.append(piece)

    await generate(engine, request, 300, keep)
    return " ".join("".join(pieces).split())


async def ask_all(
    columns: Mapping[str, Decoding], every: int, console: Console
) -> tuple[list[Question], dict[str, list[str]]]:
    """The questions, and their answers by column."""
    mind = load_mind(DEMO_MIND)
    answers: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory(prefix="demo-answers-") as scratch:
        settings = Settings(data_dir=Path(scratch))
        folder = await asyncio.to_thread(base_model_folder, settings, mind, weights=True)
        composer = await asyncio.to_thread(open_composer, settings, mind, folder)
        async with LocalEngine(folder) as engine:
            questions = await read_questions(settings, mind, engine, every)
            for name, decoding in columns.items():
                console.print(f"{name}: {decoding}")
                answers[name] = []
                for question in questions:
                    answers[name].append(await answer(engine, composer, question, decoding))
                    console.print(f"{question.mode.text}  {question.text}\n    {answers[name][-1]}", markup=False)
    return questions, answers


def verdict_key(question: str, text: str) -> str:
    """What a verdict is filed under."""
    return blake3(f"{question}\n{text}".encode()).hexdigest(6)


def write_page(rows: Sequence[Row], decodings: Mapping[str, str], answers: Mapping[str, Sequence[str]]) -> str:
    """`docs/demo-answers.md`."""
    verdicts: dict[str, str] = json.loads(VERDICTS.read_text("utf-8"))
    before = json.loads(BEFORE.read_text("utf-8"))
    decodings = {"before": before["decoding"], **decodings}
    answers = {"before": [before["answers"][row["question"]] for row in rows], **answers}
    marks = {
        name: [verdicts.get(verdict_key(row["question"], text), "?") for row, text in zip(rows, texts, strict=True)]
        for name, texts in answers.items()
    }
    counts = [f"| {name} | {decodings[name]} | {' | '.join(map(str, _counts(marks[name])))} |" for name in decodings]
    lines = [f"| | {' | '.join(answers)} |", f"|---|{'---|' * len(answers)}"]
    for number, row in enumerate(rows):
        cells = (f"{_shown(marks[name][number])} {_cell(answers[name][number])}" for name in answers)
        lines.append(f"| **{row['question']}** `{row['mode']}` | {' | '.join(cells)} |")
    return _PAGE.format(questions=len(rows), counts="\n".join(counts), table="\n".join(lines))


def _counts(marks: Sequence[str]) -> tuple[int, int, int]:
    """How many are to the point, how many have the voice, and how many both."""
    pointed, voiced = ["p" in mark for mark in marks], ["v" in mark for mark in marks]
    return sum(pointed), sum(voiced), sum(both == (True, True) for both in zip(pointed, voiced, strict=True))


def _shown(mark: str) -> str:
    return mark if mark == "?" else f"{'✓' if 'p' in mark else '✗'}{' ♪' if 'v' in mark else ''}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


_PAGE: Final = """# What the demo mind answers

{questions} questions that it was not trained on, each asked in its mode by a stranger, under the prompt of the service,
library included. Written by `python -m benchmarks.demo_answers --docs` (seed 7, top-p 0.9, one answer each). The text
is the engine's own: the marks and quotations that the service adds are left out. *Base* is the bare model under the
same prompt and sampling as *after*.

Whether an answer is **to the point** (✓) was judged by one reader, who knew the columns: it answers what was asked,
makes sense from beginning to end, does not loop, does no harm, and gets no plain fact wrong. **Voice** (♪) is judged
apart: direct, in short sentences, with an order at the end; in `classical` the impersonal tone of a textbook. One
answer to each question is little: a difference of three is none.

| column | decoding | to the point | voice | both |
|---|---|---|---|---|
{counts}

{table}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("columns", nargs="*", default=[AFTER, BASE], metavar="COLUMN")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th question")
    parser.add_argument("--json", type=Path, help="write questions and answers to this file")
    parser.add_argument("--docs", action="store_true", help=f"write {PAGE.name}")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    columns = columns_of(load_mind(DEMO_MIND), arguments.columns)
    questions, answers = asyncio.run(ask_all(columns, arguments.every, Console(stderr=True)))
    rows = [{"question": question.text, "mode": question.mode.text} for question in questions]
    decodings = {name: str(decoding) for name, decoding in columns.items()}
    if arguments.json:
        results = {"questions": rows, "decodings": decodings, "answers": answers}
        arguments.json.write_text(json.dumps(results, indent=1, ensure_ascii=False), "utf-8")
    if arguments.docs:
        PAGE.write_text(write_page(rows, decodings, answers), "utf-8")


if __name__ == "__main__":
    main()
