"""Draws what was seen in a chat: `python -m docs.drawing.pictures TRANSCRIPTS PICTURES` (two folders)."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from docs.drawing.measuring import SIZE, width_of, wrapped
from tests.acceptance.scripted.transcript import Block, Bubble, Key, Transcript

COLUMN, GAP, MARGIN = 432, 16, 14
"""Width of each of the two columns, the space between them and around them."""
INSIDE, LINE = 11, 19
SANS = "-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif"
MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"


@dataclass(frozen=True)
class Look:
    """The colours of a platform."""

    ground: str
    bar: str
    person: str
    bot: str
    ink: str
    faint: str
    code: str
    key: str
    note: str
    bubbles: bool
    """Whether messages stand in bubbles left and right, or under each other with a name."""


LOOKS = {
    "Telegram": Look(
        "#d5e4ee", "#517da2", "#e3fdca", "#ffffff", "#111b21", "#6b7c88", "#eef3f6", "#b9cfdd", "#8aa6b8", bubbles=True
    ),
    "Discord": Look(
        "#ffffff", "#5865f2", "#ffffff", "#ffffff", "#2e3338", "#6d7178", "#f2f3f5", "#e3e5e8", "#80848e", bubbles=False
    ),
}
RED = "#d83c3e"


@dataclass
class Drawing:
    """Shapes one under another, and how far down they reach."""

    height: float = 0
    shapes: list[str] = field(default_factory=list)

    def box(
        self, x: float, y: float, width: float, height: float, fill: str, radius: float = 8, more: str = ""
    ) -> None:
        self.shapes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}" fill="{fill}"{more}/>'
        )

    def text(self, x: float, y: float, text: str, fill: str, size: float = SIZE, more: str = "") -> None:
        # Spaces beside each other count in code, and SVG would make one of them.
        told = escape(text).replace(" ", "\u00a0")
        self.shapes.append(f'<text x="{x:g}" y="{y:g}" fill="{fill}" font-size="{size:g}"{more}>{told}</text>')

    def at(self, x: float, y: float) -> str:
        """All of it, moved."""
        return f'<g transform="translate({x:g} {y:g})">{"".join(self.shapes)}</g>'


def draw_blocks(drawing: Drawing, blocks: tuple[Block, ...], x: float, room: float, look: Look) -> float:
    """What a message says; how wide it came out."""
    widest = 0.0
    for block in blocks:
        mono, size = block.style == "code", 12.0 if block.style != "text" else SIZE
        inset = 8 if mono else 0
        lines = block.text.splitlines() if mono else wrapped(block.text, room, size)
        if mono:
            # Columns stand under each other, so code gets smaller instead of longer.
            size *= min(1.0, (room - 2 * inset) / max(width_of(line, size, mono=True) for line in lines))
        widest = max(widest, *(width_of(line, size, mono=mono) + 2 * inset for line in lines))
        if mono:
            drawing.box(x, drawing.height + 3, room, len(lines) * LINE + 7, look.code, 5)
            drawing.height += 5
        for line in lines:
            drawing.height += LINE
            fill = look.faint if block.style == "small" else look.ink
            drawing.text(x + inset, drawing.height - 4, line, fill, size, f' font-family="{MONO}"' if mono else "")
        drawing.height += 8 if mono else 0
    return widest


def draw_keys(drawing: Drawing, rows: tuple[tuple[Key, ...], ...], x: float, room: float, look: Look) -> None:
    """Buttons and menus under a message, row by row."""
    for row in rows:
        drawing.height += 5
        at, each = x, (room - 5 * (len(row) - 1)) / len(row)
        for key in row:
            wide = each if look.bubbles or key.kind == "select" else width_of(key.label) + 28
            red = key.kind == "red" and not look.bubbles
            drawing.box(at, drawing.height, wide, 28, RED if red else look.key, 6)
            ink = "#ffffff" if red else look.ink
            if key.kind == "select":
                drawing.text(at + 10, drawing.height + 19, key.label, look.faint, 13)
                drawing.text(at + wide - 20, drawing.height + 19, "▾", look.faint, 13)
            else:
                size = min(13.0, 13 * (wide - 6) / width_of(key.label, 13))
                more = ' text-anchor="middle"'
                drawing.text(at + wide / 2, drawing.height + 19, key.label, ink, size, more)
            at += wide + 5
        drawing.height += 28


def draw_files(drawing: Drawing, files: tuple[str, ...], x: float, room: float, look: Look) -> None:
    """Files that came with a message."""
    for name in files:
        drawing.height += 6
        drawing.box(x, drawing.height, room, 40, look.code, 6)
        drawing.shapes.append(
            f'<path d="M{x + 12} {drawing.height + 8}h11l7 7v17h-18z" fill="{look.bar}"/>'
            f'<path d="M{x + 23} {drawing.height + 8}v7h7z" fill="#ffffff" fill-opacity=".6"/>'
        )
        drawing.text(x + 42, drawing.height + 25, name, look.ink, 13)
        drawing.height += 40


def draw_bubble(bubble: Bubble, transcript: Transcript, look: Look) -> Drawing:
    """One message, or what happened beside the chat."""
    whole = COLUMN - 2 * MARGIN
    if bubble.who == "note":
        return _draw_note(bubble.blocks[0].text, look)
    inside = Drawing(INSIDE - 5 if look.bubbles else 0)
    room = whole * 0.88 - 2 * INSIDE if look.bubbles else whole - 48
    blocks = bubble.blocks
    if bubble.unfinished:
        *others, last = blocks
        blocks = (*others, Block(f"{last.text} ▍", last.style))
    if not look.bubbles:
        return _draw_row(bubble, blocks, transcript, look, room)
    wide = max(draw_blocks(inside, blocks, INSIDE, room, look) + 6, 24.0)
    if bubble.files or bubble.keys or any(block.style == "code" for block in blocks):
        wide = room
    draw_files(inside, bubble.files, INSIDE, wide, look)
    high = inside.height + 8
    edge = whole - wide - 2 * INSIDE if bubble.who == "person" else 0
    inside.height = high
    draw_keys(inside, bubble.keys, 0, wide + 2 * INSIDE, look)
    drawing = Drawing(inside.height)
    dashed = ' stroke="#517da2" stroke-dasharray="4 3"' if bubble.unfinished else ""
    drawing.box(edge, 0, wide + 2 * INSIDE, high, look.person if edge else look.bot, 12, dashed)
    drawing.shapes.append(inside.at(edge, 0))
    return drawing


def _draw_row(bubble: Bubble, blocks: tuple[Block, ...], transcript: Transcript, look: Look, room: float) -> Drawing:
    """A message under a name, beside the picture of who says it."""
    drawing = Drawing(20)
    is_bot = bubble.who == "bot"
    name = transcript.bot if is_bot else transcript.person
    fill = look.bar if is_bot else "#3ba55c"
    drawing.shapes.append(f'<circle cx="18" cy="20" r="17" fill="{fill}"/>')
    drawing.text(18, 26, name[0], "#ffffff", 17, ' text-anchor="middle" font-weight="600"')
    drawing.text(48, 14, name, look.ink, SIZE, ' font-weight="600"')
    if is_bot:
        drawing.box(52 + width_of(name) * 1.06, 2, 32, 15, look.bar, 4)
        drawing.text(68 + width_of(name) * 1.06, 13, "APP", "#ffffff", 10, ' text-anchor="middle"')
    draw_blocks(drawing, blocks, 48, room, look)
    draw_files(drawing, bubble.files, 48, room, look)
    draw_keys(drawing, bubble.keys, 48, room, look)
    drawing.height = max(drawing.height, 38) + 4
    return drawing


def _draw_note(text: str, look: Look) -> Drawing:
    drawing = Drawing()
    middle = (COLUMN - 2 * MARGIN) / 2
    lines = wrapped(text, 2 * middle - 40, 12)
    wide = max(width_of(line, 12) for line in lines) + 24
    drawing.box(middle - wide / 2, 0, wide, len(lines) * 16 + 8, look.note, 11)
    for line in lines:
        drawing.height += 16
        drawing.text(middle, drawing.height + 1, line, "#ffffff", 12, ' text-anchor="middle"')
    drawing.height += 8
    return drawing


def draw(transcript: Transcript) -> str:
    """The whole chat, in two columns that are read one after the other."""
    look = LOOKS[transcript.platform]
    drawn = [draw_bubble(bubble, transcript, look) for bubble in transcript.bubbles]
    half = sum(drawing.height + 9 for drawing in drawn) / 2
    columns: list[list[str]] = [[], []]
    heights, passed = [0.0, 0.0], 0.0
    for drawing in drawn:
        n = int(passed + drawing.height / 2 > half)
        passed += drawing.height + 9
        x, top = MARGIN + n * (COLUMN + GAP), 44 + MARGIN
        columns[n].append(drawing.at(x, top + heights[n]))
        heights[n] += drawing.height + 9
    wide, high = 2 * COLUMN + GAP, max(heights) + 44 + 2 * MARGIN
    page = Drawing()
    for n in (0, 1):
        left = n * (COLUMN + GAP)
        page.box(left, 0, COLUMN, high, look.ground, 10, f' stroke="{look.key}"')
        page.box(left, 0, COLUMN, 44, look.bar, 10)
        page.text(left + MARGIN + 4, 28, f"{transcript.bot} · {transcript.platform}", "#ffffff", 15)
        page.text(left + COLUMN - 40, 28, f"{n + 1}/2", "#ffffff", 13)
    title = escape(f"A conversation of {transcript.person} with {transcript.bot} on {transcript.platform}")
    shapes = "\n".join([*page.shapes, *columns[0], *columns[1]])
    size = f'width="{wide:g}" height="{high:g}" viewBox="-1 -1 {wide + 2:g} {high + 2:g}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{SANS}" role="img">\n'
        f"<title>{title}</title>\n{shapes}\n</svg>\n"
    )


def main(transcripts: str, pictures: str) -> None:
    """Draw both platforms."""
    for platform in LOOKS:
        name = platform.lower()
        transcript = Transcript.read(Path(transcripts, f"{name}.json"))
        Path(pictures, f"{name}.svg").write_text(draw(transcript), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
