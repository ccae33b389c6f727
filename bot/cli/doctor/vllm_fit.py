"""Compares a vLLM server with what a mind needs, and describes the result for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Final

from bot.cli.doctor.report import Finding
from bot.cli.doctor.server_fit import ServiceRequirements
from bot.cli.doctor.servers import VLLMInfo
from bot.core.errors import describe_error
from bot.core.i18n import Translator
from inference.engines.errors import AdaptersDisabled, WrongModelServed

TESTED_VLLM_VERSION: Final = "0.32.0"
"""The version of vLLM that this project is tested with."""


def compare_vllm_server(server: VLLMInfo, requirements: ServiceRequirements, say: Translator) -> Finding:
    """What the server offers, and where it does not fit the requirements; blocking."""
    return Finding(
        list(_facts(server, say)),
        list(_problems(server, requirements, say)),
        list(_warnings(server, requirements, say)),
    )


def _facts(server: VLLMInfo, say: Translator) -> Iterator[str]:
    limits = server.limits
    yield say("{url}: vLLM {version} serves {served}", url=server.url, version=limits.version, served=limits.model)
    if limits.enable_lora:
        yield say(
            "ranks up to {rank} of {modules}", rank=limits.max_rank, modules=", ".join(sorted(limits.modules or "?"))
        )
        yield say(
            "{slots} adapters in one batch; {loaded} of {most} adapters in memory",
            slots=limits.slots,
            loaded=server.loaded_adapters,
            most=limits.max_loaded,
        )
    yield say(
        "API key: {api}; admin key: {admin}",
        api=say("set") if limits.api_key else say("none"),
        admin=say("set") if limits.admin_key else say("none"),
    )


def _problems(server: VLLMInfo, requirements: ServiceRequirements, say: Translator) -> Iterator[str]:
    limits = server.limits
    if limits.adapters_disabled_reason:
        error = AdaptersDisabled(url=server.url, reason=limits.adapters_disabled_reason)
        yield describe_error(error, say.language, say.translate)
    if requirements.base_folder is not None:
        wanted = {PurePath(requirements.base_model).name, requirements.base_folder.name}
        if limits.model.casefold() not in {name.casefold() for name in wanted}:
            wrong = WrongModelServed(url=server.url, served=limits.model, wanted=requirements.base_model)
            yield describe_error(wrong, say.language, say.translate)
    if requirements.mind_requirements is not None and limits.modules is not None:
        needed = requirements.mind_requirements.modules
        if missing := sorted(needed - limits.modules):
            yield say(
                "The mind's adapters change {missing}, which the server was not started for. Start it with: {flag}",
                missing=", ".join(missing),
                flag=f"--lora-target-modules {' '.join(sorted(needed | limits.modules))}",
            )


def _warnings(server: VLLMInfo, requirements: ServiceRequirements, say: Translator) -> Iterator[str]:
    limits, mind = server.limits, requirements.mind_requirements
    if limits.version.partition("+")[0] != TESTED_VLLM_VERSION:
        yield say(
            "This is vLLM {version}, and Consilium is tested with {tested}. Install that version: make vllm",
            version=limits.version,
            tested=TESTED_VLLM_VERSION,
        )
    if not limits.admin_key:
        yield say(
            "Whoever may ask the server for answers can also load and unload adapters. Set "
            "CONSILIUM_VLLM_ADMIN_KEY and CONSILIUM_VLLM_API_KEY for it and for this service, and restart both."
        )
    if mind is None or limits.adapters_disabled_reason:
        return
    rank = min((each for each in (requirements.max_rank, limits.max_rank) if each is not None), default=None)
    mode, largest = mind.largest_mode
    if rank is not None and largest > rank:
        yield say(
            "Modes above rank {rank} are truncated, {mode} from rank {largest}. To avoid it: {how}",
            rank=rank,
            mode=mode,
            largest=largest,
            how=f"--max-lora-rank {largest}" if limits.max_rank == rank else f"CONSILIUM_MAX_RANK={largest}",
        )
    usual = len(mind.usual_compositions(rank))
    if limits.max_loaded is not None and usual > limits.max_loaded:
        yield say(
            "{usual} compositions are usually needed, but the server's memory holds {most}; the others are loaded "
            "each time they are used. Start it with: {flags}",
            usual=usual,
            most=limits.max_loaded,
            flags=f"--max-cpu-loras {usual}",
        )
