"""Every pinned package is installed by its hash."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
CONSTRAINTS = (ROOT / "constraints.txt").read_text("utf-8")


def test_every_pin_but_torch_has_hashes_and_nothing_else_is_pinned() -> None:
    blocks = re.split(r"^(?=[A-Za-z0-9])", CONSTRAINTS, flags=re.MULTILINE)[1:]
    assert len(blocks) > 150
    for block in blocks:
        first, *hashes = block.strip().splitlines()
        assert re.fullmatch(r"[A-Za-z0-9._-]+==\S+( \\)?", first), first
        assert bool(hashes) != first.startswith("torch=="), first
        for line in hashes:
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line


def test_packages_are_installed_with_required_hashes() -> None:
    recipe = (ROOT / "Makefile").read_text("utf-8")
    installs = [line for line in recipe.splitlines() if "$(PIP) install" in line and " -r " in line]
    assert len(installs) == 2
    assert all("--require-hashes" in line and "--no-deps" in line for line in installs)
