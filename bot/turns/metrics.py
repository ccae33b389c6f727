"""Prometheus metrics of turns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from db.turns.admin_queries import StateCount
from db.turns.turns import Turn

_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)

_ENDED: Final = Counter("consilium_turns_ended", "Turns that this process has ended.", ("kind", "state"))
_STAGE_SECONDS: Final = Histogram(
    "consilium_turn_stage_seconds",
    "How long each stage of an answered turn took; first_token is a part of generate.",
    ("stage",),
    buckets=_BUCKETS,
)
_TURN_SECONDS: Final = Histogram(
    "consilium_turn_seconds", "From a message accepted to its answer shown.", ("kind",), buckets=_BUCKETS
)
_RESCHEDULED: Final = Counter("consilium_turns_put_back", "Turns released for another attempt.", ("error",))
_CLAIMED: Final = Counter("consilium_turns_taken_up", "Attempts at turns that this process has begun.", ("again",))
_OPEN: Final = Gauge("consilium_turns_open", "Turns of all processes that have not ended.", ("state",))
_OLDEST_SECONDS: Final = Gauge(
    "consilium_turns_oldest_seconds", "Age of the oldest turn that has not ended.", ("state",)
)
_MEMORY_BACKLOG: Final = Gauge("consilium_turns_to_remember", "Answered turns of this process that wait for memory.")
_TOKENS: Final = Counter("consilium_tokens", "Tokens of answered turns.", ("kind",))
_REFUSED: Final = Counter("consilium_messages_refused", "Messages that were refused.", ("reason",))

_DEAD_LETTERS: Final = Gauge(
    "consilium_dead_letters", "Updates and jobs of all processes that could not be processed.", ("kind",)
)
_BURIED: Final = Counter(
    "consilium_updates_given_up", "Updates that could not be stored; their senders were told.", ("platform",)
)
_NEIGHBOURS: Final = Gauge(
    "consilium_neighbouring_processes", "Processes of other versions that run on the same database."
)

OPEN_STATES: Final = ("accepted", "thinking", "answering")


def turn_ended(state: str, turn: Turn, timings: Mapping[str, float], seconds: float) -> None:
    """A turn has ended, `seconds` after its message was accepted."""
    _ENDED.labels(turn.kind, state).inc()
    if state not in ("failed", "dead"):
        _TURN_SECONDS.labels(turn.kind).observe(seconds)
    for stage, spent in timings.items():
        _STAGE_SECONDS.labels(stage).observe(spent)


def tokens_spent(usage: Mapping[str, int]) -> None:
    """An answer has been generated."""
    for kind, count in usage.items():
        _TOKENS.labels(kind.removesuffix("_tokens")).inc(count)


def turn_rescheduled(error: str) -> None:
    """A turn has been released for another attempt."""
    _RESCHEDULED.labels(error).inc()


def turn_claimed(turn: Turn) -> None:
    """A turn has been claimed."""
    _CLAIMED.labels("yes" if turn.attempts > 1 else "no").inc()


def message_refused(reason: str) -> None:
    """A message has been refused."""
    _REFUSED.labels(reason).inc()


def update_buried(platform: str) -> None:
    """An update could not be stored."""
    _BURIED.labels(platform).inc()


def observe_memory_backlog(turns: int) -> None:
    """So many answered turns of this process wait for memory."""
    _MEMORY_BACKLOG.set(turns)


def observe_dead_letters(counts: Mapping[str, int]) -> None:
    """So many updates and jobs could not be processed."""
    for kind in ("update", "job"):
        _DEAD_LETTERS.labels(kind).set(counts.get(kind, 0))


def observe_neighbours(processes: int) -> None:
    """So many processes of other versions run beside this one."""
    _NEIGHBOURS.set(processes)


def observe_open_turns(counts: Iterable[StateCount]) -> None:
    """How many turns of all processes are in each open state."""
    by_state = {count.state: count for count in counts}
    for state in OPEN_STATES:
        count = by_state.get(state)
        _OPEN.labels(state).set(count.turns if count else 0)
        _OLDEST_SECONDS.labels(state).set(count.oldest if count else 0)
