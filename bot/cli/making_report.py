"""What `consilium mind new` says of the mind that it has made: the same however often it was interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rich.text import Text

from bot.authoring.outcome import WORK_FOLDER
from bot.authoring.quotable import ANSWERS_FILE, POSTS_FILE
from bot.authoring.report import ImportReport
from bot.cli.common import new_table, stdout_console
from bot.cli.import_report import print_report
from bot.core.i18n import Translator
from bot.minds import Mind
from consilium.errors import N_
from inference.adapters.blank import is_blank

_LANGUAGES: Final = {"ru": N_("Russian"), "en": N_("English")}
_MOST: Final = 0.5
"""Share of the dialogues that is most of them."""
EVALUATION: Final = "evaluation/report.html"
"""What an evaluation writes, within a mind."""


def print_language_warning(mind: Mind, report: ImportReport, say: Translator) -> None:
    """Say what becomes of the material that the base model does not write the language of, where it is much."""
    kept = report.trained + report.heldout + report.quoted
    if not report.quoted or report.quoted < _MOST * kept:
        return
    languages = ", ".join(say(_LANGUAGES.get(each, each)) for each in sorted(mind.quoted_languages))
    _print(
        say(
            "! Most of the material, {quoted} of {kept} dialogues, is in a language that the base model {base} does not"
            " write: {languages}.",
            quoted=report.quoted,
            kept=kept,
            base=Path(mind.base_model).name,
            languages=languages,
        ),
        "yellow",
    )
    _print(
        say(
            "  Trained on are the other {trained}. Who asks in such a language gets the author's own words from the"
            " library, quoted and with their source, and nothing that is made up.",
            trained=report.trained,
        )
    )
    _print(say("  For a mind that speaks the language itself, name a base model that does: --base FOLDER."))


def print_making_report(mind: Mind, report: ImportReport, say: Translator) -> None:
    """Print what was kept and why, the adapters, where everything is, and the next command."""
    stdout_console().print(Text("\n" + say("The mind is ready."), "bold"))
    print_report(report, say)
    table = new_table(say("adapter"), say("dialogues"), say("held out"), say("state"), wrapped=(say("state"),))
    for name, adapter in mind.adapters.items():
        state = (
            say("not trained: answers as the base model does")
            if is_blank(adapter.path)
            else say("trained, in {folder}", folder=adapter.path.relative_to(mind.folder))
        )
        table.add_row(name, str(_lines(adapter.dialogues)), str(_lines(adapter.heldout)), state)
    stdout_console().print(table)
    print_language_warning(mind, report, say)
    places = [
        (say("the mind"), mind.folder / "mind.yaml"),
        (say("what is quoted"), mind.folder / "library"),
        (say("the import, private"), mind.folder / WORK_FOLDER),
    ]
    if (mind.folder / EVALUATION).exists():
        places.append((say("the evaluation"), mind.folder / EVALUATION))
    for label, place in places:
        _print(f"{label}: {place}")
    quoted = [file for file in (ANSWERS_FILE, POSTS_FILE) if (mind.folder / file).exists()]
    if quoted:
        _print(say("Quoted from the import: {files}", files=", ".join(quoted)))
    _print(say("Look through what was kept: consilium mind review {folder}", folder=mind.folder))
    _print(say("Talk to it: consilium chat --mind {folder}", folder=mind.folder))


def _lines(path: Path | None) -> int:
    return sum(bool(line.strip()) for line in path.open("rb")) if path else 0


def _print(text: str, style: str = "") -> None:
    stdout_console().print(Text(text, style), soft_wrap=True)
