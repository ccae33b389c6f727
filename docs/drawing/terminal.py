"""Draws a conversation in a terminal: `python -m docs.drawing.terminal PICTURE`. It needs tmux, and takes minutes.

The terminal is real, and so are the answers: `consilium demo` runs in it with data folders of its own.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS, LINES = 100, 60
PROMPT = re.compile(r"\S+ ›")
"""The mode in which the next message is answered comes first."""
SAID = (
    "I get a stitch in my side when I run. What can I do about it?",
    "/mode sport+core",
    "How do I recover after a hard day?",
    "Сколько спать в тихую неделю?",
)
SERVER = f"drawing-{os.getpid()}"
"""A tmux server of its own, so that nobody else's sessions are touched."""


def tmux(*arguments: str) -> str:
    return subprocess.run(["tmux", "-L", SERVER, *arguments], check=True, capture_output=True, text=True).stdout


def wait_for_prompt(answers: int, seconds: float = 600) -> None:
    """Return when so many prompts have been shown and the last one waits."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        shown = [line for line in tmux("capture-pane", "-p", "-S", "-").splitlines() if line.strip()]
        prompts = [line for line in shown if PROMPT.match(line)]
        if len(prompts) > answers and PROMPT.fullmatch(shown[-1].rstrip()):
            return
        time.sleep(0.5)
    raise TimeoutError(f"no prompt after {answers} answers; the terminal shows:\n" + "\n".join(shown[-10:]))


def converse(folder: Path) -> str:
    """The whole screen after everything has been said, with its colours as ANSI sequences."""
    environment = {
        "CONSILIUM_DATA_DIR": str(folder / "data"),
        "CONSILIUM_STATE_DIR": str(folder / "state"),
        "CONSILIUM_LANGUAGE": "en",
    }
    command = shlex.join(["env", *(f"{name}={value}" for name, value in environment.items()), "consilium", "demo"])
    tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES), "-s", "demo", command)
    try:
        wait_for_prompt(0)
        for number, line in enumerate(SAID, 1):
            tmux("send-keys", "-t", "demo", "-l", line)
            tmux("send-keys", "-t", "demo", "Enter")
            wait_for_prompt(number)
        return tmux("capture-pane", "-p", "-e", "-t", "demo", "-S", "-")
    finally:
        tmux("kill-server")


def draw(screen: str, picture: Path) -> None:
    """Write the screen as SVG, without the empty lines at its end and the prompt that still waits."""
    lines = Text.from_ansi(screen.rstrip()).split()
    while lines and (not lines[-1].plain.strip() or PROMPT.fullmatch(lines[-1].plain.strip())):
        lines.pop()
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    for line in lines:
        console.print(line, overflow="crop", no_wrap=True)
    console.save_svg(str(picture), title="consilium demo", clear=False)


def main() -> None:
    (picture,) = map(Path, sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        draw(converse(Path(folder)), picture)


if __name__ == "__main__":
    main()
