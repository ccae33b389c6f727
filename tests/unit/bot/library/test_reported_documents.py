"""Documents in the shape of those that people reported as read wrongly, and what is right."""

import shutil
from pathlib import Path

import pytest

from bot.library.parse.errors import Protected
from tests.fakes.documents.reading import shown

DOCUMENTS = Path(__file__).resolve().parents[3] / "fixtures" / "documents"

RIGHT = {
    "bank-caption.csv": [
        "[Выписка по счёту за май 2026 года] Дата: 01.05.2026; Сумма: 1200,50; Назначение: Продукты",
        "[Выписка по счёту за май 2026 года] Дата: 03.05.2026; Сумма: 340,00; Назначение: Аптека",
        "[Выписка по счёту за май 2026 года] Дата: 07.05.2026; Сумма: 15000,75; Назначение: Аренда квартиры",
    ],
    "book.xlsx": [
        "[Margins] Shop: Omsk; Margin: 15.3%; Discount: 5.0%",
        "[Margins] Shop: Tver; Margin: 40.0%; Discount: 7.5%",
        "[Visitors] Hall: North; 2023: 1200; 2024: 1350; 2025: 1410",
        "[Visitors] Hall: South; 2023: 800; 2024: 790; 2025: 905",
        "[Regions] Region: Siberia; City: Omsk; Sold: 12",
        "[Regions] Region: Siberia; City: Tomsk; Sold: 17",
        "[Regions] Region: Volga; City: Samara; Sold: 9",
        "[Regions] Region: Volga; City: Saratov; Sold: 4",
        "[Totals] Item: Rope; Price: 300; Count: 4",
        "[Totals] Item: Sledge; Price: 900; Count: 2",
        "! 1 hidden sheet was left out: Secret salaries.",
        (
            "! 2 formulas have no saved values: Totals!D2, Totals!D3."
            " Open the file in an office program and save it again."
        ),
    ],
    "pool-merged-cells.docx": [
        "# Pool timetable",
        "[] Day: Monday; Group: Beginners; Minutes: 40; Water: 29",
        "[] Day: Monday; Group: Veterans; Minutes: 75; Water: 26",
        "[] Day: Friday; Group: Beginners; Minutes: 45; Water: 28",
        "[] Day: Friday; Group: Veterans; Minutes: 80; Water: 25",
    ],
    "pool-rowspan.html": [
        "= Pool timetable web",
        "# Pool timetable web",
        "[] Day: Tuesday; Group: Juniors; Minutes: 41; Water: 29",
        "[] Day: Tuesday; Group: Seniors; Minutes: 76; Water: 26",
        "[] Day: Everybody; Group: Everybody; Minutes: 30; Water: 27",
    ],
    "no-head-close.html": [
        "= Warm-up for swimmers",
        "# Warm-up for swimmers",
        "Swimmers warm their shoulders for twelve minutes before they enter the cold lake.",
        "After the lake they drink black tea with honey.",
    ],
    "no-blank-lines.srt": [
        "1–4 The rowing machine stands in the cellar.",
        "5–9 Nobody touches it before the harvest.",
        "850–855 After the harvest everybody rows for an hour.",
    ],
    "youtube-rolling.vtt": [
        "0.16–2.389 the long road begins",
        "2.399–4.63 with a short breath",
        "4.64–7 and ends in silence",
    ],
    "owner-password-aes.pdf": [
        "p1 The sauna is heated to ninety degrees on Saturdays. Members bring their own birch brooms.",
    ],
    "two-columns.pdf": [
        (
            "p1 Left column speaks of rowing. Rowers train at five o'clock. They eat buckwheat porridge."
            " Oars weigh three kilograms."
        ),
        (
            "p1 Right column speaks of fencing. Fencers train at nine o'clock. They eat boiled rice only."
            " Foils weigh half a kilogram."
        ),
    ],
    "utf32.txt": [
        "Гребцы встают в пять утра и пьют солёный чай.",
        "The rowers wake at five and drink salted tea.",
    ],
    "footnotes.docx": [
        "# On sleep",
        "A quiet week asks for nine hours of sleep.\nFor people over sixty the quiet week asks for ten hours.",
        "A loud week asks for seven.",
    ],
    "whatsapp.txt": [
        (
            "2026-05-12T14:33 Anna (14:33): The dacha key is under the blue pot\n"
            "Boris (14:35): Thank you, I will come on Friday"
        ),
        "2026-05-13T09:01 Anna (09:01): The gate code is 4417",
    ],
    "weeks-for-false-marks.md": [
        "# Training weeks",
        "In the third week the runner sleeps nine hours and does not lift.",
        "The minimum rest between sets is 90 seconds for beginners.",
        "The pool is closed for repairs in the whole of July.",
        "It is a myth that sugar helps the runner before sleep.",
        "The lake water in January is −5 degrees under the ice.",
        "After a fall the left knee must rest two weeks.",
    ],
}


@pytest.mark.parametrize("name", RIGHT)
def test_document_is_read_as_a_person_would(name: str) -> None:
    assert shown(DOCUMENTS / name) == RIGHT[name]


def test_chat_is_a_dialogue_in_every_collection() -> None:
    path = DOCUMENTS / "whatsapp.txt"
    assert shown(path, is_dialogue=True) == shown(path, is_dialogue=False) == RIGHT["whatsapp.txt"]


def test_only_the_password_that_opens_a_file_refuses_it(tmp_path: Path) -> None:
    # `owner-password-aes.pdf` is under a password as well: one that only forbids changes.
    copied = shutil.copy(DOCUMENTS / "user-password.pdf", tmp_path)
    with pytest.raises(Protected):
        shown(Path(copied))
