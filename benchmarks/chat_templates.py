"""Encodes dialogues with every chat template and kind of tokenizer, and writes docs/training-templates.md.

python -m benchmarks.chat_templates [DIALOGUES]
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path
from tokenizers import Tokenizer

from inference.checkpoint import BUNDLED_BASE_MODEL, resolve_base_model
from inference.embedding import E5_MODEL, resolve_embedding_model
from inference.engines.errors import AnswerNotWritable, PromptRefused
from inference.engines.tokenizer import ChatTokenizer
from inference.training.encoding import encode_dialogue
from tests.fixtures.chat_models import (
    TEMPLATES,
    is_exact,
    multilingual_unigram_tokenizer,
    random_dialogues,
    unigram_tokenizer,
    with_template,
    wordpiece_tokenizer,
    write_checkpoint,
)

_MODELS: Final = user_cache_path("consilium") / "models"
_TOKENIZERS: Final[dict[str, Callable[[], Tokenizer]]] = {
    "byte BPE": lambda: Tokenizer.from_file(str(resolve_base_model(BUNDLED_BASE_MODEL, _MODELS) / "tokenizer.json")),
    "Unigram": unigram_tokenizer,
    "Unigram, NFKC": lambda: multilingual_unigram_tokenizer(
        resolve_embedding_model(E5_MODEL, _MODELS) / "tokenizer.json"
    ),
    "WordPiece": wordpiece_tokenizer,
}
_PAGE: Final = Path(__file__).parents[1] / "docs" / "training-templates.md"
_TEXT: Final = """\
# Chat templates in training

Written by `python -m benchmarks.chat_templates`: for each template, {number} generated dialogues with byte BPE and
{fewer} with each of the other tokenizers. They have one to six exchanges, with and without a system message, in
Russian and English, with code, emoji, spaces at both ends, one-character answers, and texts that look like control
tokens (`<|im_end|>`). The templates are those of `trl` 1.16.0 and, where `trl` has none, of `axolotl` 0.19.0, both
from PyPI and under Apache-2.0 ([copies](../tests/data/chat_templates)).

A dialogue is **exact** if every answer is learnt once, its learnt ids decode to the author's answer and nothing else
but the token that ends it, and the ids before it are the engine's prompt for the same messages, id by id. **Refused**
is a dialogue with an answer that the tokenizer cannot write: training leaves it out by name. **Wrong** is anything
else.

| Tokenizer | exact | refused | wrong |
|---|---:|---:|---:|
{totals}

- *byte BPE*: SmolLM2's, as in Llama 3, Qwen, GPT. *Unigram*: as SentencePiece makes it for Gemma and Llama 2, with
  bytes for what its vocabulary lacks; trained for this page.
- *Unigram, NFKC*: multilingual-e5's (XLM-RoBERTa). It turns line breaks into spaces and joins spaces, so that no
  model with it can write code. *WordPiece*: BERT's, with capitals; trained for this page. It keeps words and no white
  space.

By template, with byte BPE:

| Template | exact | wrong | examples a dialogue | what is folded | before an answer | its end |
|---|---:|---:|---:|---|---|---|
{rows}

- *Examples a dialogue*: 1 where the prompt of each answer begins with the prompt and answer before it, and one
  rendering teaches them all. More where a template shows earlier answers otherwise than it asks for them (an empty
  thought, trimmed spaces, another end mark), moves the system message along, or breaks look-alikes; the generated
  texts are far harsher than written dialogues.
- *What is folded*: what the template cannot express, in training and answering alike
  ([how](how-to/make-a-mind.md#the-base-models-chat-template)).
- *Before an answer*: what the prompt gets after the template's own, so that the model answers at once and without a
  thought.
"""


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    totals, rows = [], []
    for kind, make in _TOKENIZERS.items():
        total: Counter[str] = Counter()
        with tempfile.TemporaryDirectory() as folder:
            write_checkpoint(Path(folder), make())
            for name in TEMPLATES:
                tokenizer = with_template(Path(folder), name)
                counts = _count(name, number if kind == "byte BPE" else number // 10, tokenizer)
                total += counts
                if kind == "byte BPE":
                    rows.append(_row(name, counts, number, tokenizer))
        totals.append(f"| {kind} | {total['exact']:,} | {total['refused']:,} | {total['wrong']:,} |")
    tables = {"totals": "\n".join(totals), "rows": "\n".join(rows)}
    _PAGE.write_text(_TEXT.format(number=number, fewer=number // 10, **tables), "utf-8")


def _count(name: str, number: int, tokenizer: ChatTokenizer) -> Counter[str]:
    counts: Counter[str] = Counter()
    for dialogue in random_dialogues(name, number):
        try:
            examples = encode_dialogue(dialogue, tokenizer)
        except AnswerNotWritable:
            counts["refused"] += 1
        except PromptRefused:
            counts["wrong"] += 1
        else:
            counts["exact" if is_exact(dialogue, examples, tokenizer) else "wrong"] += 1
            counts["examples"] += len(examples)
    return counts


def _row(name: str, counts: Counter[str], number: int, tokenizer: ChatTokenizer) -> str:
    end = tokenizer.show_token(tokenizer.end_id).replace("|", "\\|")
    head = tokenizer.answer_head.replace("\n", "\\n").replace("|", "\\|")
    folded = ", ".join(_folded(tokenizer))
    shown = f"`{head}`" if head else ""
    mean = counts["examples"] / number
    return f"| {name} | {counts['exact']} | {counts['wrong']} | {mean:.1f} | {folded} | {shown} | `{end}` |"


def _folded(tokenizer: ChatTokenizer) -> Iterator[str]:
    form = tokenizer.template.form
    if not form.system:
        yield "system"
    if not form.repeats:
        yield "repeats"
    if not form.answer_first:
        yield "answer first"


if __name__ == "__main__":
    main()
