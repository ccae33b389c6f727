"""Which two adapters answer together where a message lies between them, and with which weights.

Every mixture is a composition of its own, which has to be made, kept and loaded. So there are few: weights come from a
small set, and only the pairs of adapters that are nearest in meaning are mixed. All of it follows from the mind, so
every process knows the same mixtures before the first message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import numpy as np

from bot.answering.routing.features import Floats
from bot.minds.errors import ModeError
from bot.minds.grammar import Sum, Term, nearest_weight
from bot.minds.resolve import ResolvedMode, resolve_mode
from inference.adapters.manifest import AdapterKind

if TYPE_CHECKING:
    from bot.minds.mind import Mind
    from bot.minds.schema import AutoMix

_LEAST_TOGETHER: Final = 0.5
"""The probability that a message is about one of the two: with less, it lies between more than two subjects."""
_HALF: Final = 0.5


class Mixtures:
    """The mixtures that `auto` may answer with in one mind. They do not change."""

    def __init__(self, mind: Mind, policy: AutoMix, names: Sequence[str], similarities: Floats) -> None:
        """Choose them; blocking, some tenths of a second for a thousand adapters.

        Args:
            names: of the adapters that `auto` may choose.
            similarities: (adapters, adapters), of their subjects.
        """
        self._firsts = sorted(set(policy.first))
        self._modes: dict[tuple[str, str, float], ResolvedMode] = {}
        self._order: list[str] = []
        pairs = policy.most // sum(_variants(first) for first in self._firsts)
        for one, other in _allowed_pairs(mind, names, similarities, pairs):
            for first in self._firsts:
                for likelier, second in ((one, other), (other, one)):
                    mode = resolve_mode(_weighed(likelier, second, first), mind)
                    self._modes[likelier, second, first] = mode
                    self._order.append(mode.text)

    @property
    def texts(self) -> Sequence[str]:
        """The mixtures as modes, those of the nearest adapters first."""
        return list(dict.fromkeys(self._order))

    def choose(self, adapter: str, shares: Mapping[str, float]) -> tuple[str, ResolvedMode] | None:
        """The second adapter and the mixture for a message; None where one adapter alone is nearer to what it is about.

        Args:
            adapter: the one that the message belongs to.
            shares: the probability of each adapter.
        """
        others = [name for name in shares if name != adapter and (adapter, name, self._firsts[0]) in self._modes]
        if not others:
            return None
        second = max(others, key=shares.__getitem__)
        together = shares[adapter] + shares[second]
        if together < _LEAST_TOGETHER:
            return None
        share = shares[adapter] / together
        first = min((1.0, *self._firsts), key=lambda weight: abs(weight - max(share, _HALF)))
        return None if first == 1 else (second, self._modes[adapter, second, first])


def _variants(first: float) -> int:
    """How many mixtures of a pair have this weight: at one half it does not matter which one is the likelier."""
    return 1 if first == _HALF else 2


def _weighed(likelier: str, second: str, first: float) -> Sum:
    weight = nearest_weight(Decimal(str(first)))
    return Sum((Term(likelier, weight), Term(second, 1 - weight)))


def _allowed_pairs(mind: Mind, names: Sequence[str], similarities: Floats, most: int) -> Iterator[tuple[str, str]]:
    """So many pairs of topics that the mind's policies allow together, the most similar first."""
    topics = [number for number, name in enumerate(names) if mind.adapters[name].kind is AdapterKind.TOPIC]
    among = similarities[np.ix_(topics, topics)]
    rows, columns = np.triu_indices(len(topics), 1)
    found = 0
    for place in np.argsort(-among[rows, columns], kind="stable"):
        if found == most:
            return
        one, other = names[topics[rows[place]]], names[topics[columns[place]]]
        try:
            resolve_mode(Sum((Term(one), Term(other))), mind)
        except ModeError:
            continue
        found += 1
        yield one, other
