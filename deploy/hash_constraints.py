"""Writes into constraints.txt the hashes that the package index has of each pinned package, for every platform.

Run by `make hashes`, with `uv` on the PATH. The pins stay as they are; those that somebody has added by hand get their
hashes. torch has none: which of its builds is installed depends on the machine.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
WITHOUT_HASHES = ("torch",)
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def main() -> None:
    text = CONSTRAINTS.read_text("utf-8")
    header = [line for line in text.splitlines() if line.startswith("#")]
    pins = dict(PIN.findall(text))
    hashed = {name: version for name, version in pins.items() if name not in WITHOUT_HASHES}
    blocks = find_hashes(hashed)
    missing = sorted(name for name in hashed if normalize(name) not in blocks)
    if missing:
        sys.exit(f"the index has no hashes of: {', '.join(missing)}")
    lines = list(header)
    for name in sorted(pins, key=str.casefold):
        pin = f"{name}=={pins[name]}"
        lines += [pin] if name in WITHOUT_HASHES else [f"{pin} \\", *blocks[normalize(name)]]
    CONSTRAINTS.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{len(hashed)} packages, {sum(map(len, blocks.values()))} hashes", file=sys.stderr)


def find_hashes(pins: dict[str, str]) -> dict[str, list[str]]:
    """The `--hash` lines of each package, by its normalized name."""
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "pins.in"
        asked.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()), "utf-8")
        command = ["uv", "pip", "compile", "--quiet", "--no-deps", "--generate-hashes", "--no-header", "--no-annotate"]
        done = subprocess.run([*command, str(asked)], capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode != 0:
        sys.exit(done.stderr)
    blocks: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        if pin := PIN.match(line):
            current = blocks[normalize(pin[1])] = []
        elif "--hash=" in line:
            current.append(line)
    return blocks


def normalize(name: str) -> str:
    """A package's name as the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
