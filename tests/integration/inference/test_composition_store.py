"""Compositions under real strain: several processes at once, and no room on the disk."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from inference.adapters.package import AdapterPackage
from inference.adapters.parts import Part
from inference.adapters.store import CompositionStore
from tests.fakes.adapters import SMOLLM2, write_adapter

ASK = textwrap.dedent(
    """
    import sys
    from pathlib import Path

    from structlog.testing import capture_logs

    from inference.adapters.package import AdapterPackage
    from inference.adapters.parts import Part
    from inference.adapters.store import CompositionStore
    from tests.fakes.adapters import SMOLLM2

    root = Path(sys.argv[1])
    parts = [Part(AdapterPackage.open(root / name), 0.7) for name in ("one", "two")]
    print("ready", flush=True)
    sys.stdin.readline()
    with capture_logs() as logs:
        composition = CompositionStore(root / "store").get_or_compose(parts, SMOLLM2)
    print(sum(entry["event"] == "composition.created" for entry in logs), composition.path)
    """
)

FILL = textwrap.dedent(
    """
    import resource
    import sys
    from pathlib import Path

    from inference.adapters.compose import compose
    from inference.adapters.errors import DiskFull
    from inference.adapters.package import AdapterPackage
    from inference.adapters.parts import Part
    from inference.adapters.store import CompositionStore
    from tests.fakes.adapters import SMOLLM2

    root, how, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    parts = [Part(AdapterPackage.open(root / name), 0.7) for name in ("one", "two")]
    parts[0].package.digest, parts[1].package.digest
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        if how == "store":
            CompositionStore(root / "disk" / "store").get_or_compose(parts, SMOLLM2)
        else:
            compose(parts, SMOLLM2, root / "disk" / "out")
    except DiskFull as error:
        print(error.details["needed"], error)
    """
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for seed, name in ((1, "one"), (2, "two")):
        write_adapter(tmp_path / name, SMOLLM2, seed=seed, rank=8, alpha=16)
    (tmp_path / "disk").mkdir()
    return tmp_path


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_processes_that_ask_at_once_share_one_making(root: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    answers = [process.communicate("go\n", timeout=120)[0].split() for process in processes]
    assert sorted(int(count) for count, _ in answers) == [0, 0, 0, 1]
    assert len({path for _, path in answers}) == 1


@pytest.mark.parametrize("how", ["compose", "store"])
@pytest.mark.parametrize("limit", [100, 200_000, 2_000_000, 5_000_000])
def test_no_room_leaves_nothing_behind(root: Path, how: str, limit: int) -> None:
    """A limit on the size of files stands in for a full disk: the system refuses the very same writes."""
    said = run(FILL, str(root), how, str(limit))
    assert "no room" in said
    assert [path for path in (root / "disk").rglob("*") if path.is_file() and path.stat().st_size] == []
    assert CompositionStore(root / "disk" / "store").list() == []


def test_no_room_keeps_what_was_there(root: Path) -> None:
    (root / "disk" / "out").mkdir()
    (root / "disk" / "out" / "adapter_model.safetensors").write_bytes(b"before")
    assert "no room" in run(FILL, str(root), "compose", "2000000")
    assert [path.name for path in (root / "disk" / "out").iterdir()] == ["adapter_model.safetensors"]
    assert (root / "disk" / "out" / "adapter_model.safetensors").read_bytes() == b"before"


def test_a_full_disk_is_told_with_what_is_needed(root: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", root / "disk"], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        said = run(FILL, str(root), "store", "0")
        assert int(said.split()[0]) > 5_000_000
        assert f"no room to write {root}/disk/store" in said
        assert not [path for path in (root / "disk").rglob("*") if path.is_file() and path.stat().st_size]
    finally:
        subprocess.run(["umount", root / "disk"], check=True)


def test_room_again_means_composing_again(root: Path) -> None:
    parts = [Part(AdapterPackage.open(root / name), 0.7) for name in ("one", "two")]
    assert "no room" in run(FILL, str(root), "store", "2000000")
    composition = CompositionStore(root / "disk" / "store").get_or_compose(parts, SMOLLM2)
    assert composition.report.rank == 16
