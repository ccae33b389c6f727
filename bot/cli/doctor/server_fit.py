"""Whether one SGLang server and one mind fit each other, said for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path, PurePath
from typing import Final

from bot.cli.doctor.report import Finding
from bot.cli.doctor.requirements import MindRequirements
from bot.cli.doctor.servers import ServerInfo
from bot.core.errors import describe_error
from bot.core.i18n import Translator
from inference.engines.errors import AdaptersDisabled, EngineError, EngineKeyRefused, WrongModelServed
from inference.engines.sglang.client import ApiKeys

TESTED_SGLANG_VERSION: Final = "0.5.23"
"""The SGLang this project was checked against."""


@dataclass(frozen=True, slots=True)
class ServiceRequirements:
    """What the service means to do with its servers."""

    keys: ApiKeys
    mind_requirements: MindRequirements | None = None
    """What the mind asks of them; None when it could not be read."""
    base_model: str = ""
    """Name of the mind's base model."""
    base_folder: Path | None = None
    """The base model as it is here."""
    max_rank: int | None = None
    """`CONSILIUM_MAX_RANK`."""
    context_tokens: int = 0
    """Longest prompt and answer together."""

    def effective_rank(self, server: ServerInfo) -> int | None:
        """The rank that compositions for this server are cut to; None for no limit."""
        return min((rank for rank in (self.max_rank, server.limits.max_rank) if rank is not None), default=None)


def compare_server(server: ServerInfo, requirements: ServiceRequirements, say: Translator) -> Finding:
    """What the server can take, and what of it does not do; blocking."""
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
        shown = self.server.exposed_keys
        yield say(
            "API key: {api}; admin key: {admin}",
            api=say("set") if shown.api_key else say("none"),
            admin=say("set") if shown.admin_api_key else say("none"),
        )

    def problems(self) -> Iterator[str]:
        limits, wanted = self.limits, self.requirements
        if limits.adapters_disabled_reason:
            yield self._explain(AdaptersDisabled(url=self.url, reason=limits.adapters_disabled_reason))
        if wanted.base_folder is not None and not _same_model(self.server, wanted):
            served = limits.served_name
            yield self._explain(WrongModelServed(url=self.url, served=served, wanted=wanted.base_model))
        admin = self.server.exposed_keys.admin_api_key
        if admin and admin != (wanted.keys.admin or wanted.keys.api):
            yield self._explain(EngineKeyRefused(url=self.url, key="admin"))
        if wanted.mind_requirements is not None and limits.modules is not None:
            needed = wanted.mind_requirements.modules
            if missing := sorted(needed - limits.modules):
                yield self.say(
                    "The mind's adapters touch {missing}, which the server was not started for. Start it with: {flag}",
                    missing=", ".join(missing),
                    flag=f"--lora-target-modules {' '.join(sorted(needed | limits.modules))}",
                )

    def warnings(self) -> Iterator[str]:
        if self.limits.version != TESTED_SGLANG_VERSION:
            yield self.say(
                "This is SGLang {version}, and Consilium was checked against {checked}. Install that one: make sglang",
                version=self.limits.version,
                checked=TESTED_SGLANG_VERSION,
            )
        yield from self._missing_keys()
        if self.limits.adapters_disabled_reason:
            return
        yield from self._unknown_limits()
        if self.requirements.mind_requirements is not None:
            yield from self._capacity_warnings(self.requirements.mind_requirements)

    def _missing_keys(self) -> Iterator[str]:
        shown = self.server.exposed_keys
        if not shown.admin_api_key and not shown.api_key:
            yield self.say(
                "Anybody who reaches the server can load and unload adapters: it has no keys. Set "
                "CONSILIUM_SGLANG_ADMIN_KEY and CONSILIUM_SGLANG_API_KEY for it and for this service, and restart both."
            )
        elif not shown.admin_api_key:
            yield self.say(
                "Whoever may ask the server for answers can also load and unload adapters: it has no admin key. Set "
                "CONSILIUM_SGLANG_ADMIN_KEY for it and for this service, and restart both."
            )
        elif not shown.api_key:
            yield self.say(
                "The server shows its admin key to anybody, at /server_info, because it has no API key. Set "
                "CONSILIUM_SGLANG_API_KEY and a new CONSILIUM_SGLANG_ADMIN_KEY for it and for this service, and "
                "restart both."
            )

    def _unknown_limits(self) -> Iterator[str]:
        if self.limits.max_rank is None or self.limits.modules is None:
            yield self.say(
                "The server was not told which adapters to expect, and refuses whatever is larger than those of its "
                "start. Start it with --max-lora-rank and --lora-target-modules."
            )

    def _capacity_warnings(self, mind_requirements: MindRequirements) -> Iterator[str]:
        limits, rank = self.limits, self.requirements.effective_rank(self.server)
        mode, largest = mind_requirements.largest_mode
        if rank is not None and largest > rank:
            over = sum(each.rank > rank for each in mind_requirements.modes.values())
            by_server = limits.max_rank == rank
            yield self.say(
                "Modes above rank {rank} are cut: {over} of {modes}, and {mode} from rank {largest} to {rank}. See "
                "what that costs: consilium adapters compose '{mode}' --max-rank {rank}. To keep them whole: {how}",
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
                "{pinned} adapters are to be pinned, and with {slots} slots at most {most} are. The others come and go "
                "with use. To pin all of them, start the server with: --max-loras-per-batch {wanted}",
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
                "{usual} compositions are usually asked for, and {most} have room in the server's memory; each of the "
                "others is loaded anew when it is asked for. Start it with: {flags}",
                usual=usual,
                most=limits.max_loaded,
                flags=flags,
            )
        if limits.input_tokens is not None and limits.input_tokens < self.requirements.context_tokens:
            yield self.say(
                "A prompt and its answer may take {wanted} tokens, and the server takes {tokens}: less of a "
                "conversation reaches the model. Start it with a larger --context-length or --max-total-tokens, or "
                "lower CONSILIUM_PROMPT_TOKENS.",
                wanted=self.requirements.context_tokens,
                tokens=limits.input_tokens,
            )

    def _explain(self, error: EngineError) -> str:
        return describe_error(error, self.say.language, self.say.translate)


def _same_model(server: ServerInfo, requirements: ServiceRequirements) -> bool:
    """Whether the names agree: the same model is published, copied and mounted under many owners and folders."""
    served = {_base_name(server.limits.served_name), _base_name(server.limits.model_path)}
    return not served.isdisjoint({_base_name(requirements.base_model), _base_name(str(requirements.base_folder))})


def _base_name(name: str) -> str:
    return PurePath(name).name.casefold()


def _or_question_mark(value: object) -> object:
    return "?" if value is None else value
