"""What a mind needs from the servers that answer for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bot.answering.composer import Composer
from bot.minds.errors import ModeError
from bot.minds.grammar import parse_expression
from bot.minds.resolve import resolve_mode
from inference.adapters.compose import plan_package
from inference.adapters.errors import MergeRanksDiffer, NothingToCompose
from inference.adapters.merging.settings import Merge
from inference.adapters.parts import Part
from inference.adapters.resident_list import ResidentEntry, read_resident_list


@dataclass(frozen=True, slots=True)
class ModeRequirements:
    """What one mode needs."""

    parts: Sequence[Part]
    merge: Merge
    rank: int
    """Rank of the composition where nothing limits it."""
    modules: frozenset[str]
    """Modules that the composition adapts, including those filled with zeros."""


class MindRequirements:
    """What the usual modes need: the core, each other adapter, the named modes, and what was prepared last."""

    def __init__(
        self, composer: Composer, modes: Mapping[str, ModeRequirements], resident: Sequence[ResidentEntry]
    ) -> None:
        self._composer = composer
        self.modes = modes
        """Requirements by the canonical text of a mode."""
        self._resident = resident

    @classmethod
    def from_composer(cls, composer: Composer) -> MindRequirements:
        """Read the headers of the mind's adapters, and the list of compositions that a server starts with; blocking."""
        mind = composer.mind
        modes: dict[str, ModeRequirements] = {}
        for name in (mind.core, *mind.adapters, *mind.modes, mind.default_mode):
            with suppress(ModeError, NothingToCompose, MergeRanksDiffer):  # not a mode that people can choose
                mode = resolve_mode(parse_expression(name), mind)
                if mode.terms and mode.text not in modes:
                    modes[mode.text] = _mode_requirements(composer, composer.parts(mode), mode.merge)
        return cls(composer, modes, read_resident_list(composer.store.root).resident)

    @property
    def largest_mode(self) -> tuple[str, int]:
        """The mode with the largest rank, and that rank; the bare base model while no adapter is in service."""
        ranks = {text: needs.rank for text, needs in self.modes.items()} or {"base": 0}
        return max(ranks.items(), key=lambda mode: mode[1])

    @property
    def modules(self) -> frozenset[str]:
        """Modules that some mode adapts."""
        return frozenset().union(*(needs.modules for needs in self.modes.values()))

    def usual_compositions(self, max_rank: int | None) -> set[str]:
        """Names of the compositions that are usually needed, on a server that accepts ranks up to `max_rank`."""
        names = {self._composition_name(needs, max_rank) for needs in self.modes.values()}
        return names | {resident.name for resident in self._resident}

    def pinned_compositions(self, max_rank: int | None) -> set[str]:
        """Names of the compositions to pin on a server: the cores of the minds that use it."""
        core = self.modes.get(self._composer.mind.core)
        own = {self._composition_name(core, max_rank)} if core else set()
        return own | {resident.name for resident in self._resident if resident.pinned}

    def _composition_name(self, needs: ModeRequirements, max_rank: int | None) -> str:
        return self._composer.store.composition_name(needs.parts, self._composer.base, max_rank, needs.merge)


def _mode_requirements(composer: Composer, parts: Sequence[Part], merge: Merge) -> ModeRequirements:
    plan = plan_package(parts, composer.base, merge)
    modules = frozenset(slot.module for run in plan.runs for slot in run.modules)
    return ModeRequirements(parts, merge, plan.rank, modules)
