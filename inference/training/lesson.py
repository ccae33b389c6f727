"""What one adapter learns from: examples to learn and to stop by, of its own dialogues and of the core's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from blake3 import blake3

from inference.engines.tokenizer import ChatTokenizer, read_context_length
from inference.training.checkpoints import digest_of
from inference.training.dialogues import Dialogue, split_dialogues
from inference.training.encoding import IGNORE_INDEX, Example
from inference.training.preparation import NothingToLearn, PreparedDialogues, prepare_dialogues
from inference.training.recipe import Recipe

_END_BYTES: Final = 1 << 20
_BYTES_A_TOKEN: Final = 4
"""Of English in most vocabularies; other scripts have more bytes to a token, so this counts too many of theirs."""
_MARK_TOKENS: Final = 5
"""What a chat template writes around a message."""

ExamplesOfDialogues = Sequence[Sequence[Example]]
"""Examples by dialogue: what is left out of a lesson is left out by whole dialogues."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Dialogues as examples, split into those that are learnt and those that training stops by."""

    own: ExamplesOfDialogues
    own_kept_back: ExamplesOfDialogues
    core: ExamplesOfDialogues = ()
    core_kept_back: ExamplesOfDialogues = ()

    @property
    def has_core(self) -> bool:
        """Whether the adapter is trained on top of a core."""
        return bool(self.core_kept_back)

    @property
    def dialogues(self) -> int:
        """The adapter's own dialogues, those kept back among them."""
        return len(self.own) + len(self.own_kept_back)

    @property
    def digest(self) -> str:
        """Digest of all that is learnt and measured."""
        parts = (self.own, self.own_kept_back, self.core, self.core_kept_back)
        return digest_of([[[[e.ids, e.labels] for e in examples] for examples in part] for part in parts])

    def shortened(self, share: float) -> Lesson:
        """A lesson of about that share of the dialogues, at least one of each part."""
        return replace(
            self,
            own=_first(self.own, share),
            own_kept_back=_first(self.own_kept_back, share),
            core=_first(self.core, share),
            core_kept_back=_first(self.core_kept_back, share),
        )


def prepare_lesson(
    base: Path,
    dialogues: Sequence[Dialogue],
    recipe: Recipe,
    *,
    core: Sequence[Dialogue] | None = None,
    on_prepared: Callable[[PreparedDialogues], None] = lambda _: None,
) -> Lesson:
    """Encode dialogues and split them; takes seconds.

    Args:
        dialogues: they must carry the system message that they will be answered under.
        core: those of the core that the adapter is trained on top of; None if it is not.
        on_prepared: called with the adapter's own dialogues, and then with the core's.

    Raises:
        TooManyLeftOut: more of the dialogues cannot be learnt than the recipe allows.
        NothingToLearn: there are too few to keep one back and learn another.
    """
    tokenizer = ChatTokenizer(base)
    limit = read_context_length(base, recipe.max_tokens)

    def prepare(some: Sequence[Dialogue]) -> tuple[ExamplesOfDialogues, ExamplesOfDialogues]:
        prepared = prepare_dialogues(some, tokenizer, max_tokens=limit, max_left_out=recipe.max_left_out)
        on_prepared(prepared)
        learnt, kept_back = split_dialogues([*prepared.examples], recipe.validation_share, recipe.seed)
        return [prepared.examples[d] for d in learnt], [prepared.examples[d] for d in kept_back]

    own, own_kept_back = prepare(dialogues)
    core_learnt, core_kept_back = prepare(core) if core is not None else ((), ())
    if not own or not own_kept_back or (core is not None and not core_kept_back):
        raise NothingToLearn
    return Lesson(own, own_kept_back, core_learnt, core_kept_back)


def flatten(examples: ExamplesOfDialogues) -> list[Example]:
    """The examples of all dialogues, in their order."""
    return [example for dialogue in examples for example in dialogue]


def approximate_lesson(
    dialogues: Sequence[Dialogue], recipe: Recipe, *, core: Sequence[Dialogue] | None = None
) -> Lesson:
    """A lesson of about the right lengths, for a base model whose tokenizer is not here; it cannot be learnt."""

    def approximate(some: Sequence[Dialogue]) -> tuple[ExamplesOfDialogues, ExamplesOfDialogues]:
        learnt, kept_back = split_dialogues(some, recipe.validation_share, recipe.seed)
        return [[_approximate_example(d)] for d in learnt], [[_approximate_example(d)] for d in kept_back]

    own, own_kept_back = approximate(dialogues)
    core_learnt, core_kept_back = approximate(core) if core is not None else ((), ())
    return Lesson(own, own_kept_back, core_learnt, core_kept_back)


def _approximate_example(dialogue: Dialogue) -> Example:
    labels: list[int] = []
    for message in dialogue.messages:
        label = 0 if message.role == "assistant" and message.learn else IGNORE_INDEX
        labels += [IGNORE_INDEX] * _MARK_TOKENS
        labels += [label] * -(-len(message.content.encode()) // _BYTES_A_TOKEN)
    return Example([0] * len(labels), labels, dialogue.line)


def digest_base(base: Path) -> str:
    """Digest of a base model: its config, and the ends of its weights, which training changes everywhere."""
    digest = blake3((base / "config.json").read_bytes())
    for file in sorted(base.glob("*.safetensors")):
        size = file.stat().st_size
        digest.update(f"{file.name} {size}\n".encode())
        with file.open("rb") as content:
            digest.update(content.read(_END_BYTES))
            content.seek(max(0, size - _END_BYTES))
            digest.update(content.read(_END_BYTES))
    return digest.hexdigest()


def _first(examples: ExamplesOfDialogues, share: float) -> ExamplesOfDialogues:
    """The split has shuffled them already."""
    return examples[: max(1, round(len(examples) * share))] if examples else examples
