"""The store: one recipe, one name, made once, and never handed out damaged."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from inference.adapters import store as store_module
from inference.adapters.compatibility import check_compatible
from inference.adapters.errors import AdapterError, CompositionNotFound, NothingToCompose, WriteFailed
from inference.adapters.files import file_lock
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from tests.fakes.adapters import TINY, write_adapter

WEIGHTS, RECORD = "adapter_model.safetensors", "composition.json"


@pytest.fixture
def packages(tmp_path: Path) -> list[AdapterPackage]:
    return [AdapterPackage.open(write_adapter(tmp_path / f"a{seed}", seed=seed).folder) for seed in (1, 2, 3)]


@pytest.fixture
def parts(packages: list[AdapterPackage]) -> list[Part]:
    return [Part(packages[0]), Part(packages[1], 0.7)]


@pytest.fixture
def store(tmp_path: Path) -> CompositionStore:
    return CompositionStore(tmp_path / "store")


def made(logs: list[dict[str, object]]) -> int:
    return sum(entry["event"] == "composition.created" for entry in logs)


def test_a_composition_is_made_once_and_found_again(store: CompositionStore, parts: list[Part]) -> None:
    with capture_logs() as logs:
        first = store.get_or_compose(parts, TINY)
        again = store.get_or_compose(parts[::-1], TINY)
        afresh = CompositionStore(store.root).get_or_compose(parts, TINY)
    assert made(logs) == 1
    assert first == again == afresh
    assert first.path == store.root / first.name
    check_compatible(AdapterPackage.open(first.path), TINY)
    assert first.report.rank == 8
    assert [(part.weight, part.layers) for part in first.record.parts] == [
        (p.weight, None) for p in sorted(parts, key=lambda part: part.package.digest)
    ]
    assert (first.ref.name, first.ref.path) == (first.name, first.path)


def test_whatever_changes_the_numbers_changes_the_name(store: CompositionStore, packages: list[AdapterPackage]) -> None:
    one, two, three = packages
    wide = replace(TINY, modules={**TINY.modules, "down_proj": (48, 24)})
    recipes = [
        ([Part(one), Part(two)], TINY, None),
        ([Part(one), Part(three)], TINY, None),
        ([Part(one), Part(two, 0.95)], TINY, None),
        ([Part(one, 0.95), Part(two)], TINY, None),
        ([Part(one), Part(two, 1.0, range(4))], TINY, None),
        ([Part(one), Part(two, 1.0, range(5))], TINY, None),
        ([Part(one, 1.0, range(4)), Part(two)], TINY, None),
        ([Part(one)], TINY, None),
        ([Part(one), Part(one)], TINY, None),
        ([Part(one), Part(two)], TINY, 4),
        ([Part(one), Part(two)], TINY, 5),
        ([Part(one), Part(two)], wide, None),
    ]
    names = [store.composition_name(*recipe) for recipe in recipes]
    assert len(set(names)) == len(recipes)
    assert all(len(name) == 34 and name.startswith("c-") for name in names)
    assert [store.composition_name(parts[::-1], base, rank) for parts, base, rank in recipes] == names


def test_a_weight_beyond_hundredths_changes_neither_name_nor_numbers(
    store: CompositionStore, packages: list[AdapterPackage]
) -> None:
    assert Part(packages[0], 2**-0.5).weight == 0.71
    assert store.composition_name([Part(packages[0], 0.714)], TINY) == store.composition_name(
        [Part(packages[0], 0.7051)], TINY
    )


def test_a_limit_that_cannot_cut_is_no_part_of_the_recipe(store: CompositionStore, parts: list[Part]) -> None:
    exact = store.get_or_compose(parts, TINY)
    assert store.get_or_compose(parts, TINY, max_rank=8) == exact
    assert store.get_or_compose(parts, TINY, max_rank=64) == exact
    assert exact.record.max_rank is None
    cut = store.get_or_compose(parts, TINY, max_rank=7)
    assert cut.name != exact.name
    assert (cut.record.max_rank, cut.report.rank) == (7, 7)


def test_a_cut_is_said_once_with_what_it_costs(store: CompositionStore, parts: list[Part]) -> None:
    with capture_logs() as logs:
        store.get_or_compose(parts, TINY)
        report = store.get_or_compose(parts, TINY, max_rank=5).report
        store.get_or_compose(parts, TINY, max_rank=5)
    (warning,) = [entry for entry in logs if entry["log_level"] == "warning"]
    assert 0 < report.truncation_error < 1
    assert warning == {
        "event": "composition.truncated",
        "log_level": "warning",
        "name": store.composition_name(parts, TINY, 5),
        "rank_before": 8,
        "rank": 5,
        "error": report.truncation_error,
    }


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_what_is_asked_for_is_counted(store: CompositionStore, packages: list[AdapterPackage]) -> None:
    names = [("consilium_compositions_total", {"result": result}) for result in ("made", "found", "failed")]
    names += [("consilium_composition_seconds_count", {}), ("consilium_composition_truncation_count", {})]
    before = [sample(name, **labels) for name, labels in names]
    error = sample("consilium_composition_truncation_sum")
    store.get_or_compose([Part(packages[0])], TINY)
    store.get_or_compose([Part(packages[0])], TINY)
    cut = store.get_or_compose([Part(packages[0])], TINY, max_rank=2)
    with pytest.raises(AdapterError):
        store.get_or_compose([Part(packages[0])], replace(TINY, prefix="other.layers"))
    after = [sample(name, **labels) for name, labels in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [2, 1, 1, 3, 1]
    assert sample("consilium_composition_truncation_sum") - error == pytest.approx(cut.report.truncation_error)


def test_a_composition_is_got_by_its_name(store: CompositionStore, parts: list[Part]) -> None:
    made = store.get_or_compose(parts, TINY)
    assert CompositionStore(store.root).get(made.name) == made
    for name in ("c-" + "0" * 32, "..", ""):
        with pytest.raises(CompositionNotFound):
            store.get(name)


def test_use_is_noted_but_not_at_every_turn(store: CompositionStore, parts: list[Part]) -> None:
    composition = store.get_or_compose(parts, TINY)
    assert composition.last_used_at == composition.created_at
    made = composition.created_at.timestamp()
    mark = store.root / ".used" / composition.name
    composition.mark_used()
    os.utime(mark, (made - 7200, made - 7200))
    assert composition.last_used_at.timestamp() == pytest.approx(made - 7200, abs=0.01)
    composition.mark_used()
    assert composition.last_used_at.timestamp() >= made - 1
    noted = mark.stat().st_mtime_ns
    composition.mark_used()
    assert mark.stat().st_mtime_ns == noted
    store.remove(composition.name)
    assert not mark.exists()


def flip(path: Path, at: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(raw)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "weights cut off": lambda folder: os.truncate(folder / WEIGHTS, 1000),
    "weights empty": lambda folder: os.truncate(folder / WEIGHTS, 0),
    "weights full of zeros": lambda folder: (folder / WEIGHTS).write_bytes(bytes((folder / WEIGHTS).stat().st_size)),
    "one bit of the weights": lambda folder: flip(folder / WEIGHTS, -100),
    "weights gone": lambda folder: (folder / WEIGHTS).unlink(),
    "configuration gone": lambda folder: (folder / "adapter_config.json").unlink(),
    "configuration empty": lambda folder: os.truncate(folder / "adapter_config.json", 0),
    "record gone": lambda folder: (folder / RECORD).unlink(),
    "record empty": lambda folder: os.truncate(folder / RECORD, 0),
    "record of another": lambda folder: (folder / RECORD).write_text(
        (folder / RECORD).read_text().replace(folder.name, "c-" + "0" * 32)
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("same_process", [True, False])
def test_a_damaged_composition_is_made_again(
    store: CompositionStore, parts: list[Part], damage: str, same_process: bool
) -> None:
    composition = store.get_or_compose(parts, TINY)
    whole = (composition.path / WEIGHTS).read_bytes()
    DAMAGES[damage](composition.path)
    with capture_logs() as logs:
        again = (store if same_process else CompositionStore(store.root)).get_or_compose(parts, TINY)
    assert [entry["log_level"] for entry in logs] == ["warning", "warning", "info"]
    assert made(logs) == 1
    assert again.name == composition.name
    assert (again.path / WEIGHTS).read_bytes() == whole


def test_what_a_killed_process_left_is_swept_away(store: CompositionStore, parts: list[Part]) -> None:
    left = store.root / ".making" / store.composition_name(parts, TINY) / "half.safetensors"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    store.get_or_compose(parts, TINY)
    assert list((store.root / ".making").iterdir()) == []


def test_threads_that_ask_at_once_share_one_making(store: CompositionStore, parts: list[Part]) -> None:
    together = threading.Barrier(16)

    def ask(number: int) -> Path:
        together.wait()
        return store.get_or_compose(parts[:: 1 if number % 2 else -1], TINY).path

    with capture_logs() as logs, ThreadPoolExecutor(16) as pool:
        paths = set(pool.map(ask, range(16)))
    assert len(paths) == 1
    assert made(logs) == 1


def test_every_one_who_waits_gets_the_error(store: CompositionStore, tmp_path: Path) -> None:
    package = AdapterPackage.open(write_adapter(tmp_path / "in", layers=[0]).folder)
    together = threading.Barrier(8)

    def ask(_: int) -> str:
        together.wait()
        try:
            store.get_or_compose([Part(package, 1.0, range(4, 8))], TINY)
        except AdapterError as error:
            return type(error).__name__
        return "no error"

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {NothingToCompose.__name__}
    assert store.list() == []
    assert not any((store.root / ".making").iterdir())


def test_compositions_are_listed_measured_and_removed(store: CompositionStore, packages: list[AdapterPackage]) -> None:
    assert store.list() == []
    assert store.size == 0
    one, two = store.get_or_compose([Part(packages[0])], TINY), store.get_or_compose([Part(packages[1])], TINY)
    assert {it.name for it in store.list()} == {one.name, two.name}
    assert store.size == one.size + two.size > one.report.size + two.report.size
    size = one.size
    assert store.remove(one.name) == size
    assert [it.name for it in store.list()] == [two.name]
    with capture_logs() as logs:
        assert store.get_or_compose([Part(packages[0])], TINY) == one
    assert made(logs) == 1


@pytest.mark.parametrize(
    "name", ["c-" + "0" * 32, "", "..", "../store", "c-../../etc", ".making", "c-" + "0" * 31 + "/"]
)
def test_only_compositions_are_removed(store: CompositionStore, parts: list[Part], name: str) -> None:
    store.get_or_compose(parts, TINY)
    with pytest.raises(CompositionNotFound):
        store.remove(name)
    assert len(store.list()) == 1


def test_a_damaged_composition_is_not_listed(store: CompositionStore, parts: list[Part]) -> None:
    os.truncate(store.get_or_compose(parts, TINY).path / RECORD, 5)
    with capture_logs() as logs:
        assert store.list() == []
    assert logs[0]["log_level"] == "warning"


def test_a_root_that_cannot_be_made_is_said_so(tmp_path: Path, parts: list[Part]) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(WriteFailed, match="file"):
        CompositionStore(tmp_path / "file" / "store").get_or_compose(parts, TINY)


def test_a_killed_process_lets_go(store: CompositionStore, parts: list[Part]) -> None:
    lock = store.root / ".locks" / store.composition_name(parts, TINY)
    hold = (
        "import sys, time; from pathlib import Path; from inference.adapters.files import file_lock\n"
        "with file_lock(Path(sys.argv[1]), 9): print('held', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", hold, str(lock)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(store.get_or_compose, parts, TINY)
            with pytest.raises(TimeoutError):
                asked.result(timeout=0.2)
            holder.kill()
            assert asked.result(timeout=60).path.is_dir()


def test_patience_with_another_process_ends(
    store: CompositionStore, parts: list[Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_LOCK_TIMEOUT_SECONDS", 0.05)
    lock = store.root / ".locks" / store.composition_name(parts, TINY)
    with file_lock(lock, 0), pytest.raises(WriteFailed, match="another process has held it"):
        store.get_or_compose(parts, TINY)
    assert store.get_or_compose(parts, TINY).path.is_dir()
