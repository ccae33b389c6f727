"""Adapters of attackers, imported: each is refused with its reason, or comes out in the safe form; nothing crashes."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from inference.adapters.errors import AdapterError
from inference.adapters.importing import import_adapter
from inference.adapters.safe_form import check_safe_form
from tests.fakes.adapters import TINY
from tests.fakes.hostile.files import MARKER, remove_tree, sparse_with_header
from tests.fakes.hostile.seeded import hostile, sound

SEED, COUNT, AT_A_TIME = 2027, 400, 100


def imported_or_refused(folder: Path, destination: Path) -> list[str]:
    """What the import, or our own error, says; any other error is a failure."""
    try:
        return list(import_adapter(folder, destination, TINY).changes)
    except AdapterError as error:
        assert not destination.exists()
        return [str(error)]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("first", range(0, COUNT, AT_A_TIME))
def test_hostile_packages_are_refused_or_made_safe(tmp_path: Path, first: int) -> None:
    for number, package in enumerate(islice(hostile(SEED, COUNT), first, first + AT_A_TIME), first):
        folder, destination = tmp_path / f"{number}", tmp_path / f"{number}-imported"
        package.write(folder)
        said = imported_or_refused(folder, destination)
        assert all(text.isprintable() and len(text) < 6000 for text in said), package.label
        assert not any("importing-" in text for text in said), "the person is told of the file they gave"
        if destination.exists():
            check_safe_form(destination, TINY)
        assert not list(tmp_path.glob(".*importing*")), package.label
        remove_tree(folder)
    assert not (tmp_path / MARKER).exists()


def test_gigabytes_that_are_only_claimed_are_not_read(tmp_path: Path) -> None:
    sound(SEED)(tmp_path / "good")
    sparse_with_header(tmp_path / "good" / "adapter_model.safetensors")
    with pytest.raises(AdapterError):
        import_adapter(tmp_path / "good", tmp_path / "it", TINY)
