"""The report of an evaluation: one page that needs nothing else, to be read in a minute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from bot.authoring.evaluation.breaches import Breach, breaches
from bot.authoring.evaluation.figures import Evaluation, ModeFigures
from bot.authoring.evaluation.judging import ModeAnswers
from bot.authoring.evaluation.report_bars import Bar, draw_bar
from bot.authoring.personal import PersonalFinder
from bot.authoring.stages import write_atomically
from bot.core.i18n import Translator
from bot.minds.schema import Limits
from consilium.errors import N_

REPORT_FILE: Final = "report.html"
_SHOWN_ANSWERS: Final = 4
"""Of each mode, evenly chosen; `--json` has all of them."""
_HIDDEN: Final = "[…]"


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a mode's table."""

    name: str
    figure: str
    picture: str
    note: str


def write_report(
    evaluation: Evaluation,
    answers: Mapping[str, ModeAnswers],
    limits: Limits,
    say: Translator,
    folder: Path,
    live: Evaluation | None = None,
) -> Path:
    """Write the report into a folder; blocking.

    Args:
        answers: by mode; some of them are shown, with the personal data in them hidden.
        live: of the adapters in use, where these are to replace them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / REPORT_FILE
    write_atomically(path, [render_report(evaluation, answers, limits, say, live)])
    return path


def render_report(
    evaluation: Evaluation,
    answers: Mapping[str, ModeAnswers],
    limits: Limits,
    say: Translator,
    live: Evaluation | None = None,
) -> str:
    """The page."""
    broken = breaches(evaluation, limits, live)
    title = say("Evaluation of {mind}", mind=evaluation.mind)
    measured = evaluation.measured.strftime("%Y-%m-%d %H:%M UTC")
    facts = " · ".join([evaluation.base_model, measured, *_digests(evaluation.adapters)])
    parts = [
        f'<!doctype html><html lang="{say.language}"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>",
        f'<p class="facts">{escape(facts)}</p>',
        _verdict(broken, say),
        f'<p class="facts">{escape(say(_LEGEND))}</p>',
    ]
    for mode, figures in evaluation.modes.items():
        parts.append(f"<section><h2>{escape(mode)}</h2>{_table(_rows(figures, limits, say))}")
        if mode in answers:
            parts.append(_examples(answers[mode], say))
        parts.append("</section>")
    parts.append(_method(evaluation, say))
    return "".join((*parts, "</body></html>\n"))


def _digests(adapters: Mapping[str, str]) -> Iterator[str]:
    return (f"{name} {digest[:12]}" for name, digest in adapters.items())


def _verdict(broken: Sequence[Breach], say: Translator) -> str:
    if not broken:
        sentence = say("Every figure is inside the limits of mind.yaml.")
        return f'<p class="good">{escape(sentence)}</p>'
    items = "".join(f"<li>{escape(breach.localize(say.language, say.translate))}</li>" for breach in broken)
    return f'<ul class="bad">{items}</ul>'


def _table(rows: Iterable[_Row]) -> str:
    lines = "".join(
        f"<tr><th>{escape(row.name)}</th><td>{escape(row.figure)}</td><td>{row.picture}</td>"
        f"<td>{escape(row.note)}</td></tr>"
        for row in rows
    )
    return f"<table>{lines}</table>"


def _rows(figures: ModeFigures, limits: Limits, say: Translator) -> Iterator[_Row]:
    for name, learnt in figures.learnt.items():
        title = say("Gain of {adapter}", adapter=name)
        note = say("loss {base} → {adapter} nats a token", base=f"{learnt.base:.3f}", adapter=f"{learnt.alone:.3f}")
        bar = Bar(learnt.gain, 1, learnt.gain > 0 and learnt.gain >= limits.gain, limits.gain)
        yield _row(title, f"{learnt.gain:.1%}", bar, note)
        if learnt.kept is not None:
            title = say("Kept of {adapter}", adapter=name)
            yield _row(title, f"{learnt.kept:.1%}", Bar(learnt.kept, 1.2, learnt.kept >= limits.kept, limits.kept), "")
    if figures.drift is not None:
        share = figures.drift.share
        note = say("{drift} nats a token", drift=f"{figures.drift.mode:.3f}")
        if share is None:
            yield _Row(say("Drift"), f"{figures.drift.mode:.3f}", "", say("nats a token; no limit without a topic"))
        else:
            yield _row(say("Drift"), f"{share:.0%}", Bar(share, 1, share <= limits.drift, limits.drift), note)
    if figures.sense is not None:
        base = figures.sense_prompt_only
        other = None if base is None else base.score
        least = None if other is None else other - limits.sense
        bar = Bar(figures.sense.score, 1, least is None or figures.sense.score >= least, least, other)
        note = say(
            "fluent {fluent}, to the point {pointed}, repeated {repeated}, contradicted {contradicted}",
            fluent=f"{figures.sense.fluent:.2f}",
            pointed=f"{figures.sense.pointed:.2f}",
            repeated=f"{figures.sense.repeated:.0%}",
            contradicted=f"{figures.sense.contradicted:.0%}",
        )
        shown = f"{figures.sense.score:.2f}" + ("" if other is None else f" ({other:.2f})")
        yield _row(say("Sense"), shown, bar, note)
    if figures.voice is not None:
        voice = figures.voice
        note = say(
            "probability of being the author's {likelihood}; of the base model's answers {prompt_only}",
            likelihood=f"{voice.likelihood:.2f}",
            prompt_only=f"{voice.prompt_only:.2f}",
        )
        yield _row(say("Voice"), f"{voice.auc:.2f}", Bar(voice.auc, 1, voice.auc >= limits.voice, limits.voice), note)
    yield from _leak_rows(figures, limits, say)


def _leak_rows(figures: ModeFigures, limits: Limits, say: Translator) -> Iterator[_Row]:
    """What came out that should have stayed in the dialogues."""
    if figures.memorised is not None:
        found = figures.memorised
        is_good = found.longest <= limits.copied_words
        bar = Bar(found.longest, 2 * limits.copied_words, is_good, limits.copied_words, found.prompt_only)
        yield _row(say("Words copied in a row"), f"{found.longest} ({found.prompt_only})", bar, "")
        if found.canaries:
            note = say(
                "of {canaries} planted, by {prompts} prompts", canaries=found.canaries, prompts=found.canary_prompts
            )
            yield _Row(say("Planted secrets that came out"), str(found.canaries_found), "", note)
    if figures.personal is not None:
        note = ", ".join(f"{kind} {count}" for kind, count in figures.personal.kinds.items())
        yield _Row(say("Personal data in answers"), str(figures.personal.count), "", note)


def _row(name: str, figure: str, bar: Bar, note: str) -> _Row:
    return _Row(name, figure, draw_bar(bar, f"{name}: {figure}"), note)


def _examples(said: ModeAnswers, say: Translator) -> str:
    """Some answers beside the base model's."""
    pairs = list(zip(said.mode, said.base, strict=True))
    if not pairs:
        return ""
    count = min(_SHOWN_ANSWERS, len(pairs))
    finder = PersonalFinder()
    rows = "".join(
        f"<tr><td>{_hide(finder, mine.question.in_context)}</td><td>{_hide(finder, mine.text)}</td>"
        f"<td>{_hide(finder, base.text)}</td></tr>"
        for mine, base in (pairs[number * len(pairs) // count] for number in range(count))
    )
    head = "".join(f"<th>{escape(say(each))}</th>" for each in _EXAMPLE_HEADINGS)
    title = say("Answers")
    return f"<details><summary>{escape(title)}</summary><table><tr>{head}</tr>{rows}</table></details>"


def _hide(finder: PersonalFinder, text: str) -> str:
    shown, end = "", 0
    for find in finder.find(text):
        shown, end = shown + text[end : find.start] + _HIDDEN, find.end
    return escape(shown + text[end:])


def _method(evaluation: Evaluation, say: Translator) -> str:
    settings = evaluation.settings
    lines = [say(line) for line in _METHOD]
    lines.append(
        say(
            "At most {questions} questions; adapters at strength {strength}; at most {tokens} tokens an answer, "
            "temperature 0; {texts} neutral texts; embedder {embedder}.",
            questions=settings.questions,
            strength=f"{settings.strength:g}",
            tokens=settings.max_tokens,
            texts=settings.neutral_texts,
            embedder=settings.embedder,
        )
    )
    lines += [say(_SKIPPED[reason], count=count) for reason, count in evaluation.skipped.items() if reason in _SKIPPED]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    title = say("How it was measured")
    return f"<details><summary>{escape(title)}</summary><ul>{items}</ul></details>"


_LEGEND: Final = N_(
    "Green is inside the limits, red outside; the black line is the limit. In brackets, and grey: the base model under "
    "the same prompt, without adapters."
)
_EXAMPLE_HEADINGS: Final = (N_("Question"), N_("With adapters"), N_("Prompt only"))
_METHOD: Final = (
    N_("Gain: share of the base model's loss on held-out dialogues that an adapter takes away; kept: what is left."),
    N_("Drift: divergence from the base model on neutral texts, as a share of its topic adapter's at strength 1."),
    N_(
        "Sense, 0 to 1: answers as fluent as the author's, nearer to their own question than to others, without loops "
        "and without contradicting the library. It does not know what is true."
    ),
    N_("Voice: how surely a classifier of the author's style tells the answers from the base model's; 0.5 is chance."),
)
_SKIPPED: Final = {
    "language": N_("Questions in languages that the base model does not write, which the library answers: {count}."),
    "mode": N_("Questions in modes that are not measured: {count}."),
    "limit": N_("Questions over the limit: {count}."),
}
_STYLE: Final = """
body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}.facts{color:#666;font-size:.85rem}
.good{background:#e8f4ea;padding:.6rem 1rem}.bad{background:#fbe9e5;padding:.6rem 1rem .6rem 2rem}
table{border-collapse:collapse;width:100%}td,th{padding:.25rem .6rem .25rem 0;text-align:left;vertical-align:top}
th{font-weight:600;white-space:nowrap}td:nth-child(2){white-space:nowrap}td:last-child{color:#555;font-size:.85rem}
details{margin:.7rem 0}summary{cursor:pointer}
details td{border-top:1px solid #ddd;white-space:normal!important;width:33%}
"""
