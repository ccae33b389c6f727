"""The model card beside each adapter: what it is, what it was trained on, how it was measured, what it is for.

In English, whatever language the report is in: cards are read by whoever is given the adapter, and by the hubs that
know the head. They have counts and figures only, no text of anybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bot.authoring.evaluation.breaches import breaches
from bot.authoring.evaluation.dialogues import mind_dialogues
from bot.authoring.evaluation.figures import Evaluation, ModeFigures
from bot.authoring.stages import write_atomically
from bot.minds import Mind
from inference.adapters.manifest import AdapterKind, find_manifest

CARD_FILE: Final = "MODEL_CARD.md"
_RECIPE: Final = ("rank", "alpha", "epochs", "learning_rate", "seed")
_INTENDED_USE: Final = (
    "Conversation in the author's manner, by the service that this mind was made for, with the author's consent. It "
    "imitates a person and can be wrong: it is no source of facts, and no advice on health, law or money. What is "
    "cited from the author's library is theirs; everything else is generated."
)
_USES: Final = {
    AdapterKind.CORE: "How the author thinks and speaks, whatever the subject; alone or with topic adapters.",
    AdapterKind.TOPIC: "One subject of the author's, to be added to the core adapter that it was trained on.",
    AdapterKind.ISOLATED: "Answers alone, never with the core.",
}


def write_cards(mind: Mind, evaluation: Evaluation) -> None:
    """Write a card into the folder of every adapter that was evaluated; blocking."""
    for name in evaluation.adapters:
        write_atomically(mind.adapters[name].path / CARD_FILE, [render_card(mind, name, evaluation)])


def render_card(mind: Mind, name: str, evaluation: Evaluation) -> str:
    """The card of one adapter; blocking, it counts the dialogues."""
    adapter = mind.adapters[name]
    manifest = find_manifest(adapter.path)
    recipe = manifest.recipe if manifest else {}
    trained, heldout = mind_dialogues(mind, name), mind_dialogues(mind, name, heldout=True)
    lines = [
        "---",
        f"base_model: {mind.base_model}",
        "library_name: peft",
        f"language: [{', '.join(each for each in mind.languages if each not in mind.quoted_languages)}]",
        "tags: [lora, consilium]",
        "---",
        f"# {mind.name} / {name}",
        "",
        _USES[adapter.kind],
        "",
        "| | |",
        "|---|---|",
        f"| kind | {adapter.kind} |",
        f"| base model | {mind.base_model} |",
        f"| digest of the weights | `{evaluation.adapters[name]}` |",
        *([f"| trained on the core | `{manifest.trained_on}` |"] if manifest and manifest.trained_on else []),
        f"| dialogues trained on | {len(trained)} |",
        f"| dialogues held out | {len(heldout)} |",
        *(f"| {key} | {recipe[key]} |" for key in _RECIPE if key in recipe),
        f"| measured | {evaluation.measured:%Y-%m-%d} |",
        "",
        "## Figures",
        "",
        *_figures(name, evaluation),
        "",
        "## Limits",
        "",
        *_limits(mind, name, evaluation),
        "",
        "## Intended use",
        "",
        _INTENDED_USE,
        "",
    ]
    return "\n".join(lines)


def _figures(name: str, evaluation: Evaluation) -> Iterator[str]:
    yield "| mode | gain | kept | drift, nats a token | sense (base with the same prompt) | voice, AUC | copied words |"
    yield "|---|---|---|---|---|---|---|"
    for mode, figures in evaluation.modes.items():
        if name in figures.adapters:
            yield f"| {mode} | {' | '.join(_cells(name, figures))} |"


def _cells(name: str, figures: ModeFigures) -> Iterator[str]:
    learnt, sense, base = figures.learnt.get(name), figures.sense, figures.sense_prompt_only
    yield f"{learnt.gain:.1%}" if learnt else "–"
    yield f"{learnt.kept:.1%}" if learnt and learnt.kept is not None else "–"
    yield f"{figures.drift.mode:.3f}" if figures.drift else "–"
    yield f"{sense.score:.2f}" + (f" ({base.score:.2f})" if base else "") if sense else "–"
    yield f"{figures.voice.auc:.2f}" if figures.voice else "–"
    yield str(figures.memorised.longest) if figures.memorised else "–"


def _limits(mind: Mind, name: str, evaluation: Evaluation) -> Iterator[str]:
    found = [
        breach for breach in breaches(evaluation, mind.limits, None) if name in evaluation.modes[breach.mode].adapters
    ]
    if not found:
        yield "Every figure is inside the limits of the mind."
    yield from (f"- {breach}" for breach in found)
