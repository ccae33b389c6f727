"""`consilium adapters import`: from a folder, a cache or the hub into a mind that then answers with it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.answering.composer import Composer
from bot.app.components import read_base_model
from bot.app.settings import DEMO_MIND, Settings
from bot.cli.adapters import app
from bot.minds import load_mind
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from inference.adapters.importing.errors import DestinationTaken
from inference.adapters.safe_form import check_safe_form
from inference.adapters.store import CompositionStore
from inference.model_files import DownloadNotAllowed
from tests.fakes.adapters import SMOLLM2, write_adapter


@pytest.fixture
def mind_folder(tmp_path: Path) -> Path:
    return shutil.copytree(DEMO_MIND, tmp_path / "mind")


@pytest.fixture
def run(
    settings_for: Callable[..., Settings], mind_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    monkeypatch.setenv("COLUMNS", "220")

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["import", *arguments], obj=settings_for(mind=mind_folder))
        if isinstance(result.exception, SystemExit):
            return result.output
        if result.exception is not None:
            raise result.exception
        return result.output

    return run


def test_an_import_becomes_an_adapter_of_the_mind(run: Callable[..., str], mind_folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "Llama.Poet_v2"
    write_adapter(
        source,
        SMOLLM2,
        modules=["q_proj", "v_proj"],
        alpha=16,
        base_model_name_or_path="unsloth/SmolLM2-135M-Instruct-bnb-4bit",
    )
    said = run(str(source))
    assert "which is “SmolLM2-135M-Instruct” under another name" in said
    assert "- Its scale (4) is folded into B." in said
    added = re.search(r"^adapters:\n.*\Z", said, re.MULTILINE | re.DOTALL)
    assert added
    check_safe_form(mind_folder / "adapters" / "llama-poet_v2", SMOLLM2)
    written = (mind_folder / "mind.yaml").read_text()
    (mind_folder / "mind.yaml").write_text(written.replace("adapters:\n", added[0].rstrip() + "\n", 1))
    mind = load_mind(mind_folder)
    composer = Composer.open(mind, SMOLLM2, CompositionStore(tmp_path / "compositions"))
    assert not composer.unfit
    assert composer.compose(resolve_mode(parse_expression("llama-poet_v2+core"), mind)) is not None
    with pytest.raises(DestinationTaken):
        run(str(source))


def test_a_base_named_by_a_relative_folder_takes_adapters_of_the_model_it_holds(
    run: Callable[..., str],
    mind_folder: Path,
    tmp_path: Path,
    base_model_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mybase").symlink_to(base_model_dir)
    written = (mind_folder / "mind.yaml").read_text()
    (mind_folder / "mind.yaml").write_text(re.sub(r"(?m)^base_model: .*$", "base_model: mybase", written))
    mind = load_mind(mind_folder)
    assert mind.base_model == "mybase"
    composer = Composer.open(mind, read_base_model(mind, base_model_dir), CompositionStore(tmp_path / "compositions"))
    assert not composer.unfit, "adapters that name the model on the hub"
    write_adapter(tmp_path / "it", SMOLLM2, base_model_name_or_path="HuggingFaceTB/SmolLM2-135M-Instruct")
    assert "in the safe form" in run(str(tmp_path / "it"))


def test_it_goes_where_one_says(run: Callable[..., str], tmp_path: Path, mind_folder: Path) -> None:
    write_adapter(tmp_path / "it", SMOLLM2)
    said = run(str(tmp_path / "it"), "--output", str(tmp_path / "out"))
    assert "mind.yaml" not in said
    check_safe_form(tmp_path / "out", SMOLLM2)
    run(str(tmp_path / "it"), "--as", "poet")
    check_safe_form(mind_folder / "adapters" / "poet", SMOLLM2)


def test_a_name_stays_inside_the_mind(run: Callable[..., str], tmp_path: Path) -> None:
    write_adapter(tmp_path / "it", SMOLLM2)
    assert "--as" in run(str(tmp_path / "it"), "--as", "../../out")
    assert not (tmp_path / "out").exists()


def test_a_hub_id_is_found_in_the_cache_or_not_downloaded(
    run: Callable[..., str], settings_for: Callable[..., Settings], tmp_path: Path, mind_folder: Path
) -> None:
    with pytest.raises(DownloadNotAllowed):
        run("someone/poet")
    repository = settings_for().models_dir / "hub" / "models--someone--poet"
    write_adapter(tmp_path / "poet", SMOLLM2)
    for place in ("blobs", "refs", "snapshots/" + "1" * 40):
        (repository / place).mkdir(parents=True)
    (repository / "refs" / "main").write_text("1" * 40)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.move(tmp_path / "poet" / name, repository / "blobs" / name)
        (repository / "snapshots" / ("1" * 40) / name).symlink_to(f"../../blobs/{name}")
    assert "links into a hub's cache" in run("someone/poet")
    check_safe_form(mind_folder / "adapters" / "poet", SMOLLM2)
    settings = json.loads((mind_folder / "adapters" / "poet" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "SmolLM2-135M-Instruct"
