"""`consilium mind eval` on a small mind with random adapters and a base model with random weights."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
import pytest_asyncio
import typer
from typer.testing import CliRunner

from bot.app.evaluation import evaluate_mind
from bot.app.settings import Settings
from bot.authoring.errors import BadQuestions, EvaluationTimeOver, NothingToEvaluate
from bot.authoring.evaluation import Evaluation, read_evaluation
from bot.authoring.evaluation.canaries import make_canaries, write_canaries
from bot.authoring.evaluation.evaluator import EvaluationOptions
from bot.authoring.evaluation.html_report import render_report
from bot.authoring.evaluation.questions import plan_questions
from bot.cli.mind_eval import evaluate
from bot.core.i18n import Translator
from bot.minds import Mind, load_mind
from inference.adapters.package import AdapterPackage
from inference.base_model import BaseModelSpec
from tests.fakes.adapters import write_adapter
from tests.fakes.embedding_server import EmbeddingServer
from tests.fixtures.tiny_base import write_tiny_base

SPEC = """
name: tiny
base_model: {base}
languages: [en, ru]
base_languages: [en]
adapters:
  core: {{kind: core, path: adapters/core, dialogues: dialogues/core.jsonl, heldout: dialogues/core.held.jsonl}}
  iron: {{kind: topic, path: adapters/iron, dialogues: dialogues/iron.jsonl, heldout: dialogues/iron.held.jsonl}}
sampling: {{max_tokens: 12, temperature: 0.7}}
policies: {{adapter_strength: 0.5}}
"""
SUBJECTS = ("bread", "iron", "sleep", "rain", "hills", "water", "salt", "wool", "wind", "stone")


def dialogues(count: int, form: str) -> str:
    lines = []
    for number in range(count):
        subject = SUBJECTS[number % len(SUBJECTS)]
        turns = [
            {"role": "user", "content": f"What of {subject} {form}?"},
            {"role": "assistant", "content": f"Count your {subject} {form} again."},
        ]
        lines.append(json.dumps({"messages": turns}) + "\n")
    return "".join(lines)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny-base") / "base"
    return write_tiny_base(folder, hidden_size=32, intermediate_size=64, num_hidden_layers=1, tie_word_embeddings=False)


@pytest.fixture
def mind(tmp_path: Path, base: Path) -> Mind:
    folder = tmp_path / "mind"
    (folder / "prompts").mkdir(parents=True)
    (folder / "prompts" / "system.j2").write_text("You answer briefly.\n")
    (folder / "mind.yaml").write_text(SPEC.format(base=base), "utf-8")
    (folder / "rag_config.yaml").write_text("collections: {}\n")
    (folder / "dialogues").mkdir()
    shape = BaseModelSpec.from_config(base / "config.json", str(base))
    for seed, name in enumerate(("core", "iron")):
        (folder / "dialogues" / f"{name}.jsonl").write_text(dialogues(12, f"in {name}"))
        (folder / "dialogues" / f"{name}.held.jsonl").write_text(dialogues(4, f"with {name}"))
        write_adapter(folder / "adapters" / name, shape, seed=seed, size=0.3)
    (folder / "evaluation").mkdir()
    asked = [
        *({"question": f"Is {subject} good?", "mode": "core"} for subject in SUBJECTS),
        {"question": "And then?", "mode": "auto", "after": ["Is bread good?"], "kind": "follow-up"},
        {"question": "А хлеб?", "mode": "core"},
        {"question": "Is iron good?", "mode": "base"},
    ]
    lines = (json.dumps(each, ensure_ascii=False) + "\n" for each in asked)
    (folder / "evaluation" / "questions.jsonl").write_text("".join(lines), "utf-8")
    return load_mind(folder)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def letters_url() -> AsyncIterator[str]:
    async with EmbeddingServer().serving() as url:
        yield url


@pytest.fixture
def settings(mind: Mind, tmp_path: Path, letters_url: str) -> Settings:
    return Settings(
        mind=mind.folder,
        cache_dir=tmp_path / "cache",
        state_dir=tmp_path / "state",
        device="cpu",
        embedding_url=letters_url,
        embedding_model="letters",
        language="ru",
    )


def comparable(evaluation: Evaluation) -> object:
    return evaluation.model_dump(exclude={"measured"})


class Killed(Exception):
    pass


async def test_every_mode_is_measured_and_what_was_killed_goes_on(
    settings: Settings, mind: Mind, tmp_path: Path
) -> None:
    write_canaries(mind.folder, make_canaries(2))
    options = EvaluationOptions(questions=14, canary_prompts=6)
    fresh = settings.model_copy(update={"cache_dir": tmp_path / "another-cache"})
    undisturbed, answers = await evaluate_mind(fresh, mind, tmp_path / "out", options)
    assert set(undisturbed.modes) == {"core", "core+iron"}
    assert undisturbed.skipped == {"language": 1, "mode": 1}
    for mode, figures in undisturbed.modes.items():
        assert set(figures.learnt) == set(figures.adapters)
        assert figures.drift is not None
        assert figures.drift.mode > 0
        assert (figures.drift.own is None) == (mode == "core")
        assert figures.sense is not None
        assert figures.sense_prompt_only is not None
        assert figures.sense.answers == len(answers[mode].mode) == len(answers[mode].base)
        assert figures.memorised is not None
    assert len(answers["core"].mode) == 11
    assert len(answers["core+iron"].mode) == 4, "without questions of its own, those of held-out dialogues are asked"
    assert undisturbed.modes["core"].voice is not None
    assert undisturbed.modes["core"].memorised.canary_prompts == 6  # type: ignore[union-attr]
    digests = {name: AdapterPackage.open(adapter.path).digest for name, adapter in mind.adapters.items()}
    assert undisturbed.is_of(digests)
    assert read_evaluation(tmp_path / "out") == undisturbed

    for stage, at in (("weights", 1), ("answers", 20), ("figures", 1)):

        def die(now: str, done: int, _: int, stage: str = stage, at: int = at) -> None:
            if (now, done) == (stage, at):
                raise Killed

        with pytest.raises(Killed):
            await evaluate_mind(settings, mind, tmp_path / "again", options, die)
        assert read_evaluation(tmp_path / "again") is None
    continued, _ = await evaluate_mind(settings, mind, tmp_path / "again", options)
    assert comparable(continued) == comparable(undisturbed)
    known, _ = await evaluate_mind(fresh, mind, tmp_path / "out", options, seconds=1e-9)
    assert comparable(known) == comparable(undisturbed), "nothing is generated twice"


async def test_when_the_time_is_over_what_was_answered_is_kept(settings: Settings, mind: Mind, tmp_path: Path) -> None:
    with pytest.raises(EvaluationTimeOver):
        await evaluate_mind(settings, mind, None, EvaluationOptions(questions=4), seconds=1e-9)
    assert read_evaluation(mind.folder / "evaluation") is None


async def test_other_adapters_of_a_mind_are_measured_where_they_lie(
    settings: Settings, mind: Mind, base: Path, tmp_path: Path
) -> None:
    shape = BaseModelSpec.from_config(base / "config.json", str(base))
    moved = {}
    for seed, (name, adapter) in enumerate(mind.adapters.items(), 7):
        write_adapter(tmp_path / "candidate" / name, shape, seed=seed, size=0.3)
        moved[name] = adapter.model_copy(update={"path": tmp_path / "candidate" / name})
    candidate = replace(mind, adapters=MappingProxyType(moved))
    options = EvaluationOptions(questions=4)
    theirs, _ = await evaluate_mind(settings, candidate, tmp_path / "out", options)
    live, _ = await evaluate_mind(settings, mind, tmp_path / "live", options)
    assert theirs.adapters != live.adapters
    assert theirs.modes["core"].drift != live.modes["core"].drift
    assert theirs.modes["core"].sense_prompt_only == live.modes["core"].sense_prompt_only
    page = render_report(theirs, {}, mind.limits, Translator("en"), live)
    assert "http" not in page.replace("http-equiv", ""), "the page needs nothing else"


def test_a_mind_without_questions_and_a_line_that_is_none_are_told(mind: Mind) -> None:
    file = mind.folder / "evaluation" / "questions.jsonl"
    file.write_text('{"question": "Why?", "mode": null, "after": null}\n{"text": 1}\n')
    with pytest.raises(BadQuestions, match="line 2"):
        plan_questions(mind, 100)
    file.unlink()
    planned = plan_questions(mind, 100).modes
    assert [len(each.questions) for each in planned.values()] == [4, 4]


async def test_nothing_to_measure_with_is_an_error(settings: Settings, mind: Mind) -> None:
    (mind.folder / "evaluation" / "questions.jsonl").unlink()
    bare = {name: each.model_copy(update={"heldout": None}) for name, each in mind.adapters.items()}
    with pytest.raises(NothingToEvaluate):
        await evaluate_mind(settings, replace(mind, adapters=MappingProxyType(bare)))


async def test_the_command_prints_figures_and_writes_report_and_cards(
    settings: Settings, mind: Mind, tmp_path: Path
) -> None:
    app = typer.Typer()
    app.command()(evaluate)
    arguments = [str(mind.folder), "--questions", "4", "--json", str(tmp_path / "all.json")]
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments, obj=settings)
    assert result.exit_code == 0, result.output
    assert "core+iron" in result.output
    page = (mind.folder / "evaluation" / "report.html").read_text("utf-8")
    assert "<svg" in page
    assert 'lang="ru"' in page
    written = json.loads((tmp_path / "all.json").read_text("utf-8"))
    assert read_evaluation(mind.folder / "evaluation") == Evaluation.model_validate(written)
    assert len(written["answers"]["core"]) == written["modes"]["core"]["sense"]["answers"]
    for name, digest in written["adapters"].items():
        card = (mind.adapters[name].path / "MODEL_CARD.md").read_text("utf-8")
        assert digest in card
        assert "| dialogues trained on | 12 |" in card
    assert load_mind(mind.folder), "the cards do not disturb the mind"
