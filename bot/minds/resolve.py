"""Resolves a mode expression in a mind: looks up names, applies policies and checks access."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bot.minds.errors import (
    ForbiddenComposition,
    IsolatedAdapter,
    ModeError,
    ModeNotAllowed,
    MustStandAlone,
    RepeatedAdapter,
    TooManyAdapters,
    UnknownAdapter,
)
from bot.minds.grammar import MAX_TERMS, Auto, ModeExpression, Sum, Term, parse_expression
from bot.minds.names import find_name, nearest_names
from inference.adapters.manifest import AdapterKind
from inference.adapters.merging.settings import SUM, Merge

if TYPE_CHECKING:
    from bot.minds.mind import Mind

MAX_SUGGESTIONS: Final = 6
"""Alternatives that one error names."""


@dataclass(frozen=True, slots=True)
class ResolvedMode:
    """A mode of one mind: every name is an adapter's own name, and the policies allow it."""

    expression: ModeExpression
    isolated: bool = False
    """Whether its adapters are isolated ones, which do not speak in the author's voice."""
    named: str | None = field(default=None, compare=False)
    """The named mode it was written as, if it was."""
    merge: Merge = SUM
    """How its adapters become one."""
    has_own_merge: bool = field(default=False, compare=False)
    """Whether the named mode says so, and not the mind's policies."""
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """Points of the weights' curves over the layers, by adapter; those that are not there weigh the same everywhere."""

    @property
    def text(self) -> str:
        """The canonical text, which resolves to this mode: one with a merge or curves of its own keeps its name."""
        is_own = self.has_own_merge or bool(self.curves)
        return self.named if self.named is not None and is_own else str(self.expression)

    @property
    def terms(self) -> tuple[Term, ...]:
        """The adapters to compose: none for `base`, and none for `auto` before routing."""
        return self.expression.terms if isinstance(self.expression, Sum) else ()

    @property
    def is_auto(self) -> bool:
        """Whether each message is routed to a mode."""
        return isinstance(self.expression, Auto)


def resolve_mode(expression: ModeExpression, mind: Mind) -> ResolvedMode:
    """Look up names, expand a named mode, add the core and check the mind's policies.

    Raises:
        ModeError: the mind does not allow it. The error says why and which modes work.
    """
    if not isinstance(expression, Sum):
        return ResolvedMode(expression)
    terms = [_look_up(term, mind) for term in expression.terms]
    for term in terms:
        if term.name in mind.modes:
            return _expand_named_mode(term, terms, mind)
    return _apply_policies(terms, mind)


def _look_up(term: Term, mind: Mind) -> Term:
    name = find_name(term.name, mind)
    if name is None:
        raise UnknownAdapter(term.name, nearest_names(term.name, mind) or tuple(mind.adapters)[:MAX_SUGGESTIONS])
    return Term(name, term.weight, term.band)


def _expand_named_mode(named: Term, terms: Sequence[Term], mind: Mind) -> ResolvedMode:
    if len(terms) > 1 or named.weight is not None or named.band is not None:
        expanded = parse_expression(mind.modes[named.name].mode)
        parts = [_look_up(term, mind) for term in expanded.terms] if isinstance(expanded, Sum) else []
        merged = Sum(tuple({term.name: term for term in (*parts, *terms) if term.name in mind.adapters}.values()))
        raise MustStandAlone(named.name, [*_allowed_alternatives([merged], mind), named.name])
    mode = resolve_mode(parse_expression(mind.modes[named.name].mode), mind)
    own = mind.modes[named.name].merge
    merge = mode.merge if own is None else own
    curves = MappingProxyType(mind.modes[named.name].curves)
    return ResolvedMode(
        mode.expression, mode.isolated, named.name, merge, has_own_merge=merge != mode.merge, curves=curves
    )


def _apply_policies(terms: Sequence[Term], mind: Mind) -> ResolvedMode:
    by_name: dict[str, Term] = {}
    for term in terms:
        if term.name in by_name:
            raise RepeatedAdapter(term.name, [f"{term.name}*1.5", term.name])
        by_name[term.name] = term
    isolated = {name for name in by_name if mind.adapters[name].kind is AdapterKind.ISOLATED}
    if isolated and len(isolated) < len(by_name):
        raise _isolated_mix_error(by_name, isolated, mind)
    if not isolated and mind.policies.core_joins:
        by_name.setdefault(mind.core, Term(mind.core))
    if len(by_name) > MAX_TERMS:
        fewer = [term for name, term in by_name.items() if name != mind.core][: MAX_TERMS - 1]
        raise TooManyAdapters(len(by_name), MAX_TERMS, _allowed_alternatives([Sum(tuple(fewer))], mind) or [mind.core])
    for forbidden in mind.policies.forbidden:
        if by_name.keys() >= set(forbidden.adapters):
            smaller = [Sum(_terms_without(by_name, name)) for name in forbidden.adapters if name != mind.core]
            alternatives = _allowed_alternatives(smaller, mind) or [mind.core]
            raise ForbiddenComposition(forbidden.adapters, forbidden.reason, alternatives)
    return ResolvedMode(Sum(tuple(by_name.values())), isolated=bool(isolated), merge=mind.policies.merge)


def _isolated_mix_error(by_name: dict[str, Term], isolated: set[str], mind: Mind) -> IsolatedAdapter:
    alone = Sum(tuple(term for name, term in by_name.items() if name in isolated))
    others = Sum(tuple(term for name, term in by_name.items() if name not in isolated))
    return IsolatedAdapter(
        sorted(isolated),
        [term.name for term in others.terms],
        _allowed_alternatives([alone, others], mind) or [mind.core],
    )


def _terms_without(by_name: dict[str, Term], excluded: str) -> tuple[Term, ...]:
    return tuple(term for name, term in by_name.items() if name != excluded)


def _allowed_alternatives(candidates: Iterable[Sum], mind: Mind) -> list[str]:
    """Different canonical texts of the candidates. A candidate that is not allowed gives its error's alternatives."""
    allowed: dict[str, None] = {}
    for candidate in candidates:
        try:
            allowed[resolve_mode(candidate, mind).text] = None
        except ModeError as error:
            allowed |= dict.fromkeys(error.alternatives)
    return list(allowed)[:MAX_SUGGESTIONS]


def check_access(mode: ResolvedMode, mind: Mind, roles: Collection[str]) -> None:
    """Check that a person with these roles may use a mode.

    A rule for an adapter applies to every mode that contains it. `auto` itself is allowed; the mode that a message is
    routed to is checked after routing.

    Raises:
        ModeNotAllowed: they may not; the error names modes that they may use.
    """
    restricted = _restricted_name(mode, mind, roles)
    if restricted is not None:
        choices = ("auto", *mind.adapters, *mind.modes, "base")
        open_modes = [
            name
            for name in choices
            if _restricted_name(resolve_mode(parse_expression(name), mind), mind, roles) is None
        ]
        raise ModeNotAllowed(restricted, open_modes[:MAX_SUGGESTIONS] or ["auto"])


def _restricted_name(mode: ResolvedMode, mind: Mind, roles: Collection[str]) -> str | None:
    """The name in a mode that is closed to these roles; None if the mode is open to them."""
    for name in (mode.named, mode.text, *(term.name for term in mode.terms)):
        if name is not None and name in mind.access and set(mind.access[name]).isdisjoint(roles):
            return name
    return None
