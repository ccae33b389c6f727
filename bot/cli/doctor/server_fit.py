"""Compares an SGLang server with what a mind needs, and describes the result for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from math import ceil
from pathlib import Path, PurePath
from typing import Final

from bot.cli.doctor.report import Finding
from bot.cli.doctor.requirements import MindRequirements
from bot.cli.doctor.servers import ServerInfo
from bot.core.errors import describe_error
from bot.core.i18n import Translator
from inference.engines.errors import AdaptersDisabled, EngineError, EngineKeyRefused, WrongModelServed
from inference.engines.remote.client import ApiKeys
from inference.engines.sglang.api import MODULES_WITHOUT_LORA

TESTED_SGLANG_VERSION: Final = "0.5.23"
"""The version of SGLang that this project is tested with."""


@dataclass(frozen=True, slots=True)
class ServiceRequirements:
    """What the service needs from its servers."""

    keys: ApiKeys
    _: KW_ONLY
    mind_requirements: MindRequirements | None = None
    """What the mind needs; None if it could not be read."""
    base_model: str = ""
    """Name of the mind's base model."""
    base_folder: Path | None = None
    """Folder of the base model on this machine."""
    max_rank: int | None = None
    """`CONSILIUM_MAX_RANK`."""
    context_tokens: int = 0
    """Tokens of the longest prompt and answer together."""

    def effective_rank(self, server: ServerInfo) -> int | None:
        """The rank that compositions for this server are truncated to; None: no limit."""
        return min((rank for rank in (self.max_rank, server.limits.max_rank) if rank is not None), default=None)


def compare_server(server: ServerInfo, requirements: ServiceRequirements, say: Translator) -> Finding:
    """What the server offers, and where it does not fit the requirements; blocking."""
    comparison = _Comparison(server, requirements, say)
    return Finding(list(comparison.facts()), list(comparison.problems()), list(comparison.warnings()))


class _Comparison:
    def __init__(self, server: ServerInfo, requirements: ServiceRequirements, say: Translator) -> None:
        self.server = server
        self.limits = server.limits
        self.url = server.url
        self.requirements = requirements
        self.say = say

    def facts(self) -> Iterator[str]:
        limits, say = self.limits, self.say
        served = limits.served_name
        if limits.model_path != served:
            served = say("{served} (from {path})", served=served, path=limits.model_path)
        yield say("{url}: SGLang {version} serves {served}", url=self.url, version=limits.version, served=served)
        if limits.enable_lora:
            yield say(
                "ranks up to {rank} of {modules}",
                rank=_or_question_mark(limits.max_rank),
                modules=", ".join(sorted(limits.modules)) if limits.modules is not None else "?",
            )
            overlap = say("with overlapped loading") if limits.overlap else say("without overlapped loading")
            yield say(
                "{slots} slots; {loaded} of {most} adapters in memory; {backend}, {overlap}",
                slots=limits.slots,
                loaded=self.server.loaded_adapters,
                most=limits.max_loaded if limits.max_loaded is not None else "∞",
                backend=_or_question_mark(limits.backend),
                overlap=overlap,
            )
        yield say(
            "prompts up to {tokens} tokens; {cache} tokens in the prefix cache and all answers together",
            tokens=_or_question_mark(limits.input_tokens),
            cache=_or_question_mark(limits.cache_tokens),
        )
        keys = self.server.exposed_keys
        yield say(
            "API key: {api}; admin key: {admin}",
            api=say("set") if keys.api_key else say("none"),
            admin=say("set") if keys.admin_api_key else say("none"),
        )

    def problems(self) -> Iterator[str]:
        limits, requirements = self.limits, self.requirements
        if limits.adapters_disabled_reason:
            yield self._explain(AdaptersDisabled(url=self.url, reason=limits.adapters_disabled_reason))
        if requirements.base_folder is not None and not _same_model(self.server, requirements):
            served = limits.served_name
            yield self._explain(WrongModelServed(url=self.url, served=served, wanted=requirements.base_model))
        admin = self.server.exposed_keys.admin_api_key
        if admin and admin != (requirements.keys.admin or requirements.keys.api):
            yield self._explain(EngineKeyRefused(url=self.url, key="admin"))
        if requirements.mind_requirements is not None and limits.modules is not None:
            needed = requirements.mind_requirements.modules
            if lacking := sorted(needed & MODULES_WITHOUT_LORA):
                yield self.say(
                    "The mind's adapters change {modules}, for which SGLang has no LoRA. Answer with "
                    "CONSILIUM_ENGINE=local, or use adapters without them.",
                    modules=", ".join(lacking),
                )
                needed -= MODULES_WITHOUT_LORA
            if missing := sorted(needed - limits.modules):
                yield self.say(
                    "The mind's adapters change {missing}, which the server was not started for. Start it with: {flag}",
                    missing=", ".join(missing),
                    flag=f"--lora-target-modules {' '.join(sorted(needed | limits.modules))}",
                )

    def warnings(self) -> Iterator[str]:
        if self.limits.version != TESTED_SGLANG_VERSION:
            yield self.say(
                "This is SGLang {version}, and Consilium is tested with {tested}. Install that version: make sglang",
                version=self.limits.version,
                tested=TESTED_SGLANG_VERSION,
            )
        yield from self._missing_keys()
        if self.limits.adapters_disabled_reason:
            return
        yield from self._unknown_limits()
        if self.requirements.mind_requirements is not None:
            yield from self._capacity_warnings(self.requirements.mind_requirements)

    def _missing_keys(self) -> Iterator[str]:
        keys = self.server.exposed_keys
        if not keys.admin_api_key and not keys.api_key:
            yield self.say(
                "Everybody who reaches the server can load and unload adapters: it has no keys. Set "
                "CONSILIUM_SGLANG_ADMIN_KEY and CONSILIUM_SGLANG_API_KEY for it and for this service, and restart both."
            )
        elif not keys.admin_api_key:
            yield self.say(
                "Everybody with the API key can also load and unload adapters: the server has no admin key. Set "
                "CONSILIUM_SGLANG_ADMIN_KEY for it and for this service, and restart both."
            )
        elif not keys.api_key:
            yield self.say(
                "The server shows its admin key to everybody, at /server_info, because it has no API key. Set "
                "CONSILIUM_SGLANG_API_KEY and a new CONSILIUM_SGLANG_ADMIN_KEY for it and for this service, and "
                "restart both."
            )

    def _unknown_limits(self) -> Iterator[str]:
        if self.limits.max_rank is None or self.limits.modules is None:
            yield self.say(
                "The server was started without limits for adapters, and refuses those larger than the ones it started "
                "with. Start it with --max-lora-rank and --lora-target-modules."
            )

    def _capacity_warnings(self, mind_requirements: MindRequirements) -> Iterator[str]:
        limits, rank = self.limits, self.requirements.effective_rank(self.server)
        mode, largest = mind_requirements.largest_mode
        if rank is not None and largest > rank:
            over = sum(each.rank > rank for each in mind_requirements.modes.values())
            by_server = limits.max_rank == rank
            yield self.say(
                "Modes above rank {rank} are truncated: {over} of {modes}, and {mode} from rank {largest} to {rank}. "
                "See what that costs: consilium adapters compose '{mode}' --max-rank {rank}. To avoid it: {how}",
                rank=rank,
                over=over,
                modes=len(mind_requirements.modes),
                mode=mode,
                largest=largest,
                how=f"--max-lora-rank {largest}" if by_server else f"CONSILIUM_MAX_RANK={largest}",
            )
        pinned = len(mind_requirements.pinned_compositions(rank))
        if pinned > limits.max_pinned:
            yield self.say(
                "{pinned} adapters should be pinned, but with {slots} slots at most {most} can be. The others are "
                "loaded when they are used. To pin all of them, start the server with: --max-loras-per-batch {wanted}",
                pinned=pinned,
                slots=limits.slots,
                most=limits.max_pinned,
                wanted=2 * pinned,
            )
        usual = len(mind_requirements.usual_compositions(rank))
        if limits.max_loaded is not None and usual > limits.max_loaded:
            flags = f"--max-loaded-loras {usual}"
            if limits.overlap and usual > 2 * limits.slots:  # more than that SGLang does not allow
                flags += f" --max-loras-per-batch {ceil(usual / 2)}"
            yield self.say(
                "{usual} compositions are usually needed, but the server's memory holds {most}; the others are loaded "
                "each time they are used. Start it with: {flags}",
                usual=usual,
                most=limits.max_loaded,
                flags=flags,
            )
        if limits.input_tokens is not None and limits.input_tokens < self.requirements.context_tokens:
            yield self.say(
                "A prompt and its answer may have {wanted} tokens, but the server accepts {tokens}: less of a "
                "conversation reaches the model. Start it with a larger --context-length or --max-total-tokens, or "
                "lower CONSILIUM_PROMPT_TOKENS.",
                wanted=self.requirements.context_tokens,
                tokens=limits.input_tokens,
            )

    def _explain(self, error: EngineError) -> str:
        return describe_error(error, self.say.language, self.say.translate)


def _same_model(server: ServerInfo, requirements: ServiceRequirements) -> bool:
    """Whether the names of the models agree, without owners and folders: those differ between copies of one model."""
    served = {_base_name(server.limits.served_name), _base_name(server.limits.model_path)}
    return not served.isdisjoint({_base_name(requirements.base_model), _base_name(str(requirements.base_folder))})


def _base_name(name: str) -> str:
    return PurePath(name).name.casefold()


def _or_question_mark(value: object) -> object:
    return "?" if value is None else value
