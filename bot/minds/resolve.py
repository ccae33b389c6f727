"""Resolves a mode expression against a mind: names, policies, and who may use it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
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

if TYPE_CHECKING:
    from bot.minds.mind import Mind

MAX_SUGGESTIONS: Final = 6
"""Ways out that one error proposes."""


@dataclass(frozen=True, slots=True)
class ResolvedMode:
    """A mode of one mind: every name is an adapter's own and every policy is kept."""

    expression: ModeExpression
    isolated: bool = False
    """Whether its adapters are kept apart from the author's own voice."""
    named: str | None = field(default=None, compare=False)
    """The named mode it was asked for by."""

    @property
    def text(self) -> str:
        """The canonical text; resolving it again gives this mode."""
        return str(self.expression)

    @property
    def terms(self) -> tuple[Term, ...]:
        """The adapters to compose; none for `base`, and none for `auto` until it is routed."""
        return self.expression.terms if isinstance(self.expression, Sum) else ()

    @property
    def is_auto(self) -> bool:
        """Whether each message still has to be routed."""
        return isinstance(self.expression, Auto)


def resolve_mode(expression: ModeExpression, mind: Mind) -> ResolvedMode:
    """Look up names, expand a named mode, let the core join and check what the mind forbids.

    Raises:
        ModeError: the mind does not allow it; the error says why and what works.
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
        inside = [_look_up(term, mind) for term in expanded.terms] if isinstance(expanded, Sum) else []
        merged = Sum(tuple({term.name: term for term in (*inside, *terms) if term.name in mind.adapters}.values()))
        raise MustStandAlone(named.name, [*_allowed_alternatives([merged], mind), named.name])
    mode = resolve_mode(parse_expression(mind.modes[named.name].mode), mind)
    return ResolvedMode(mode.expression, mode.isolated, named.name)


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
            kept = [Sum(_terms_without(by_name, name)) for name in forbidden.adapters if name != mind.core]
            working = _allowed_alternatives(kept, mind) or [mind.core]
            raise ForbiddenComposition(forbidden.adapters, forbidden.reason, working)
    return ResolvedMode(Sum(tuple(by_name.values())), isolated=bool(isolated))


def _isolated_mix_error(by_name: dict[str, Term], isolated: set[str], mind: Mind) -> IsolatedAdapter:
    apart = Sum(tuple(term for name, term in by_name.items() if name in isolated))
    others = Sum(tuple(term for name, term in by_name.items() if name not in isolated))
    return IsolatedAdapter(
        sorted(isolated),
        [term.name for term in others.terms],
        _allowed_alternatives([apart, others], mind) or [mind.core],
    )


def _terms_without(by_name: dict[str, Term], excluded: str) -> tuple[Term, ...]:
    return tuple(term for name, term in by_name.items() if name != excluded)


def _allowed_alternatives(candidates: Iterable[Sum], mind: Mind) -> list[str]:
    """Canonical texts of the candidates the mind allows, each once; what a candidate's error proposes is followed."""
    found: dict[str, None] = {}
    for candidate in candidates:
        try:
            found[resolve_mode(candidate, mind).text] = None
        except ModeError as error:
            found |= dict.fromkeys(error.alternatives)
    return list(found)[:MAX_SUGGESTIONS]


def check_access(mode: ResolvedMode, mind: Mind, roles: Collection[str]) -> None:
    """Refuse a mode the mind keeps for roles this person does not have.

    A rule for an adapter holds for every mode it takes part in. `auto` passes as such: what it is routed to
    is checked once it is known.

    Raises:
        ModeNotAllowed: naming modes that are open to these roles.
    """
    closed = _restricted_name(mode, mind, roles)
    if closed is not None:
        choices = ("auto", *mind.adapters, *mind.modes, "base")
        working = [
            name
            for name in choices
            if _restricted_name(resolve_mode(parse_expression(name), mind), mind, roles) is None
        ]
        raise ModeNotAllowed(closed, working[:MAX_SUGGESTIONS] or ["auto"])


def _restricted_name(mode: ResolvedMode, mind: Mind, roles: Collection[str]) -> str | None:
    for name in (mode.named, mode.text, *(term.name for term in mode.terms)):
        if name is not None and name in mind.access and set(mind.access[name]).isdisjoint(roles):
            return name
    return None
