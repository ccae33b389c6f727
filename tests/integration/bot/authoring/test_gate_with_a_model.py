"""The gate and rollback with a model that answers: trained anew on worse dialogues, and back to the old answers."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bot.answering.composer import Composer
from bot.app.components import open_composer
from bot.app.settings import Settings
from bot.authoring.evaluation import Evaluation, write_evaluation
from bot.authoring.evaluation.figures import EvaluationSettings, Learnt, ModeFigures
from bot.authoring.promotion import promote, roll_back
from bot.authoring.version_errors import BreaksLimits
from bot.cli.train import train
from bot.minds import Mind, load_mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from bot.minds.versions import candidate_folders, live_folders, read_digests
from inference.engines.local import LocalEngine
from inference.engines.port import GenerationRequest, Message, Sampling, TextDelta
from inference.training.loss import HeldOutLoss, relative_gain
from tests.fixtures.tiny_base import grey_dialogues, write_tiny_base

QUESTIONS = ("What of iron 3?", "What of salt 40?")


@pytest.fixture
def mind(tmp_path: Path) -> Mind:
    folder = tmp_path / "mind"
    (folder / "prompts").mkdir(parents=True)
    (folder / "dialogues").mkdir()
    (folder / "prompts" / "system.j2").write_text("Answer.")
    (folder / "rag_config.yaml").write_text("collections: {}\n")
    (folder / "mind.yaml").write_text(
        # Random weights learn little: what is worse is so by a twentieth, and what is as good by less than a fiftieth.
        f"name: grey\nbase_model: {tmp_path / 'base'}\nlimits: {{below_live: 0.02}}\n"
        "training: {rank: 8, epochs: 8, patience: 8, learning_rate: 0.01}\n"
        "adapters:\n  core: {kind: core, path: adapters/core, dialogues: dialogues/core.jsonl}\n"
    )
    write_dialogues(folder)
    return load_mind(folder, require_adapters=False)


def write_dialogues(folder: Path, shuffled: random.Random | None = None, number: int = 24) -> None:
    """The grey dialogues; or their answers dealt out to other questions, with their words in another order."""
    dialogues = [[(each.role, each.content) for each in one.messages] for one in grey_dialogues(number)]
    if shuffled:
        answers = [one[-1][1].split() for one in dialogues]
        shuffled.shuffle(answers)
        for one, words in zip(dialogues, answers, strict=True):
            shuffled.shuffle(words)
            one[-1] = ("assistant", " ".join(words))
    lines = [json.dumps({"messages": [{"role": role, "content": text} for role, text in one]}) for one in dialogues]
    (folder / "dialogues" / "core.jsonl").write_text("\n".join(lines) + "\n")


def evaluate(mind: Mind, base: Path, *, candidate: bool) -> None:
    """What an adapter takes off the base's loss on dialogues that it was not trained on."""
    folders = candidate_folders(mind) if candidate else live_folders(mind)
    loss = HeldOutLoss(base, {"core": grey_dialogues(40)[24:]})
    of_base, of_adapter = loss.evaluate(None, "core"), loss.evaluate(folders["core"], "core")
    gain = relative_gain(of_base, of_adapter)
    learnt = Learnt(base=of_base, alone=of_adapter, composed=of_adapter, gain=gain, kept=1.0)
    evaluation = Evaluation(
        mind=mind.name,
        base_model=mind.base_model,
        adapters=read_digests(folders),
        measured=datetime.now(UTC),
        settings=EvaluationSettings(
            questions=0, strength=1, max_tokens=64, repetition_penalty=1, embedder="", neutral_texts=0
        ),
        modes={"core": ModeFigures(adapters=("core",), learnt={"core": learnt})},
    )
    write_evaluation(evaluation, mind.folder / ("candidate" if candidate else "."))


async def answers(engine: LocalEngine, composer: Composer, questions: Sequence[str] = QUESTIONS) -> list[str]:
    """What the core answers at temperature 0."""
    adapter = await composer.prepare(resolve_mode(parse_expression("core"), composer.mind))
    said = []
    for question in questions:
        request = GenerationRequest(
            (Message("system", "Answer."), Message("user", question)), adapter, Sampling(max_tokens=40, temperature=0)
        )
        said.append("".join([each.text async for each in engine.generate(request) if isinstance(each, TextDelta)]))
    return said


async def test_worse_answers_do_not_get_into_use_and_a_rollback_gives_the_old_ones(mind: Mind, tmp_path: Path) -> None:
    base = write_tiny_base(tmp_path / "base")
    settings = Settings(mind=mind.folder, cache_dir=tmp_path / "cache", state_dir=tmp_path / "state", device="cpu")
    app = typer.Typer()
    app.command()(train)

    def learn() -> None:
        result = CliRunner().invoke(app, ["core"], obj=settings)
        assert result.exit_code == 0, result.output

    learn()
    evaluate(mind, base, candidate=False)
    composer = open_composer(settings, mind, base)
    engine = LocalEngine(base)
    try:
        before = await answers(engine, composer)

        write_dialogues(mind.folder, random.Random(5))
        learn()
        evaluate(mind, base, candidate=True)
        with pytest.raises(BreaksLimits, match="has learnt less than the one in use"):
            promote(mind)
        composer.refresh()
        assert await answers(engine, composer) == before, "what is in use stays"

        write_dialogues(mind.folder, number=23)
        learn()
        evaluate(mind, base, candidate=True)
        promote(mind)
        composer.refresh()
        assert await answers(engine, composer) != before, "another adapter, trained on nearly the same"

        roll_back(mind)
        composer.refresh()
        assert await answers(engine, composer) == before
        assert await answers(engine, open_composer(settings, load_mind(mind.folder), base)) == before
    finally:
        await engine.close()
