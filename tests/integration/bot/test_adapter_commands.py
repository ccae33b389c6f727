"""`consilium adapters`: compositions made, shown, cut, removed; adapters revoked and allowed again."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.app.components import make_engine, open_composer
from bot.app.settings import DEMO_MIND, Settings
from bot.cli.adapters import app
from bot.cli.compositions import EngineUnloadFailed, MergeUnreadable
from bot.cli.heat_map import HeatMapFormatUnknown
from bot.cli.merge import NothingToMerge
from bot.cli.revoke import AmbiguousDigest
from bot.minds import Mind
from bot.minds.errors import AdapterOutOfService, UnknownAdapter
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from inference.adapters.composition import Composition
from inference.adapters.errors import CompositionNotFound
from inference.adapters.package import AdapterPackage
from inference.adapters.revocation import AdapterRevoked, NotRevoked
from inference.adapters.store import CompositionStore
from tests.fakes.sglang_server import SGLangServer

Run = Callable[..., str]


@pytest.fixture
def settings(settings_for: Callable[..., Settings]) -> Settings:
    return settings_for()


@pytest.fixture
def run_with(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs `consilium adapters …` with these settings and gives what it says; its error is raised here."""
    monkeypatch.setenv("COLUMNS", "220")

    def run(settings: Settings, *arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments), obj=settings)
        if result.exception is not None:
            raise result.exception
        return result.output

    return run


@pytest.fixture
def run(run_with: Callable[..., str], settings: Settings) -> Run:
    return lambda *arguments: run_with(settings, *arguments)


@pytest.fixture
def store(settings: Settings) -> CompositionStore:
    return CompositionStore(settings.compositions_dir)


def made(said: str) -> str:
    """The name of the composition that is told of."""
    found = re.search(r"c-[0-9a-f]{32}", said)
    assert found, said
    return found[0]


def used(composition: Composition, when: float) -> None:
    """Have it last used at this time."""
    composition.mark_used()
    os.utime(composition.path.parent / ".used" / composition.name, (when, when))


def digest(mind: Mind, adapter: str) -> str:
    return AdapterPackage.open(mind.adapters[adapter].path).digest


def broken_mind(tmp_path: Path) -> Path:
    """A copy of the demo mind whose adapter `sport` is a pickle."""
    folder = shutil.copytree(DEMO_MIND, tmp_path / "broken")
    (folder / "adapters" / "sport" / "adapter_model.safetensors").rename(
        folder / "adapters" / "sport" / "adapter_model.bin"
    )
    return folder


def test_an_unfit_adapter_is_told_of_and_the_others_are_shown(
    run_with: Callable[..., str], settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = settings_for(mind=broken_mind(tmp_path))
    listed = run_with(settings, "list")
    assert re.search(r"^sport out of service +topic", listed, re.MULTILINE)
    assert re.search(r"^physics +topic +8", listed, re.MULTILINE)
    assert "sport is out of service: " in listed
    assert "is a pickle" in listed
    compared = run_with(settings, "conflicts")
    assert "core · physics" in compared
    assert "core · sport" not in compared
    assert "sport is out of service: " in compared
    assert "rank 16, exact" in run_with(settings, "compose", "physics")
    with pytest.raises(AdapterOutOfService):
        run_with(settings, "compose", "sport")


def test_composing_tells_the_weights_and_the_rank(
    run: Run,
    run_with: Callable[..., str],
    settings_for: Callable[..., Settings],
    store: CompositionStore,
    tmp_path: Path,
) -> None:
    said = run("compose", "sport*0.7")
    assert "core+sport*0.7 = core × 1.00, sport × 0.70" in said
    assert "at the mind's strength" not in said
    assert "rank 16, exact" in said
    gentle = shutil.copytree(DEMO_MIND, tmp_path / "gentle")
    spec = gentle / "mind.yaml"
    spec.write_text(spec.read_text("utf-8").replace("policies:\n", "policies:\n  adapter_strength: 0.5\n"), "utf-8")
    said = run_with(settings_for(mind=gentle), "compose", "sport*0.7")
    assert "core+sport*0.7 = core × 0.50, sport × 0.35, at the mind's strength" in said
    assert store.get(made(said)).report.rank == 16


def test_conflicts_of_a_mode_are_told_in_total_by_module_and_by_layer_and_drawn(run: Run, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("map.png", "map.html", "figures.json")]
    heat_maps = ["--heat-map", str(files[0]), "--heat-map", str(files[1])]
    said = run("conflicts", "physics*-0.5@late+sport", *heat_maps, "--json", str(files[2]))
    assert said.count("core · physics") == 2
    assert re.search(r"^core · sport +[+-]0\.\d{3} ", said, re.MULTILINE)
    assert re.search(r"^q_proj +[+-]0\.\d{3} ", said, re.MULTILINE)
    assert re.search(r"^29 +[+-]0\.\d{3} ", said, re.MULTILINE)
    assert files[0].read_bytes().startswith(b"\x89PNG")
    page = files[1].read_text()
    assert page.count("<table>") == 3 * 4
    figures = json.loads(files[2].read_text())
    assert figures.keys() == {"core · physics", "core · sport", "physics · sport", "verdicts"}
    assert [verdict["adapter"] for verdict in figures["verdicts"]] == ["core", "physics", "sport"]
    core = figures["core · physics"]
    assert core["layers"].keys() == {str(layer) for layer in range(30)}
    assert {each["layer"] for each in core["each"]} == set(range(20, 30))
    assert f">{core['each'][0]['cosine']:.2f}<" in page
    run("conflicts", "physics*0.5@late+sport", "--json", str(files[2]))
    opposite = json.loads(files[2].read_text())["core · physics"]
    assert core["total"]["cosine"] == pytest.approx(-opposite["total"]["cosine"])
    assert core["total"]["sign_conflict"] == pytest.approx(1 - opposite["total"]["sign_conflict"], abs=1e-6)


def test_a_mode_of_one_adapter_has_no_conflict_and_other_files_are_no_heat_maps(run: Run, tmp_path: Path) -> None:
    assert "core: there are not two adapters to compare." in run("conflicts", "core")
    with pytest.raises(HeatMapFormatUnknown):
        run("conflicts", "sport", "--heat-map", str(tmp_path / "map.svg"))
    assert not list(tmp_path.glob("map*"))


def test_a_mode_is_merged_into_a_folder_and_into_the_base(run: Run, store: CompositionStore, tmp_path: Path) -> None:
    said = run("merge", "sport", "--output", str(tmp_path / "adapter"), "--merge", "project")
    assert store.get(made(said)).record.digest == AdapterPackage.open(tmp_path / "adapter").digest
    said = run("merge", "sport", "--output", str(tmp_path / "model"), "--into-base")
    assert "core+sport: 210 weights changed, 1 file(s), " in said
    written = {path.name for path in (tmp_path / "model").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "composition.json"} <= written
    with pytest.raises(NothingToMerge):
        run("merge", "base", "--output", str(tmp_path / "none"), "--into-base")
    assert not (tmp_path / "none").exists()


def test_a_merge_method_is_named_and_kept_with_the_composition(run: Run, store: CompositionStore) -> None:
    said = run("compose", "sport", "--merge", "ties,density=0.3,rank=12")
    assert ", merged by ties, core, 0.3, total" in said
    name = made(said)
    record = store.get(name).record
    assert record.merge is not None
    assert (record.merge.method, record.merge.density, record.report.rank) == ("ties", 0.3, 12)
    assert re.search(r"merged by +ties, core, 0\.3, total", run("inspect", name))
    assert "by ties, core" in run("compositions")
    assert made(run("compose", "sport", "--merge", "sum")) == made(run("compose", "sport"))
    for wrong in ("tise", "ties,density=2", "ties,densty=1", "ties,density", ""):
        with pytest.raises(MergeUnreadable, match="cannot be read as a merge method"):
            run("compose", "sport", "--merge", wrong)


def test_a_limit_cuts_and_the_error_is_told(run: Run, store: CompositionStore) -> None:
    said = run("compose", "sport", "--max-rank", "10")
    report = store.get(made(said)).report
    assert report.rank == 10
    assert f"rank 16 cut to 10, truncation error {report.truncation_error:.2%}" in said


def test_the_settings_limit_cuts_and_the_lower_one_of_both_counts(
    run_with: Callable[..., str], settings_for: Callable[..., Settings]
) -> None:
    settings = settings_for(max_rank=12)
    assert "rank 16 cut to 12" in run_with(settings, "compose", "sport")
    assert "rank 16 cut to 9" in run_with(settings, "compose", "sport", "--max-rank", "9")


def test_a_composition_is_shown_with_its_parts_and_errors(run: Run, store: CompositionStore, agoge: Mind) -> None:
    name = made(run("compose", "sport*0.7+core@late", "--max-rank", "10"))
    report = store.get(name).report
    said = run("inspect", name)
    strength = agoge.policies.adapter_strength
    assert re.search(rf"sport × {0.7 * strength:g}\s", said)
    assert f"core × {strength:g} @ 20-29" in said
    assert f"16 cut to 10, truncation error {report.truncation_error:.2%}" in said
    worst = max(report.module_errors, key=lambda module: report.module_errors[module])
    assert re.search(rf"worst\s+{re.escape(worst)} {report.module_errors[worst]:.2%}", said)
    assert said.count("self_attn") + said.count("mlp") == 3
    assert str(store.root / name) in said
    assert time.strftime("%Y-%m-%d") in said


def test_parts_of_no_known_adapter_are_shown_by_their_digest(
    run_with: Callable[..., str], settings: Settings, tmp_path: Path, agoge: Mind
) -> None:
    name = made(run_with(settings, "compose", "core"))
    other = shutil.copytree(agoge.folder, tmp_path / "other")
    (other / "adapters" / "core" / "adapter_config.json").write_text("{")
    assert digest(agoge, "core") in run_with(settings, "inspect", name, "--mind", str(other))


def test_inspecting_what_there_is_none_of(run: Run) -> None:
    with pytest.raises(CompositionNotFound):
        run("inspect", "c-" + "0" * 32)
    with pytest.raises(UnknownAdapter):
        run("inspect", "sprot")
    assert "digest" in run("inspect", "sport")


def test_the_list_shows_the_last_use_and_what_a_server_takes(run: Run, store: CompositionStore) -> None:
    small, large = made(run("compose", "core")), made(run("compose", "sport"))
    used(store.get(small), 1_000_000_000)
    said = run("compositions")
    assert small in said
    assert large in said
    assert "2001-09-0" in said
    said = run("compositions", "--max-rank", "8")
    assert small in said
    assert large not in said


def test_pruning_removes_the_least_recently_used(run: Run, store: CompositionStore) -> None:
    first, second = made(run("compose", "core")), made(run("compose", "sport"))
    run("compositions", "--prune", "0")
    assert len(store.list()) == 2, "both were made within the hour"
    for hours, name in ((3, first), (2, second)):
        used(store.get(name), time.time() - hours * 3600)
    said = run("compositions", "--prune", str((store.size - 1) / 1e9))
    assert first in said
    assert second not in said
    assert [composition.name for composition in store.list()] == [second]


@pytest.mark.parametrize("called", ["sport", "спорт", "DIGEST", "HEAD"])
def test_what_is_revoked_is_composed_no_more_until_it_is_allowed_again(
    run: Run, store: CompositionStore, agoge: Mind, called: str
) -> None:
    weights = digest(agoge, "sport")
    called = {"DIGEST": weights, "HEAD": weights[:8]}.get(called, called)
    kept, gone = made(run("compose", "core")), made(run("compose", "sport"))
    assert f"sport ({weights}) is revoked; compositions removed: 1." in run("revoke", called)
    assert [composition.name for composition in store.list()] == [kept]
    with pytest.raises(AdapterRevoked, match="“sport”"):
        run("compose", "sport")
    said = run("list")
    assert "sport revoked" in said
    assert weights in said
    assert "core revoked" not in said
    assert re.search(r"revoked\s+2", run("inspect", "sport"))
    run("revoke", "--undo", called)
    assert made(run("compose", "sport")) == gone
    assert "revoked" not in run("list")


def test_revoking_what_there_is_none_of(run: Run, store: CompositionStore, agoge: Mind) -> None:
    with pytest.raises(UnknownAdapter):
        run("revoke", "sprot")
    with pytest.raises(UnknownAdapter):
        run("revoke", "0" * 63)
    with pytest.raises(NotRevoked):
        run("revoke", "--undo", "sport")
    run("revoke", "0" * 64)
    run("revoke", "00000000" + "1" * 56)
    with pytest.raises(AmbiguousDigest):
        run("revoke", "--undo", "00000000")
    run("revoke", "--undo", "0" * 64)
    assert [one.digest for one in store.revocations.list()] == ["00000000" + "1" * 56]


async def held(settings: Settings, mind: Mind, base: Path, server: SGLangServer, *modes: str) -> list[Composition]:
    """Compositions the server holds, as after a service has answered with them."""
    composer = open_composer(settings, mind, base)
    engine = make_engine(settings, mind, base)
    await engine.start()
    compositions = []
    for mode in modes:
        composition = composer.compose(resolve_mode(parse_expression(mode), mind))
        assert composition is not None
        await engine.load_adapter(composition.ref)
        compositions.append(composition)
    await engine.close()
    # Nobody else's: long enough ago that no other process may be answering with them.
    for composition in compositions:
        used(composition, 1_000_000_000)
    assert set(server.loaded) == {composition.name for composition in compositions}
    return compositions


async def test_a_server_lets_go_of_what_is_revoked_removed_or_pruned(
    run_with: Callable[..., str], sglang_settings: Settings, agoge: Mind, base_model_dir: Path, server: SGLangServer
) -> None:
    core, sport, both, physics = await held(
        sglang_settings, agoge, base_model_dir, server, "core", "sport", "sport+physics", "physics"
    )

    async def run(*arguments: str) -> str:
        return await asyncio.to_thread(run_with, sglang_settings, *arguments)

    await run("revoke", "sport")
    assert set(server.loaded) == {core.name, physics.name}
    await run("compositions", "--remove", physics.name)
    assert set(server.loaded) == {core.name}
    await run("compositions", "--prune", "0")
    assert server.loaded == {}
    assert {sport.name, both.name} <= set(server.unloads)
    assert server.offences == []


async def test_a_server_that_is_away_is_told_the_next_time(
    run_with: Callable[..., str], sglang_settings: Settings, agoge: Mind, base_model_dir: Path, server: SGLangServer
) -> None:
    core, sport = await held(sglang_settings, agoge, base_model_dir, server, "core", "sport")
    away = sglang_settings.model_copy(update={"sglang_url": "http://127.0.0.1:9"})
    with pytest.raises(EngineUnloadFailed, match=sport.name):
        await asyncio.to_thread(run_with, away, "revoke", "sport")
    with pytest.raises(EngineUnloadFailed, match=core.name):
        await asyncio.to_thread(run_with, away, "compositions", "--remove", core.name)
    assert not sport.path.exists()
    assert not core.path.exists()
    assert set(server.loaded) == {core.name, sport.name}
    await asyncio.to_thread(run_with, sglang_settings, "revoke", "sport")
    assert set(server.loaded) == {core.name}
    await asyncio.to_thread(run_with, sglang_settings, "compositions", "--remove", core.name)
    assert server.loaded == {}
    assert CompositionStore(away.compositions_dir).revoke(digest(agoge, "sport"), "sport") == ()
