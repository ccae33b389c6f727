"""What `consilium mind import` and `consilium mind review` print of an import: kept N of M, and why."""

from __future__ import annotations

from typing import Final

from rich.text import Text

from bot.authoring.importing import ImportResult
from bot.authoring.outcome import Choice
from bot.authoring.personal import PersonalKind
from bot.authoring.reasons import REASON_TEXTS
from bot.authoring.report import ImportReport
from bot.cli.common import new_table, stdout_console
from bot.core.i18n import Translator
from bot.minds import Mind
from consilium.errors import N_

_KINDS: Final = {
    PersonalKind.URL: N_("private links"),
    PersonalKind.EMAIL: N_("e-mail addresses"),
    PersonalKind.HANDLE: N_("accounts"),
    PersonalKind.IBAN: N_("IBANs"),
    PersonalKind.CARD: N_("cards"),
    PersonalKind.SNILS: N_("SNILS"),
    PersonalKind.INN: N_("INN"),
    PersonalKind.PASSPORT: N_("passports"),
    PersonalKind.PHONE: N_("phones"),
    PersonalKind.BIRTH_DATE: N_("dates of birth"),
    PersonalKind.ADDRESS: N_("addresses"),
    PersonalKind.NAME: N_("names"),
}
_CHOICES: Final = {Choice.KEEP: N_("kept"), Choice.DROP: N_("dropped"), Choice.EDIT: N_("edited")}
_FEW: Final = 50
"""Dialogues below which an adapter learns little."""


def print_report(report: ImportReport, say: Translator) -> None:
    """Print the figures of an import."""
    facts = report.facts
    for source in facts.sources:
        if source.refusal:
            _print(f"! {source.name}: {source.refusal}")
    if facts.authors:
        _print(
            say(
                "The author: {names}. Others who write: {count}.",
                names=", ".join(facts.authors),
                count=facts.others,
            )
        )
    _print(say("Kept {kept} of {total} messages and passages.", kept=report.kept_pieces, total=report.pieces))
    _print(
        say(
            "Dialogues: {kept} of {total} kept, {trained} to train on and {heldout} to measure with.",
            kept=report.trained + report.heldout + report.quoted,
            total=report.dialogues,
            trained=report.trained,
            heldout=report.heldout,
        )
    )
    if report.quoted:
        _print(
            say(
                "{quoted} of them are in a language that the base model does not write: they go to the library, where"
                " answers quote them.",
                quoted=report.quoted,
            )
        )
    if report.dropped_pieces:
        table = new_table(
            say("not kept, because"), say("messages"), say("dialogues"), wrapped=(say("not kept, because"),)
        )
        for reason, count in report.dropped_pieces.items():
            dialogues = report.dropped_dialogues.get(reason, 0)
            table.add_row(say(REASON_TEXTS[reason]), str(count), str(dialogues or ""))
        stdout_console().print(table)
    if report.personal:
        found = ", ".join(f"{say(_KINDS[PersonalKind(kind)])} {count}" for kind, count in report.personal.items())
        _print(say("Personal data replaced: {found}.", found=found))
    if report.decided:
        decided = ", ".join(f"{say(_CHOICES[choice])} {count}" for choice, count in report.decided.items())
        _print(say("Decided in the review: {decided}.", decided=decided))


def print_next_steps(mind: Mind, result: ImportResult, say: Translator) -> None:
    """Print where the library's copies are, and what comes next."""
    for document, place in result.library:
        if place is None:
            _print(
                say(
                    "! {name} is not in the library: no collection in rag_config.yaml takes such files.",
                    name=document.name,
                )
            )
    copied = [place for _, place in result.library if place is not None]
    if copied:
        _print(say("Documents in the library: {count}, in {folder}.", count=len(copied), folder=copied[0].parent))
    report = result.report
    if not report.trained:
        _print(say("Nothing is left to train on."))
        if report.quoted:
            _print(say("With a base model that writes the language there would be: base_model in mind.yaml."))
        return
    if report.trained < _FEW:
        _print(say("These are few dialogues: an adapter learns a manner from {few} and more.", few=_FEW))
    _print(say("Look through them: consilium mind review {folder}", folder=mind.folder))
    _print(say("See what subjects they fall into: consilium mind subjects {folder}", folder=mind.folder))


def _print(text: str) -> None:
    stdout_console().print(Text(text), soft_wrap=True)
