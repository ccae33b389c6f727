"""Holds an adapter to the base model where nobody asks for what it has learnt: on texts that the base model makes up.

Learning without forgetting (Li and Hoiem, 2016, arXiv:1606.09282) on generated texts instead of kept ones (LAMOL: Sun
et al., 2020, arXiv:1909.03329). The base model continues the beginning of a text, word by word as likely as it is, so
that the texts are of everything it knows, in every language that it writes, and a creator need not bring any. At each
step of training the next-token distributions of base and adapted model on a few of them are drawn together.
"""

from __future__ import annotations

from typing import Any, Final

import torch

from inference.training.drift import divergence
from inference.training.hardware import Hardware
from inference.training.recipe import Recipe
from inference.training.trainable import silenced

TEXTS: Final = 192
TEXT_TOKENS: Final = 96
"""Of each text, its beginning included."""
TEXTS_A_STEP: Final = 2
_AT_ONCE: Final = 32
"""Texts that are made up together."""


class Anchor:
    """The made-up texts, and how far a model has moved from its base on them."""

    def __init__(self, model: Any, recipe: Recipe, hardware: Hardware) -> None:
        """Have the base model make up the texts; on a processor they follow from the recipe's seed.

        Args:
            model: the base model with its adapters, which are silent while it does.
        """
        self._seed, self._hardware = recipe.seed, hardware
        made = _make_up(model, recipe.seed, hardware.device) if hardware.is_main else torch.empty(0)
        self._texts = hardware.agree(made)

    def drift(self, model: Any, step: int) -> torch.Tensor:
        """This process's share of KL(base || adapted) on the texts of a step, in nats a token; the shares add up.

        Args:
            step: counted from 0 since the beginning of the training.
        """
        generator = torch.Generator().manual_seed(self._seed + step)
        drawn = torch.randperm(TEXTS, generator=generator)[:TEXTS_A_STEP]
        mine = drawn[self._hardware.rank :: self._hardware.processes]
        if not len(mine):
            return torch.zeros((), device=self._hardware.device)
        ids = self._texts[mine].to(self._hardware.device)
        with torch.no_grad(), silenced(model):
            base = model(input_ids=ids, use_cache=False).logits[:, :-1].flatten(0, 1)
        moved = model(input_ids=ids, use_cache=False).logits[:, :-1].flatten(0, 1)
        return divergence(base, moved).sum() / (TEXTS_A_STEP * (TEXT_TOKENS - 1))


def anchored_tokens(processes: int = 1) -> int:
    """What the texts of a step take the busiest process, in tokens of dialogues that are learnt.

    They are computed twice, once without a backward pass, and each of their tokens goes through the output layer.
    """
    return 2 * TEXT_TOKENS * -(-TEXTS_A_STEP // processes)


def _make_up(model: Any, seed: int, device: torch.device) -> torch.Tensor:
    """Sample texts from the base model at temperature 1: token ids (texts, tokens), in the machine's own memory."""
    # Drawn on the processor, so that every device draws alike from equal distributions.
    generator = torch.Generator().manual_seed(seed)
    config = model.config.get_text_config()
    beginning = config.bos_token_id if isinstance(config.bos_token_id, int) else 0
    was_training = model.training
    model.eval()
    texts = []
    with torch.no_grad(), silenced(model):
        for start in range(0, TEXTS, _AT_ONCE):
            last = torch.full((min(_AT_ONCE, TEXTS - start), 1), beginning)
            tokens, cache = [last], None
            while len(tokens) < TEXT_TOKENS:
                output = model(input_ids=last.to(device), past_key_values=cache, use_cache=True)
                cache = output.past_key_values
                likelihoods = output.logits[:, -1].float().softmax(-1).cpu()
                last = torch.multinomial(likelihoods, 1, generator=generator)
                tokens.append(last)
            texts.append(torch.cat(tokens, 1))
    model.train(was_training)
    return torch.cat(texts)
