"""Revoked weights are in no composition: not in those there are, not in new ones, in no process, however it runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from inference.adapters import store as store_module
from inference.adapters.errors import AdapterError, DocumentInvalid
from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.revocation import AdapterRevoked, NotRevoked, Revocations
from inference.adapters.store import CompositionStore
from tests.fakes.adapters import TINY, write_adapter


@pytest.fixture
def core(tmp_path: Path) -> Part:
    return Part(AdapterPackage.open(write_adapter(tmp_path / "core", seed=1).folder))


@pytest.fixture
def sport(tmp_path: Path) -> Part:
    return Part(AdapterPackage.open(write_adapter(tmp_path / "sport", seed=2).folder), 0.7)


@pytest.fixture
def store(tmp_path: Path) -> CompositionStore:
    return CompositionStore(tmp_path / "store")


def names(store: CompositionStore) -> set[str]:
    return {composition.name for composition in store.list()}


def test_compositions_with_it_go_and_others_stay(store: CompositionStore, core: Part, sport: Part) -> None:
    alone = store.get_or_compose([core], TINY)
    gone = {
        store.get_or_compose(parts, TINY).name for parts in ([core, sport], [sport], [core, Part(sport.package, 0.3)])
    }
    with capture_logs() as logs:
        assert set(store.revoke(sport.package.digest, "sport")) == gone
    assert logs == [
        {
            "event": "adapter.revoked",
            "log_level": "warning",
            "adapter": "sport",
            "digest": sport.package.digest,
            "compositions": 3,
        }
    ]
    assert names(store) == {alone.name}
    assert not any((store.root / name).exists() for name in gone)
    assert store.get_or_compose([core], TINY) == alone


def test_it_is_refused_in_the_process_that_revokes_and_in_those_that_run(
    store: CompositionStore, core: Part, sport: Part
) -> None:
    other = CompositionStore(store.root)
    for one in (store, other):
        one.get_or_compose([core, sport], TINY)  # both know it, as processes that have answered with it do
    store.revoke(sport.package.digest, "sport")
    for one in (store, other, CompositionStore(store.root)):
        with pytest.raises(AdapterRevoked, match=r"“sport” has been revoked") as caught:
            one.get_or_compose([core, sport], TINY)
        assert caught.value.details["digest"] == sport.package.digest
        with pytest.raises(AdapterRevoked):
            one.get_or_compose([sport], TINY, max_rank=2)
    assert names(store) == set()


def test_a_folder_that_comes_back_is_not_used(store: CompositionStore, core: Part, sport: Part, tmp_path: Path) -> None:
    made = store.get_or_compose([core, sport], TINY)
    store.revoke(sport.package.digest, "sport")
    # As from a backup, or from a server that was cut off from the shared folder.
    source = CompositionStore(tmp_path / "elsewhere").get_or_compose([core, sport], TINY)
    source.path.rename(made.path)
    with pytest.raises(AdapterRevoked):
        store.get_or_compose([core, sport], TINY)


def test_weights_trained_anew_under_the_same_name_work(
    store: CompositionStore, core: Part, sport: Part, tmp_path: Path
) -> None:
    store.revoke(sport.package.digest, "sport")
    anew = AdapterPackage.open(write_adapter(tmp_path / "sport", seed=3).folder)
    assert store.get_or_compose([core, Part(anew)], TINY).path.is_dir()


def test_what_was_revoked_may_be_allowed_again(store: CompositionStore, core: Part, sport: Part) -> None:
    before = store.get_or_compose([core, sport], TINY)
    store.revoke(sport.package.digest, "sport")
    other = CompositionStore(store.root)
    with pytest.raises(AdapterRevoked):
        other.get_or_compose([core, sport], TINY)
    store.revocations.undo(sport.package.digest)
    assert other.get_or_compose([core, sport], TINY) == before
    with pytest.raises(NotRevoked):
        store.revocations.undo(sport.package.digest)


def test_what_is_damaged_goes_too(store: CompositionStore, core: Part, sport: Part) -> None:
    damaged = store.get_or_compose([core], TINY)
    (damaged.path / "composition.json").write_text("{")
    assert store.revoke(sport.package.digest, "sport") == (damaged.name,)
    assert not damaged.path.exists()


def test_what_engines_were_not_told_of_is_kept_until_they_are(store: CompositionStore, core: Part, sport: Part) -> None:
    digest = sport.package.digest
    first = store.get_or_compose([core, sport], TINY).name
    assert store.revoke(digest, "sport") == (first,)
    assert CompositionStore(store.root).revoke(digest, "sport") == (first,)
    store.revocations.mark_unloaded(digest)
    assert store.revoke(digest, "sport") == ()


def test_revoking_again_keeps_when_and_how_it_was_called(store: CompositionStore, sport: Part) -> None:
    store.revoke(sport.package.digest, "sport")
    (before,) = store.revocations.list()
    store.revoke(sport.package.digest, "another name")
    assert store.revocations.list() == [before]
    assert before.adapter == "sport"
    assert store.revocations.find(sport.package.digest) == before
    assert store.revocations.find("0" * 64) is None


def test_a_list_that_cannot_be_read_refuses_everything(store: CompositionStore, core: Part) -> None:
    store.get_or_compose([core], TINY)
    (store.root / "revoked.json").write_text('{"format": 1, "revoked": [{"digest": "short"}]}')
    with pytest.raises(DocumentInvalid, match=r"revoked\.json"):
        store.get_or_compose([core], TINY)
    (store.root / "revoked.json").unlink()
    assert store.get_or_compose([core], TINY)


def test_revocations_at_once_are_all_kept(store: CompositionStore) -> None:
    digests = [f"{number:064x}" for number in range(24)]
    together = threading.Barrier(8)

    def revoke(some: list[str]) -> None:
        together.wait()
        for digest in some:
            Revocations(store.root).add(digest, "one of many")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(revoke, [digests[start::8] for start in range(8)]))
    assert {revocation.digest for revocation in store.revocations.list()} == set(digests)


@pytest.fixture
def making(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Holds up composing, before it writes anything: (it has begun, it may go on)."""
    begun, go_on = threading.Event(), threading.Event()
    compose = store_module.compose

    def slow(*arguments: object, **options: object) -> object:
        begun.set()
        assert go_on.wait(30)
        return compose(*arguments, **options)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(store_module, "compose", slow)
    yield begun, go_on
    go_on.set()


def test_what_is_being_made_meanwhile_is_let_go_of(
    store: CompositionStore, core: Part, sport: Part, making: tuple[threading.Event, threading.Event]
) -> None:
    begun, go_on = making
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(store.get_or_compose, [core, sport], TINY)]
        assert begun.wait(30)
        CompositionStore(store.root).revoke(sport.package.digest, "sport")
        go_on.set()
        for future in asked:
            with pytest.raises(AdapterError, match="has been revoked"):
                future.result(timeout=60)
    assert names(store) == set()
