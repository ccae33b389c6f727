"""Draws the packages and a message's path: `python -m docs.drawing.architecture docs/pictures/architecture.svg`."""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 1200, 910
INK, FAINT, BLUE = "#1f2933", "#52606d", "#1d4ed8"
HOUSE = 'fill="#f8fafc" stroke="#9aa5b1" stroke-width="1.5"'
ROOM = 'fill="#ffffff" stroke="#9aa5b1"'
ANSWERING = 'fill="#eff6ff" stroke="#93b4f5"'
INFERENCE = 'fill="#ccfbf1" stroke="#0f766e"'
DATABASE = 'fill="#fef3c7" stroke="#b45309"'
MIND = 'fill="#ede9fe" stroke="#6d28d9"'


class Drawing:
    """An SVG picture, built shape by shape."""

    def __init__(self) -> None:
        self.shapes: list[str] = []

    def box(self, x: float, y: float, width: float, height: float, style: str, radius: float = 7) -> None:
        """A rectangle with round corners."""
        self.shapes.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}" {style}/>')

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 14,
        bold: bool = False,
        colour: str = INK,
        middle: bool = False,
    ) -> None:
        """One line of text; `x` is its left end, or its middle."""
        weight = ' font-weight="700"' if bold else ""
        anchor = ' text-anchor="middle"' if middle else ""
        self.shapes.append(
            f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}"{weight}{anchor}>{escape(text)}</text>'
        )

    def room(self, x: float, y: float, width: float, height: float, name: str, *lines: str, style: str = ROOM) -> None:
        """A box with a name and lines that say what is in it."""
        self.box(x, y, width, height, style)
        self.text(x + width / 2, y + 24, name, bold=True, middle=True)
        for n, line in enumerate(lines):
            self.text(x + width / 2, y + 43 + 16 * n, line, size=12, colour=FAINT, middle=True)

    def arrow(self, path: str, *, colour: str = BLUE, width: float = 2.2) -> None:
        """A path that ends in an arrow head."""
        head = "path" if colour == BLUE else "link"
        self.shapes.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}" marker-end="url(#{head})"/>'
        )

    def step(self, x: float, y: float, number: int, text: str = "") -> None:
        """A numbered step on the path, with a word beside it."""
        self.shapes.append(f'<circle cx="{x:g}" cy="{y:g}" r="10" fill="{BLUE}"/>')
        self.text(x, y + 4.5, str(number), size=12, bold=True, colour="#ffffff", middle=True)
        if text:
            self.text(x + 16, y + 4.5, text, size=12, colour=BLUE)

    def svg(self) -> str:
        """The whole picture."""
        markers = "".join(
            f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="10" markerHeight="10" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 L10 5 L0 10 z" fill="{colour}"/></marker>'
            for name, colour in (("path", BLUE), ("link", FAINT))
        )
        title = "The packages of Consilium and the path of a message"
        shapes = "\n  ".join(self.shapes)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}" '
            f"font-family=\"'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif\">\n  <title>{title}</title>\n"
            f"  <defs>{markers}</defs>\n"
            f'  <rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n  {shapes}\n</svg>\n'
        )


def draw() -> Drawing:
    """Packages of `bot` in the order a message visits them, and the two packages beneath."""
    d = Drawing()
    d.box(20, 20, 1160, 566, HOUSE)
    d.text(38, 48, "bot", size=17, bold=True)
    d.text(76, 48, "conversation", size=12, colour=FAINT)

    d.room(40, 66, 200, 68, "cli, app", "commands; settings,", "bootstrap, processes")
    d.room(270, 66, 170, 68, "telegram", "polling or webhook")
    d.room(456, 66, 170, 68, "discord", "gateway")
    d.room(642, 66, 170, 68, "console", "terminal and pipe")
    d.room(828, 66, 170, 68, "http", "OpenAI's API")
    d.text(1018, 104, "channels", bold=True, colour=FAINT)

    d.room(270, 178, 356, 84, "intake", "access, rate limits, parsing, commands", "inbox: stored in one transaction")
    d.room(668, 178, 330, 84, "turns", "worker, lease, runner, recovery", "heartbeat, memory writer")

    d.box(270, 312, 728, 92, ANSWERING)
    d.text(286, 336, "answering", bold=True)
    d.text(372, 336, "one question to one answer", size=12, colour=FAINT)
    steps = ("route", "compose", "retrieve", "prompt", "generate", "cite")
    for n, step in enumerate(steps):
        x = 286 + n * 118
        d.box(x, 350, 104, 38, ROOM, 6)
        d.text(x + 52, 374, step, middle=True)
        if n:
            d.arrow(f"M{x - 14} 369 H{x - 1}", width=1.8)

    d.room(270, 446, 240, 60, "memory", "facts, episodes, summaries")
    d.room(526, 446, 240, 60, "library", "parse, chunk, ingest, search, cite")
    d.room(782, 446, 216, 60, "minds", "grammar of modes, prompts")
    d.room(270, 524, 728, 46, "core, text  —  messages, ports, errors, languages; tables of words")

    d.room(40, 446, 200, 60, "a mind's folder", "adapters, library, prompts", style=MIND)
    d.arrow("M140 506 V515 H890 V508", colour=FAINT, width=1.5)

    models = ("base model, training, embedding", "adapters: check, compose, merge, store", "engines: local, SGLang")
    d.room(40, 640, 560, 92, "inference", *models, style=INFERENCE)
    rows = ("people, turns, memory, library", "row-level security", "infra: pool, roles, embedded server, migrations")
    d.room(620, 640, 560, 92, "db", *rows, style=DATABASE)
    d.arrow("M320 586 V638", colour=FAINT, width=4)
    d.arrow("M900 586 V638", colour=FAINT, width=4)
    d.text(336, 618, "imports", size=12, colour=FAINT)
    d.text(916, 618, "imports", size=12, colour=FAINT)

    d.room(
        40,
        776,
        560,
        60,
        "SGLang servers, one or behind a router",
        "a hundred adapters on one base model",
        style=INFERENCE,
    )
    d.room(620, 776, 560, 60, "Postgres with pgvector", "embedded, or your own", style=DATABASE)
    d.arrow("M320 732 V774", colour=FAINT, width=1.5)
    d.arrow("M900 732 V774", colour=FAINT, width=1.5)
    d.text(
        40, 878, "consilium, under all three: the error root, retry with backoff, single flight.", size=12, colour=FAINT
    )

    d.arrow("M355 134 V176")
    d.step(372, 156, 1, "an update")
    d.arrow("M626 208 H666")
    d.step(646, 190, 2)
    d.text(592, 282, "a job, then a lease", size=12, colour=BLUE)
    d.arrow("M880 262 V310")
    d.step(896, 288, 3, "an attempt")
    d.arrow("M390 404 V444")
    d.arrow("M646 404 V444")
    d.step(518, 417, 4, "recall, search")
    d.arrow("M270 358 H255 V100 H268")
    d.step(255, 230, 5)
    d.text(64, 234, "the answer, while it is written", size=12, colour=BLUE)
    d.arrow("M998 220 H1066 V433 H430 V444", width=1.8)
    d.step(1066, 330, 6, "remembered")
    return d


def main() -> None:
    """Write the picture to the path given."""
    Path(sys.argv[1]).write_text(draw().svg(), encoding="utf-8")


if __name__ == "__main__":
    main()
