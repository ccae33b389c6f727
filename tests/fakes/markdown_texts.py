"""Texts as models write them, from a seed: prose in two languages, formulas, code, tables, lists, stray marks."""

from __future__ import annotations

from random import Random

_LITERALS = r"слово word 2*3*4 physics*0.7 __init__ x_y_z \(E=mc^2\) \[a*b\] $a*b*c$ $5 🏛 日本 <b> &amp; 1. 3) \d a<b"
LITERALS = tuple(_LITERALS.split())
SYMBOLS = [
    "👩\u200d👩\u200d👧",
    "e\u0301",
    "🇩🇪",
    "<|use_lora_sport|>",
    "https://a.b/x*y*z",
    "(см. https://a.b/_x_)",
    "—",
]
STYLES = ["**", "*", "_", "__", "~~", "`"]
PREFIXES = ["", "", "", "# ", "### ", "- ", "2. ", "7) ", "> ", "> - ", "    "]
MARKS = [
    "**",
    "*",
    "_",
    "`",
    "\n\n",
    "\n",
    "# ",
    "> ",
    "- ",
    "1. ",
    "|",
    "|-|-|\n",
    "~~",
    "[",
    "](",
    ")",
    "\\",
    "---\n",
    "$",
]
LINKS = ["[the essay](https://example.org/a_b*c)", "[тут](http://localhost/x)", "![picture](https://x.y/p.png)"]


def generate_text(seed: int) -> str:
    """One text; the same for the same seed."""
    random = Random(seed)
    if random.random() < 0.25:
        return "".join(random.choice([*MARKS, *LITERALS, " ", " "]) for _ in range(random.randint(1, 60)))
    return "\n\n".join(_block(random) for _ in range(random.randint(1, 7)))


def _block(random: Random) -> str:
    kind = random.random()
    if kind < 0.12:
        info = random.choice(["", "python", "c++", "python title=a.py"])
        return "\n".join([f"```{info}", *(_line(random) for _ in range(random.randint(1, 5))), "```"])
    if kind < 0.24:
        width = random.randint(2, 4)
        rows = [[_words(random, 2) for _ in range(width)] for _ in range(random.randint(1, 5))]
        rows = [[cell.replace("|", "") for cell in row] for row in rows]
        lines = [f"|{'|'.join(row)}|" for row in rows]
        return "\n".join([lines[0], "|" + "-|" * width, *lines[1:]])
    prefix = random.choice(PREFIXES)
    return "\n".join(prefix + _line(random) for _ in range(random.randint(1, 4)))


def _line(random: Random) -> str:
    return " ".join(_styled(random, 2) for _ in range(random.randint(1, 10)))


def _styled(random: Random, depth: int) -> str:
    if depth == 0 or random.random() < 0.7:
        return _words(random, 3) if random.random() < 0.93 else random.choice(LINKS)
    mark = random.choice(STYLES)
    return f"{mark}{' '.join(_styled(random, depth - 1) for _ in range(random.randint(1, 3)))}{mark}"


def _words(random: Random, most: int) -> str:
    return " ".join(random.choice([*LITERALS, *SYMBOLS]) for _ in range(random.randint(1, most)))
