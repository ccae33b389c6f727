"""Measures `auto` on questions whose adapters are known."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.answering.router import PastQuestion, Router
from bot.minds.errors import UnknownAdapter
from bot.minds.names import find_name, nearest_names
from consilium.errors import N_, ConsiliumError
from inference.adapters.manifest import AdapterKind
from inference.training.dialogues import read_dialogues

if TYPE_CHECKING:
    from bot.minds.mind import Mind
    from inference.embedding import Embedder

HELD_OUT: Final = "held-out questions"
HELD_OUT_FOLLOW_UPS: Final = "held-out follow-ups"
CASES: Final = "cases"


class InvalidCases(ConsiliumError):
    """A file of cases cannot be read."""

    sentence = N_("{path}, line {line}: {problem}.")
    remedy = N_(
        'Each line is one JSON object: {{"text": "…", "adapter": "sport", '
        '"after": [{{"text": "…", "adapter": "sport"}}]}}; "adapter" is null where the core is to answer, '
        'and "after" may be left out.'
    )

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(path=path, line=line, problem=problem)


@dataclass(frozen=True, slots=True)
class Case:
    """A message and where it belongs."""

    kind: str
    """What it is counted with."""
    text: str
    adapter: str
    """The core for what belongs to no adapter."""
    history: Sequence[PastQuestion] = ()


@dataclass(slots=True)
class KindFigures:
    """Of the cases of one kind: where they belong, and where they went."""

    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many belong to the first adapter and went to the second."""

    @property
    def cases(self) -> int:
        return self.confusion.total()

    @property
    def accuracy(self) -> float:
        """The share that went where it belongs."""
        return sum(n for (expected, found), n in self.confusion.items() if expected == found) / self.cases

    def abstention(self, core: str) -> float:
        """The share that stayed with the core."""
        return sum(n for (_, found), n in self.confusion.items() if found == core) / self.cases


@dataclass(frozen=True, slots=True)
class RouterFigures:
    """The figures of one mind."""

    kinds: dict[str, KindFigures]
    routing_seconds: Sequence[float]
    """Of each case, beside embedding it."""
    embedding_seconds: Sequence[float]
    wrong: Sequence[tuple[Case, str]]
    """The cases that went elsewhere, and where they went."""

    @property
    def milliseconds(self) -> dict[str, float]:
        """Median and 95th percentile of routing and of embedding."""
        parts = {"routing": self.routing_seconds, "embedding": self.embedding_seconds}
        return {
            f"{part}_p{percent}": float(np.percentile(seconds, percent)) * 1000
            for part, seconds in parts.items()
            for percent in (50, 95)
            if seconds
        }


async def evaluate_router(mind: Mind, embedder: Embedder, router: Router, cases: Iterable[Case]) -> RouterFigures:
    """Route each case; the embedder should keep the vector of the latest text, or it is counted as routing.

    Raises:
        ConsiliumError: as `Router.route`.
    """
    kinds: dict[str, KindFigures] = {}
    routing, embedding, wrong = [], [], []
    await router.prepare()
    for case in cases:
        start = time.perf_counter()
        await embedder.embed([case.text], "query")
        middle = time.perf_counter()
        routed = await router.route(case.text, case.history)
        routing.append(time.perf_counter() - middle)
        embedding.append(middle - start)
        found = routed.adapter or mind.core
        kinds.setdefault(case.kind, KindFigures()).confusion[case.adapter, found] += 1
        if found != case.adapter:
            wrong.append((case, found))
    return RouterFigures(kinds, routing, embedding, wrong)


def held_out_cases(mind: Mind) -> list[Case]:
    """The held-out dialogues of the adapters that `auto` may choose: first questions, and those that follow up on them.

    Blocking.

    Raises:
        InvalidDialogues: they cannot be read.
    """
    cases = []
    for name, adapter in mind.adapters.items():
        if adapter.heldout is None or (adapter.kind is AdapterKind.ISOLATED and not mind.policies.auto_isolated):
            continue
        for dialogue in read_dialogues(adapter.heldout):
            past: list[PastQuestion] = []
            for question in dialogue.questions:
                kind = HELD_OUT_FOLLOW_UPS if past else HELD_OUT
                cases.append(Case(kind, question, name, tuple(past)))
                past.append(PastQuestion(question, name))
    return cases


class _PastLine(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str
    adapter: str | None = None


class _CaseLine(_PastLine):
    kind: str = CASES
    after: tuple[_PastLine, ...] = ()


def read_cases(path: Path, mind: Mind) -> list[Case]:
    """Read a JSON Lines file of cases; blocking.

    Raises:
        InvalidCases: with the line and what is wrong in it.
        UnknownAdapter: a case names an adapter that the mind does not have.
    """
    try:
        # U+2028 and the like are no ends of lines in JSON Lines.
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidCases(path, 0, str(error)) from None
    cases = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            read = _CaseLine.model_validate(json.loads(line))
        except json.JSONDecodeError as error:
            raise InvalidCases(path, number, f"column {error.colno}: not JSON ({error.msg})") from None
        except ValidationError as error:
            raise InvalidCases(path, number, error.errors()[0]["msg"]) from None
        history = [PastQuestion(past.text, past.adapter and _adapter(past.adapter, mind)) for past in read.after]
        cases.append(Case(read.kind, read.text, _adapter(read.adapter or mind.core, mind), history))
    return cases


def _adapter(name: str, mind: Mind) -> str:
    found = find_name(name, mind)
    if found is None or found not in mind.adapters:
        raise UnknownAdapter(name, nearest_names(name, mind))
    return found
