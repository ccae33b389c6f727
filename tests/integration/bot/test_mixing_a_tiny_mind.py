"""Mixing from the command line on a tiny base: verdicts, the gate of compositions, weights learnt by layer.

Core and topic are trained in a moment, on answers that contradict each other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from benchmarks.mixing.lab import Lab, Training
from bot.app.settings import Settings
from bot.cli.adapters import app
from bot.cli.learn_weights import ModeNameUnusable, NothingToWeigh
from bot.minds import load_mind
from bot.minds.errors import CostsTooMuch
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from inference.adapters.composition import CompositionRecord
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part, curve_over_layers
from inference.adapters.store import CompositionStore
from inference.training.curve_learning import CurveLearner, CurveSettings
from inference.training.dialogues import Dialogue
from tests.fixtures.tiny_base import grey_dialogues, write_tiny_base

ENDINGS = {"core": "counted in the grey ledger", "sport": "sung aloud by the blue birds"}
TRAINING = Training(rank=4, modules=("q_proj", "v_proj", "o_proj"), steps=40, learning_rate=2e-2, seed=3)
Run = Callable[..., str]


def dialogues(name: str) -> list[Dialogue]:
    return grey_dialogues(24, ENDINGS[name])


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(write_tiny_base(tmp_path_factory.mktemp("mixing") / "base"), ["The ferry leaves at eight."])


@pytest.fixture(scope="module")
def mind_folder(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("minds") / "grey"
    for part in ("prompts", "dialogues", "adapters"):
        (folder / part).mkdir(parents=True)
    for name in ENDINGS:
        lab.train(folder / "adapters" / name, dialogues(name)[:16], TRAINING)
        (folder / "adapters" / name / "manifest.json").unlink()  # it names the campaign's base
        config = folder / "adapters" / name / "adapter_config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"base_model_name_or_path": None}))
        write_lines(folder / "dialogues" / f"{name}.heldout.jsonl", dialogues(name)[16:])
    (folder / "prompts" / "system.j2").write_text("Answer.")
    (folder / "rag_config.yaml").write_text("collections: {}\n")
    return folder


def write_lines(path: Path, some: Sequence[Dialogue]) -> None:
    spoken = [[{"role": it.role, "content": it.content} for it in one.messages if it.role != "system"] for one in some]
    path.write_text("".join(json.dumps({"messages": messages}) + "\n" for messages in spoken))


@pytest.fixture
def run(mind_folder: Path, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `consilium adapters …` on the mind, with a policy where there is one; its error is raised here."""
    monkeypatch.setenv("COLUMNS", "220")
    settings = Settings(mind=mind_folder, cache_dir=tmp_path / "cache", state_dir=tmp_path / "state", device="cpu")

    def invoke(*arguments: str, gate: str = "") -> str:
        (mind_folder / "mind.yaml").write_text(
            f"name: grey\nbase_model: {lab.folder}\n"
            "adapters:\n"
            "  core: {kind: core, path: adapters/core, heldout: dialogues/core.heldout.jsonl}\n"
            "  sport: {kind: topic, path: adapters/sport, heldout: dialogues/sport.heldout.jsonl}\n"
            + (f"policies:\n  gate: {gate}\n" if gate else "")
        )
        result = CliRunner().invoke(app, list(arguments), obj=settings)
        if result.exception is not None:
            raise result.exception
        return result.output

    return invoke


def test_a_conflict_has_a_verdict_and_remedies_that_cost_less(run: Run, tmp_path: Path) -> None:
    said = run("conflicts", "core*1+sport*1.5", "--json", str(tmp_path / "figures.json"))
    assert re.search(r"sport costs core about \d+% of what it has learnt \(-?\d+% to \d+%\)\.", said)
    verdicts = json.loads((tmp_path / "figures.json").read_text())["verdicts"]
    assert [verdict["adapter"] for verdict in verdicts] == ["core", "sport"]
    of_core = verdicts[0]
    cost = of_core["cost"]["expected"]
    assert of_core["cost"]["low"] < cost < of_core["cost"]["high"]
    assert of_core["weights"]["cost"]["expected"] <= 0.1
    assert of_core["trained"]["cost"]["expected"] < cost
    assert all(merge["cost"]["expected"] < cost for merge in of_core["merges"])
    # What a remedy promises is what the mode with it is found to cost.
    run("conflicts", of_core["weights"]["mode"], "--json", str(tmp_path / "remedied.json"))
    remedied = json.loads((tmp_path / "remedied.json").read_text())["verdicts"][0]
    assert remedied["cost"]["expected"] == pytest.approx(of_core["weights"]["cost"]["expected"], abs=0.02)


def test_what_is_overridden_is_told_drawn_and_follows_the_merge(run: Run, tmp_path: Path) -> None:
    page, figures = tmp_path / "map.html", tmp_path / "figures.json"
    files = ["--heat-map", str(tmp_path / "map.png"), "--heat-map", str(page), "--json", str(figures)]
    said = run("conflicts", "core*1+sport*0.5", "--overridden", *files)
    assert re.search(r"^together +\d+\.\d% +\d+\.\d% *$", said, re.MULTILINE)
    found = json.loads(figures.read_text())["overridden"]
    assert found.keys() == {"core", "sport", "together"}
    assert {each["module"] for each in found["core"]["each"]} == found["core"]["modules"].keys()
    assert page.read_text().count("<caption>overridden</caption>") == 3
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    run("conflicts", "core*1+sport*1", "--overridden", "--json", str(figures))
    whole = json.loads(figures.read_text())["overridden"]
    assert whole["sport"]["total"] == pytest.approx(2 * found["sport"]["total"], rel=1e-3)
    assert whole["core"] == found["core"]
    said = run("conflicts", "--overridden", "--json", str(figures))
    assert json.loads(figures.read_text())["overridden"].keys() == {"core", "sport"}


def test_the_gate_refuses_or_scales_and_inspect_tells(run: Run, tmp_path: Path) -> None:
    with pytest.raises(CostsTooMuch, match="of what it has learnt; this mind asks for 90%") as refused:
        run("compose", "core*1+sport*1.5", gate="{core_kept: 0.9, action: refuse}")
    scaled = run("compose", "core*1+sport*1.5", gate="{core_kept: 0.9, action: scale}")
    assert "scaled to " in scaled
    name = re.search(r"c-[0-9a-f]{32}", scaled)
    assert name is not None
    inspected = run("inspect", name[0], gate="{core_kept: 0.9, action: scale}")
    assert re.search(r"gate +core\*1\+sport\*1\.5: the core keeps -?\d+% .*predicted.*scaled to \d+%", inspected)
    record = CompositionStore(tmp_path / "cache" / "compositions").get(name[0]).record
    assert isinstance(record, CompositionRecord)
    alternative = refused.value.alternatives[0]
    weight = float(alternative.partition("sport*")[2])
    assert sorted(part.weight for part in record.parts) == pytest.approx(sorted([1.0, weight]), abs=0.011)
    assert "warned" in run("compose", "core*1+sport*1.5", gate="{core_kept: 0.9}")


def test_what_is_learnt_by_layer_is_kept_in_the_mind_and_composed(run: Run, mind_folder: Path) -> None:
    said = run("learn", "core+sport", "--as", "Both", "--points", "2", "--steps", "12")
    assert "from first layer to last" in said
    assert "both is a mode of grey now." in said
    mind = load_mind(mind_folder)
    curves = mind.modes["both"].curves
    assert curves.keys() == {"core", "sport"}
    assert all(len(points) == 2 for points in curves.values())
    assert resolve_mode(parse_expression("both"), mind).curves == curves


def test_what_cannot_be_learnt_or_named_is_told(run: Run) -> None:
    with pytest.raises(ModeNameUnusable):
        run("learn", "core+sport", "--as", "sport")
    with pytest.raises(NothingToWeigh):
        run("learn", "core")


def test_learnt_weights_keep_more_and_measure_as_they_are_composed(lab: Lab, mind_folder: Path, tmp_path: Path) -> None:
    packages = {name: mind_folder / "adapters" / name for name in ENDINGS}
    examples = {name: lab.encode(dialogues(name)[16:]) for name in ENDINGS}
    before = {name: tensor.clone() for name, tensor in lab.model.state_dict().items()}
    learner = CurveLearner(lab.model, packages, {"core": 1.0, "sport": 0.8})
    curves = learner.learn(examples, CurveSettings(points=2, steps=12))
    equal, learnt = learner.measure(examples, {}), learner.measure(examples, curves)
    assert learnt.mean > equal.mean
    lab.model = learner.close()
    assert all(torch.equal(tensor, before[name]) for name, tensor in lab.model.state_dict().items())
    parts = [
        Part(AdapterPackage.open(packages[name]), weight, curve=curve_over_layers(curves[name], lab.spec.layers))
        for name, weight in (("core", 1.0), ("sport", 0.8))
    ]
    composed = CompositionStore(tmp_path).get_or_compose(parts, lab.spec)
    base, alone = lab.loss(examples["core"]), 0.0
    with lab.wearing([Part(AdapterPackage.open(packages["core"]))]):
        alone = lab.loss(examples["core"])
    with lab.wearing([Part(AdapterPackage.open(composed.path))]):
        kept = (base - lab.loss(examples["core"])) / (base - alone)
    assert kept == pytest.approx(learnt.kept["core"], abs=1e-3)
