"""Which mode answers a question: the one that was asked for, or the one that `auto` chooses and that may answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from bot.answering.adapter_sets import AdapterSet
from bot.answering.asked import search_text
from bot.answering.composer import Composer
from bot.answering.router import PastQuestion, Router
from bot.core.conversation import Conversation
from bot.minds import Mind
from bot.minds.errors import ModeError
from bot.minds.grammar import parse_expression
from bot.minds.resolve import ResolvedMode, check_access, resolve_mode
from db.turns.turns import Turn
from inference.adapters.errors import AdapterError

log = structlog.get_logger(__name__)


class ModeChoice:
    """Chooses the modes that one mind answers in."""

    def __init__(self, mind: Mind, router: Router, composer: Composer) -> None:
        self._mind = mind
        self._router = router
        self._composer = composer

    async def adapters_of(self, conversation: Conversation) -> AdapterSet:
        """The adapters that the session began with, which it keeps when others come into use.

        A client that keeps the conversation itself does not tell when another begins: it gets those in use.
        """
        kept = conversation.session.adapters if conversation.client_conversation is None else None
        return await asyncio.to_thread(self._composer.adapter_set, kept)

    async def choose(
        self, conversation: Conversation, turn: Turn, past: Sequence[PastQuestion], adapters: AdapterSet
    ) -> tuple[ResolvedMode, Mapping[str, Any] | None]:
        """The mode that answers a turn, and what `auto` compared, as it is stored.

        Args:
            past: the questions before it, oldest first.
            adapters: those that the session answers with.

        Raises:
            ConsiliumError: why no mode can answer.
        """
        routing: Mapping[str, Any] | None = None
        mode = resolve_mode(parse_expression(turn.asked_mode or conversation.session.mode), self._mind)
        if mode.is_auto:
            routed = await self._router.route(search_text(turn), past)
            if routed.alone is not None and not await self._may_answer(routed.mode, turn, adapters):
                routed = routed.without_mixture()
            mode, routing = routed.mode, routed.to_document()
        check_access(mode, self._mind, turn.roles)
        if turn.consilium and not mode.terms:
            mode = resolve_mode(parse_expression(self._mind.core), self._mind)
            check_access(mode, self._mind, turn.roles)
        return mode, routing

    async def _may_answer(self, mode: ResolvedMode, turn: Turn, adapters: AdapterSet) -> bool:
        """Whether a mixture may answer this person. They did not ask for one, so a refusal is only logged."""
        try:
            check_access(mode, self._mind, turn.roles)
            await asyncio.to_thread(self._composer.judge, mode, adapters)
        except (ModeError, AdapterError) as error:
            log.info("router.mixture_left", mode=mode.text, reason=error)
            return False
        return True
