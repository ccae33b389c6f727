"""What the demo mind answers to strangers, through the whole service, beside the base model under the same prompt.

    python -m benchmarks.demo_answers [--mind DIR] [--set demo|sense] [--column mind|base] [--json PATH] [--docs]

Each question of the mind's `evaluation/questions.jsonl` is asked as a person asks it: in a session of its own, in
`auto` (questions for an isolated adapter, which `auto` does not choose, in its own mode), after the questions that it
follows up on. `base` leaves the adapters out and everything else as it is: routing, library, prompt, decoding.

Somebody has to read the answers. `demo_verdicts.json` has what was found, by the hash of question and answer: `p` for
grammatical and to the point; empty for neither. With `--docs` the answers of the set `demo` and the counts go to
`docs/demo-answers.md`; an answer without a verdict is marked `?`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from unittest.mock import patch

from blake3 import blake3
from rich.console import Console

from bot.answering.composer import Composer
from bot.app.bootstrap import Services, open_services
from bot.app.settings import DEMO_MIND, Settings
from bot.core.messages import Incoming, Outcome
from bot.core.silent_reply import SilentReply
from inference.adapters.manifest import AdapterKind

HERE: Final = Path(__file__).parent
VERDICTS: Final = HERE / "demo_verdicts.json"
PAGE: Final = HERE.parent / "docs" / "demo-answers.md"
MIND, BASE = "mind", "base"


@dataclass(frozen=True, slots=True)
class Question:
    """A line of the mind's questions."""

    question: str
    mode: str
    kind: str
    set: str
    after: Sequence[str] = ()
    """What the same person has asked before."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service showed."""

    question: str
    kind: str
    mode: str
    """In which it was answered."""
    answer: str
    seconds: float


def read_questions(mind: Path, chosen: str) -> list[Question]:
    """The mind's questions of one set."""
    lines = (mind / "evaluation" / "questions.jsonl").read_text("utf-8").splitlines()
    questions = [Question(**json.loads(line)) for line in lines]
    return [question for question in questions if question.set == chosen]


async def ask(services: Services, number: int, question: Question) -> Answer:
    """Ask it in a session of its own, after what it follows up on."""
    adapters = services.mind.adapters
    isolated = question.mode in adapters and adapters[question.mode].kind is AdapterKind.ISOLATED
    began = time.monotonic()
    outcome: Outcome | None = None
    for text in (*question.after, question.question):
        trigger = f"<|use_lora_{question.mode}|> " if isolated else ""
        incoming = Incoming(
            "console", f"stranger-{number}", f"place-{number}", f"{trigger}{text}", "en", counts_toward_limits=False
        )
        outcome = await services.direct.answer(incoming, SilentReply())
    assert outcome is not None
    seconds = round(time.monotonic() - began, 1)
    return Answer(question.question, question.kind, outcome.mode, outcome.answer or str(outcome.error), seconds)


async def ask_all(mind: Path, questions: Sequence[Question], column: str, console: Console) -> list[Answer]:
    """The answers to all of them, in order."""

    async def without_adapters(self: Composer, *args: object, **kwargs: object) -> None:
        return None

    answers = []
    with tempfile.TemporaryDirectory(prefix="demo-answers-") as scratch:
        settings = Settings(data_dir=Path(scratch), mind=mind, library_at_start=True, prewarm_modes=0)
        async with open_services(settings) as services:
            for number, question in enumerate(questions):
                if column == BASE:
                    with patch.object(Composer, "prepare", without_adapters):
                        answers.append(await ask(services, number, question))
                else:
                    answers.append(await ask(services, number, question))
                last = answers[-1]
                console.print(f"{last.mode}  {question.question}\n    {last.answer}", markup=False, highlight=False)
    return answers


def verdict_key(question: str, text: str) -> str:
    """What a verdict is filed under."""
    return blake3(f"{question}\n{text}".encode()).hexdigest(6)


def write_page(columns: dict[str, list[Answer]]) -> str:
    """`docs/demo-answers.md`."""
    verdicts: dict[str, str] = json.loads(VERDICTS.read_text("utf-8"))
    marks = {
        name: [verdicts.get(verdict_key(each.question, each.answer)) for each in answers]
        for name, answers in columns.items()
    }
    kinds = list(dict.fromkeys(each.kind for each in columns[MIND]))
    counts = []
    for name, answers in columns.items():
        judged = list(zip(answers, marks[name], strict=True))
        by_kind = [sum("p" in (mark or "") for each, mark in judged if each.kind == kind) for kind in kinds]
        counts.append(f"| {name} | {' | '.join(map(str, by_kind))} | {sum(by_kind)} of {len(answers)} |")
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for number, first in enumerate(columns[MIND]):
        cells = (f"{_shown(marks[name][number])} {_cell(answers[number].answer)}" for name, answers in columns.items())
        lines.append(f"| **{first.question}** `{first.mode}` | {' | '.join(cells)} |")
    head = f"| | {' | '.join(kinds)} | all |\n|---|{'---|' * (len(kinds) + 1)}"
    return _PAGE.format(questions=len(columns[MIND]), counts=head + "\n" + "\n".join(counts), table="\n".join(lines))


def _shown(mark: str | None) -> str:
    return "?" if mark is None else "✓" if "p" in mark else "✗"


def _cell(text: str) -> str:
    return "<br>".join(text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").split("\n"))


_PAGE: Final = """# What the demo mind answers

{questions} questions that were written before the training texts, by somebody who did not know them; whoever wrote
`library/everyday` later had read them. Each is asked
through the whole service, as a stranger asks it, in `auto` (the textbook's in `classical`); a follow-up after the
question that it follows. Written by `python -m benchmarks.demo_answers --docs`. *Base* is the same service without
adapters: the same prompt, library and decoding.

✓ says that one reader, who knew the columns, found an answer grammatical and to the point: it answers what was asked,
makes sense from beginning to end, does no harm, and gets no plain fact wrong.

{counts}

{table}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mind", type=Path, default=DEMO_MIND)
    parser.add_argument("--set", default="demo", choices=["demo", "sense"])
    parser.add_argument("--column", action="append", choices=[MIND, BASE], help="may be repeated; both by default")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th question")
    parser.add_argument("--json", type=Path, help="write the answers to this file")
    parser.add_argument("--docs", action="store_true", help=f"write {PAGE.name}")
    arguments = parser.parse_args()
    questions = read_questions(arguments.mind, arguments.set)[:: arguments.every]
    console = Console(stderr=True)
    columns = {
        name: asyncio.run(ask_all(arguments.mind, questions, name, console))
        for name in arguments.column or (MIND, BASE)
    }
    if arguments.json:
        record = {name: [asdict(each) for each in answers] for name, answers in columns.items()}
        arguments.json.write_text(json.dumps(record, indent=1, ensure_ascii=False), "utf-8")
    if arguments.docs:
        PAGE.write_text(write_page(columns), "utf-8")


if __name__ == "__main__":
    main()
