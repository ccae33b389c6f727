"""Renders the system prompt from the mind's own Jinja template, in a sandbox."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.minds.errors import BrokenMind, Mistake
from bot.minds.grammar import Base, Sum, Term
from bot.minds.paths import is_inside
from bot.minds.quoting import MAX_PASSAGE_CHARACTERS, QuotedPassage, sanitise_line
from bot.minds.resolve import ResolvedMode
from bot.minds.schema import Trust
from consilium.errors import N_

if TYPE_CHECKING:
    from bot.minds.mind import Mind

PROMPTS_FOLDER: Final = "prompts"
SYSTEM_TEMPLATE: Final = "system.j2"
TEMPLATE_VARIABLES: Final = ("mind", "mode", "memories", "passages", "examples", "language")
_SAMPLE_PASSAGE: Final = QuotedPassage.from_untrusted(1, Trust.AUTHOR, "x", "x", "x")


@dataclass(frozen=True, slots=True)
class MindView:
    """The part of a mind that a template can use: texts only, nothing that can act."""

    name: str
    title: str
    languages: tuple[str, ...]


def render_system_prompt(
    mind: Mind,
    mode: ResolvedMode,
    memories: Sequence[str],
    language: str,
    *,
    passages: Sequence[QuotedPassage] = (),
    examples: Sequence[str] = (),
) -> str:
    """The system prompt for one answer; blocking: it checks whether the template's file has changed.

    Args:
        mind: the mind that answers.
        mode: the mode that answers; not `auto`, but what it was routed to.
        memories: notes about the person, the most relevant first. They are data: each is put on one line and loses
            everything that a chat template could read as a marker.
        language: the ISO 639 code of the language to answer in.
        passages: passages of the library that the answer can cite.
        examples: how the author has spoken about other things, to set the tone. They are data, as the memories are.

    Raises:
        BrokenMind: the template does not work; the error names its line.
    """
    prompt = _render(mind, mode, memories, language, passages=passages, examples=examples)
    if isinstance(prompt, Mistake):
        raise BrokenMind(mind.folder, [prompt])
    return prompt


def check_prompts(mind: Mind) -> Iterator[Mistake]:
    """Mistakes in the templates.

    Each template is compiled, and the system prompt is rendered in each kind of mode and each language, with and
    without memories and passages.
    """
    broken = list(_check_syntax(mind))
    yield from broken
    if broken:
        return
    core = Sum((Term(mind.core),))
    modes = [ResolvedMode(Base()), ResolvedMode(core), ResolvedMode(core, isolated=True)]
    mistakes = (
        _render(mind, mode, memories, language, passages=passages, examples=memories)
        for mode in modes
        for memories in ((), ("x",))
        for passages in ((), (_SAMPLE_PASSAGE,))
        for language in mind.languages
    )
    yield from {mistake.line: mistake for mistake in mistakes if isinstance(mistake, Mistake)}.values()


@lru_cache(maxsize=8)
def _environment(folder: Path) -> ImmutableSandboxedEnvironment:
    """The Jinja environment of a folder. It compiles a template again only when its file has changed."""
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _render(
    mind: Mind,
    mode: ResolvedMode,
    memories: Sequence[str],
    language: str,
    *,
    passages: Sequence[QuotedPassage],
    examples: Sequence[str],
) -> str | Mistake:
    """The system prompt, or what is wrong with its template."""
    values: Mapping[str, Any] = {
        "mind": MindView(mind.name, mind.title.text(language), mind.languages),
        "mode": mode,
        "memories": [sanitise_line(memory) for memory in memories],
        "passages": list(passages),
        "examples": [sanitise_line(example, MAX_PASSAGE_CHARACTERS) for example in examples],
        "language": language,
    }
    try:
        template: Template = _environment(mind.prompts).get_template(SYSTEM_TEMPLATE)
        text = template.render(values)
    except Exception as error:  # a template is a program and may raise anything
        return _template_mistake(error, mind.prompts)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip()


def _check_syntax(mind: Mind) -> Iterator[Mistake]:
    if not (mind.prompts / SYSTEM_TEMPLATE).is_file():
        remedy = N_("Write there who the mind is, in two or three plain sentences.")
        yield Mistake(f"{PROMPTS_FOLDER}/{SYSTEM_TEMPLATE}", None, N_("there is no such file."), remedy)
    environment = _environment(mind.prompts)
    for path in sorted(mind.prompts.rglob("*.j2")):
        name = path.relative_to(mind.prompts).as_posix()
        if not is_inside(path, mind.folder):
            remedy = N_("Put the template itself here.")
            yield Mistake(f"{PROMPTS_FOLDER}/{name}", None, N_("this link leads out of the mind's folder."), remedy)
            continue
        try:
            environment.get_template(name)
        except (TemplateError, UnicodeDecodeError, OSError, RecursionError) as error:
            yield _template_mistake(error, mind.prompts, name)


def _template_mistake(error: Exception, folder: Path, name: str = SYSTEM_TEMPLATE) -> Mistake:
    line: int | None = None
    if isinstance(error, TemplateSyntaxError):
        name, line = error.name or name, error.lineno
    elif isinstance(error, UnicodeDecodeError):
        line = error.object.count(b"\n", 0, error.start) + 1
    else:
        # In the traceback, Jinja's frames have the template's file name and lines.
        for frame in traceback.extract_tb(error.__traceback__):
            if Path(frame.filename).is_relative_to(folder):
                name, line = Path(frame.filename).relative_to(folder).as_posix(), frame.lineno
    file = f"{PROMPTS_FOLDER}/{name}"
    if isinstance(error, TemplateNotFound):
        remedy = N_("Create it in {folder}, or correct the name.")
        return Mistake(
            file, line, N_("there is no template {name}."), remedy, {"name": error.name, "folder": PROMPTS_FOLDER}
        )
    return Mistake(
        file,
        line,
        N_("the template does not work: {problem}."),
        N_("Correct it; it can use {variables}."),
        {"problem": " ".join(str(error).split()).rstrip("."), "variables": ", ".join(TEMPLATE_VARIABLES)},
    )
