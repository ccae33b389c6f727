"""`consilium train` and `eval adapters` on a small mind and a base model with random weights."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from bot.app.settings import DEMO_MIND, Settings
from bot.cli import training_run
from bot.cli.evaluate_adapters import adapters as eval_adapters
from bot.cli.processes import run_in_processes
from bot.cli.train import train
from inference.adapters.manifest import read_manifest
from inference.adapters.package import AdapterPackage
from inference.training.budget import BudgetTooShort
from tests.fixtures.tiny_base import QWEN3_30B_A3B, write_tiny_base

ROOT = Path(__file__).parents[3]
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("tiny-base"), hidden_size=32, intermediate_size=64)


@pytest.fixture
def mind(tmp_path: Path) -> Path:
    """The demo mind with few dialogues, and no adapters yet."""
    folder = tmp_path / "mind"
    shutil.copytree(DEMO_MIND, folder, ignore=shutil.ignore_patterns("adapters", "library"))
    for file in (folder / "dialogues").glob("*.jsonl"):
        kept = 16 if ".train." in file.name else 2
        shortest = sorted(file.read_text("utf-8").splitlines(keepends=True), key=len)[:kept]
        file.write_text("".join(shortest), "utf-8")
    (folder / "rag_config.yaml").write_text("collections: {}\n")
    text = (folder / "mind.yaml").read_text("utf-8")
    text = re.sub(r"\n +collections: \[.*\]|\ntraining: .*", "", text)
    (folder / "mind.yaml").write_text(f"{text}\ntraining: {{rank: 2, epochs: 1, dropout: 0.1}}\n", "utf-8")
    return folder


@pytest.fixture
def settings(mind: Path, base: Path, tmp_path: Path) -> Settings:
    return Settings(
        mind=mind, base_model=str(base), cache_dir=tmp_path / "cache", state_dir=tmp_path / "state", device="cpu"
    )


@pytest.fixture
def run(settings: Settings) -> Run:
    def invoke(command: Callable[..., None], *arguments: str, **changes: object) -> Result:
        app = typer.Typer()
        app.command()(command)
        return CliRunner().invoke(app, arguments, obj=settings.model_copy(update=changes))

    return invoke


def test_adapters_are_trained_by_the_minds_recipe_and_passed_over_when_finished(run: Run, mind: Path) -> None:
    first = run(train, "core", "sport", "--seeds", "2", "--seed", "3")
    assert first.exit_code == 0, first.output
    manifest = read_manifest(mind / "adapters" / "sport")
    assert {key: manifest.recipe[key] for key in ("rank", "alpha", "epochs", "dropout")} == {
        "rank": 2,
        "alpha": 4,
        "epochs": 1,
        "dropout": 0.1,
    }
    assert manifest.recipe["seed"] in (3, 4)
    assert manifest.trained_on == AdapterPackage.open(mind / "adapters" / "core").digest
    assert re.search(r"validation loss of 2 seeds: \d\.\d+ \(\d\.\d+ to \d\.\d+\)", first.output)
    assert not [path for path in (mind / "adapters").iterdir() if path.name.startswith(".")], "nothing is left over"
    again = run(train, "core", "sport", "--seeds", "2", "--seed", "3", "--resume")
    assert again.output.count("passed over") == 2
    assert "epoch 1" not in again.output
    other = run(train, "sport", "--seeds", "2", "--seed", "3", "--resume", "--rank", "4")
    assert "passed over" not in other.output
    assert read_manifest(mind / "adapters" / "sport").recipe["rank"] == 2, "what is in use stays"
    assert read_manifest(mind / "candidate" / "sport").recipe["rank"] == 4
    assert "mind promote" in other.output


def test_a_killed_command_is_continued_and_gives_the_same_file(
    run: Run, mind: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(train, "core", "--epochs", "2", "--patience", "2").exit_code == 0
    file = mind / "adapters" / "core" / "adapter_model.safetensors"
    undisturbed = file.read_bytes()
    shutil.rmtree(mind / "adapters")

    class Killed(Exception):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        from inference.training import trainer

        patch.setattr(trainer._Run, "_validate", die)
        patch.setattr(trainer.TrainingOptions, "__init__", _saving_every_step(trainer.TrainingOptions.__init__))
        assert isinstance(run(train, "core", "--epochs", "2", "--patience", "2").exception, Killed)
    assert not file.exists()
    refused = run(train, "core", "--epochs", "3", "--patience", "2")
    assert "was begun with another recipe" in str(refused.exception)
    continued = run(train, "core", "--epochs", "2", "--patience", "2")
    assert "continued in epoch 1, after step" in continued.output
    assert file.read_bytes() == undisturbed


def _saving_every_step(init: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: object, **options: object) -> None:  # noqa: N807
        init(self, **options | {"checkpoint_seconds": 0})

    return __init__


def test_what_does_not_fit_into_a_budget_is_told_by_name(run: Run, mind: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spent = iter(range(0, 10_000, 1000))
    real = training_run.TrainingSession._train_seed

    def train_seed(self: object, name: str, *rest: object) -> object:
        if name != "core":
            raise BudgetTooShort(1.0, 16, 60.0)
        next(spent)
        return real(self, name, *rest)

    monkeypatch.setattr(training_run.TrainingSession, "_train_seed", train_seed)
    result = run(train, "core", "sport", "--budget", "10m")
    assert result.exit_code == 0, result.output
    assert "left out: sport: 1 s are too short: 16 dialogues, once, would take about 60 s" in result.output
    assert re.search(r"\d+ s of 600 s are used", result.output)
    assert (mind / "adapters" / "core").is_dir()
    assert not (mind / "adapters" / "sport").exists()
    nothing = run(train, "sport", "--budget", "10m")
    assert isinstance(nothing.exception, BudgetTooShort)


def test_a_plan_trains_nothing_and_needs_a_configuration_only(run: Run, mind: Path, tmp_path: Path) -> None:
    folder = tmp_path / "qwen"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(QWEN3_30B_A3B))
    result = run(train, "core", "sport", "--plan", "--rank", "16", "--modules", "all-linear", base_model=str(folder))
    assert result.exit_code == 0, result.output
    assert "30.53 B parameters" in result.output
    assert result.output.count("26.7 MB") == 2
    for said in ("weights are not here", "no tokenizer.json", "experts are fused", "do not fit into"):
        assert said in result.output
    measured = run(train, "core", "--plan")
    assert "≤" in measured.output
    assert not (mind / "adapters").exists()


def test_two_processes_of_the_command_make_one_adapter(settings: Settings, run: Run, mind: Path) -> None:
    options = ("core", "--precision", "float32", "--dropout", "0")
    assert run(train, *options).exit_code == 0
    alone = read_manifest(mind / "adapters" / "core")
    environment = os.environ | {
        "CONSILIUM_MIND": str(mind),
        "CONSILIUM_BASE_MODEL": str(settings.base_model),
        "CONSILIUM_STATE_DIR": str(settings.state_dir),
        "CONSILIUM_CACHE_DIR": str(settings.cache_dir),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "bot.cli", "train", *options, "--processes", "2", "--device", "cpu"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("epoch 1: ") == 1, "one process speaks"
    together = read_manifest(mind / "adapters" / "core")
    assert together.figures == pytest.approx(alone.figures, abs=2e-4)
    assert together.recipe == alone.recipe


def test_of_several_processes_one_tells_what_is_wrong(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_in_processes(["train", "core", "--rank", "0"], 2) == 2
    assert capfd.readouterr().err.count("--rank cannot be 0") == 1


def test_figures_over_seeds_have_mean_and_range(run: Run, mind: Path, tmp_path: Path) -> None:
    assert run(train, "core", "sport", "physics", "classical").exit_code == 0
    before = AdapterPackage.open(mind / "adapters" / "core").digest
    figures = tmp_path / "figures.json"
    result = run(eval_adapters, "--seeds", "1", "--json", str(figures))
    assert result.exit_code == 0, result.output
    assert "seeds: 1, mean (range)" in result.output
    assert "gain of classical" in result.output
    written = json.loads(figures.read_text("utf-8"))
    assert len(written["seeds"]) == 1
    assert written["seeds"][0].keys() == written.keys() - {"seeds"}
    assert "core+sport / sport" in written
    # The first seed is the one that the mind's own adapters were trained from.
    assert written["seeds"][0]["core"] == pytest.approx(written["core"])
    assert AdapterPackage.open(mind / "adapters" / "core").digest == before
    assert run(eval_adapters, "--seeds", "1").output.count("passed over") == 4
