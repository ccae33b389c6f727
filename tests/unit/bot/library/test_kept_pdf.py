"""What is kept of PDF files: the text, its order, and the cells of tables."""

from pathlib import Path

import pytest

from bot.library.parse.errors import OnlyPictures
from tests.fakes.documents.pdf import At, column, pdf
from tests.fakes.documents.reading import shown

LEFT = ["The rower sits low in the boat and", "keeps his back straight. He pulls", "with the legs first of all."]
RIGHT = ["The fencer stands on bent knees and", "watches the hand, not the blade. He", "steps back before he thinks."]
LEFT_TEXT, RIGHT_TEXT = " ".join(LEFT), " ".join(RIGHT)
ROWS = [("Exercise", "Sets", "Minutes"), ("Long road", "1", "75"), ("Short hill", "6", "12"), ("Cold lake", "2", "4")]


def frame(number: int, total: int, body: list[At]) -> list[At]:
    return [At(50, 810, "Training log 2026", 9), *body, At(280, 20, f"Page {number} of {total}", 9)]


CASES: dict[str, tuple[bytes, list[str]]] = {
    "one column": (pdf(column(50, 700, LEFT)), [f"p1 {LEFT_TEXT}"]),
    "two columns drawn line by line": (
        pdf([one for pair in zip(column(50, 700, LEFT), column(310, 700, RIGHT), strict=True) for one in pair]),
        [f"p1 {LEFT_TEXT}", f"p1 {RIGHT_TEXT}"],
    ),
    "two columns whose lines are not level": (
        pdf([*column(310, 693, RIGHT), *column(50, 700, LEFT)]),
        [f"p1 {LEFT_TEXT}", f"p1 {RIGHT_TEXT}"],
    ),
    "two columns under a title, over a line": (
        pdf(
            [
                At(50, 760, "Two crafts compared by one who has tried both of them for years", 20),
                *column(50, 700, LEFT),
                *column(310, 700, RIGHT),
                At(50, 600, "Both of them are learnt slowly, and neither of them is learnt from a book alone."),
            ]
        ),
        [
            "p1 # Two crafts compared by one who has tried both of them for years",
            f"p1 {LEFT_TEXT}",
            f"p1 {RIGHT_TEXT}",
            "p1 Both of them are learnt slowly, and neither of them is learnt from a book alone.",
        ],
    ),
    "three columns": (
        pdf(
            [
                *column(30, 700, ["The first column of", "three speaks of oars."]),
                *column(220, 700, ["The second of them is", "about foils and masks."]),
                *column(410, 700, ["The third one ends all", "with a cup of black tea."]),
            ]
        ),
        [
            "p1 The first column of three speaks of oars.",
            "p1 The second of them is about foils and masks.",
            "p1 The third one ends all with a cup of black tea.",
        ],
    ),
    "a paragraph that goes on in the next column": (
        pdf(
            [
                *column(50, 700, [*LEFT[:2], "with legs that are"]),
                *column(310, 700, ["strong. " + RIGHT[0], *RIGHT[1:]]),
            ]
        ),
        [f"p1 {' '.join(LEFT[:2])} with legs that are strong. {RIGHT_TEXT}"],
    ),
    "a table": (
        pdf(
            [
                *column(50, 760, LEFT),
                *(
                    At(x, 690 - 16 * n, cell)
                    for n, row in enumerate(ROWS)
                    for x, cell in zip((50, 250, 400), row, strict=True)
                ),
            ]
        ),
        [
            f"p1 {LEFT_TEXT}",
            "p1 [] Exercise: Long road; Sets: 1; Minutes: 75",
            "p1 [] Exercise: Short hill; Sets: 6; Minutes: 12",
            "p1 [] Exercise: Cold lake; Sets: 2; Minutes: 4",
        ],
    ),
    "cells of several lines": (
        pdf(
            [
                *(At(x, 700, text) for x, text in ((50, "Day"), (120, "Training"), (400, "Minutes"))),
                *(
                    At(x, 670, text)
                    for x, text in ((50, "Monday"), (120, "The long road along the river,"), (400, "75"))
                ),
                At(120, 657, "with a stop at the mill"),
                *(At(x, 630, text) for x, text in ((50, "Tuesday"), (120, "Rest and bath"), (400, "30"))),
            ]
        ),
        [
            "p1 [] Day: Monday; Training: The long road along the river, with a stop at the mill; Minutes: 75",
            "p1 [] Day: Tuesday; Training: Rest and bath; Minutes: 30",
        ],
    ),
    "pages that begin alike": (
        pdf(
            *(
                column(50, 700, ["Every week begins with a rest", f"of {n} days, and ends with", "a long road."])
                for n in (2, 3, 4)
            )
        ),
        [f"p{n - 1} Every week begins with a rest of {n} days, and ends with a long road." for n in (2, 3, 4)],
    ),
    "frames of pages with a line each": (
        pdf(*(frame(number, 2, column(50, 760, [f"A single line on page {number}."])) for number in (1, 2))),
        [f"p{number} A single line on page {number}." for number in (1, 2)],
    ),
    "headers, footers and numbers of pages": (
        pdf(*(frame(number, 3, column(50, 700, [*LEFT[:2], f"in week {number}."])) for number in (1, 2, 3))),
        [f"p{number} {' '.join(LEFT[:2])} in week {number}." for number in (1, 2, 3)],
    ),
    "a paragraph that goes on on the next page": (
        pdf(frame(1, 2, column(50, 700, LEFT[:2])), frame(2, 2, column(50, 700, ["with a will. " + RIGHT[0]]))),
        [f"p1 {' '.join(LEFT[:2])} with a will. {RIGHT[0]}"],
    ),
    "words divided at the ends of lines": (
        pdf(
            column(
                50,
                700,
                ["The swimmer is a well-", "known figure who swims with great perse-", "verance in the cold lake."],
            )
        ),
        ["p1 The swimmer is a well-known figure who swims with great perseverance in the cold lake."],
    ),
    "a hyphen that the text has elsewhere": (
        pdf(column(50, 700, ["A tea-house is warm. Whoever is cold finds a tea-", "house beside the lake."])),
        ["p1 A tea-house is warm. Whoever is cold finds a tea-house beside the lake."],
    ),
    "paragraphs by their distance": (
        pdf([*column(50, 700, LEFT), *column(50, 630, RIGHT)]),
        [f"p1 {LEFT_TEXT}", f"p1 {RIGHT_TEXT}"],
    ),
    "headings by their size": (
        pdf([At(50, 780, "On rowing", 22), At(50, 740, "The catch", 16), *column(50, 700, LEFT)]),
        ["p1 # On rowing", "p1 ## The catch", f"p1 {LEFT_TEXT}"],
    ),
    "a list": (
        pdf(column(50, 700, ["1. Warm the shoulders for twelve", "minutes in the hall.", "2. Enter the lake."])),
        ["p1 1. Warm the shoulders for twelve minutes in the hall.", "p1 2. Enter the lake."],
    ),
    "a page that lies on its side": (
        pdf([At(100 + 14 * n, 50, line, turned=1) for n, line in enumerate(LEFT)]),
        [f"p1 {LEFT_TEXT}"],
    ),
    "a watermark across the text": (
        pdf([*column(50, 700, LEFT), At(580, 200, "DRAFT", 30, turned=1)]),
        [f"p1 {LEFT_TEXT}"],
    ),
    "a scanned page among others": (
        pdf(column(50, 700, LEFT), [], picture=True),
        [f"p1 {LEFT_TEXT}", "! 1 page has no text: 2. A scanned page needs text recognition first."],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_kept(name: str, tmp_path: Path) -> None:
    content, expected = CASES[name]
    (tmp_path / "a.pdf").write_bytes(content)
    assert shown(tmp_path / "a.pdf") == expected


def test_scanned_file_is_refused_for_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf([], [], picture=True))
    with pytest.raises(OnlyPictures, match="pictures"):
        shown(tmp_path / "a.pdf")
