"""The command: which checks it runs, and in which order."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import typer

from bot.answering.composer import Composer
from bot.app.components import base_model_folder, open_composer
from bot.app.logs import log_path
from bot.app.settings import Settings
from bot.cli.common import MindOption
from bot.cli.doctor.environment import (
    check_database,
    check_disk_space,
    check_embeddings,
    check_local_engine,
    check_versions,
)
from bot.cli.doctor.report import Finding, Report
from bot.cli.doctor.requirements import MindRequirements
from bot.cli.doctor.server_fit import ServiceRequirements, compare_server
from bot.cli.doctor.servers import engine_keys, find_servers, inspect_server, inspect_vllm_server
from bot.cli.doctor.template import check_template
from bot.cli.doctor.vllm_fit import compare_vllm_server
from bot.cli.errors import ChecksFailed
from bot.core.errors import describe_error
from bot.core.i18n import Translator, system_language
from bot.minds import Mind, load_mind
from bot.minds.versions import to_be_retrained
from inference.device import AUTO, answering_dtype, find_device, free_memory
from inference.engines.errors import EngineUnavailable


def doctor(
    context: typer.Context,
    mind_folder: MindOption = None,
) -> None:
    """Check everything that a mind needs to answer; exit code 1 if something is missing."""
    settings: Settings = context.obj
    if mind_folder is not None:
        settings = settings.model_copy(update={"mind": mind_folder})
    diagnostics = Diagnostics(settings)
    asyncio.run(diagnostics.run())
    report = diagnostics.report
    if report.failed_count:
        raise ChecksFailed(report.failed_count, report.check_count)


def retraining_warnings(mind: Mind, say: Translator) -> list[str]:
    """Which adapters in use hold words that are to be forgotten; blocking."""
    return [
        say(
            "{name} was trained with words that people have had deleted since: `consilium train {name}` makes it anew",
            name=name,
        )
        for name in to_be_retrained(mind)
    ]


class Diagnostics:
    """The checks, each with what the earlier ones found."""

    def __init__(self, settings: Settings) -> None:
        self.report = Report(Translator(settings.language or system_language()))
        self.say = self.report.say
        self._settings = settings
        self._mind: Mind | None = None
        self._base_folder: Path | None = None
        self._composer: Composer | None = None

    async def run(self) -> None:
        """Run all of them; `report` has the results."""
        settings, report, say = self._settings, self.report, self.say
        await report.check("versions", check_versions)
        await report.check("space", partial(check_disk_space, settings, say))
        if await report.check("mind", self._check_mind):
            await report.check("adapters", self._check_adapters)
        if self._base_folder is not None:
            await report.check("template", partial(self._check_template, self._base_folder))
        await report.check("database", partial(check_database, settings, say))
        await report.check("embeddings", partial(check_embeddings, settings, say))
        await self._check_engine()
        report.note("log", Finding([str(log_path(settings))]))

    async def _check_engine(self) -> None:
        """Check each server of the engine, or note what a local engine needs."""
        if self._settings.engine_is_server:
            await self._check_servers()
        # What is found by itself is there; only a device that the settings name can be missing.
        elif self._base_folder is not None and (
            self._settings.device == AUTO or await self.report.check("device", self._check_device)
        ):
            self.report.note("engine", await self._inspect_local_engine(self._base_folder))

    async def _check_device(self) -> Finding:
        return Finding([str(await asyncio.to_thread(find_device, self._settings.device))])

    async def _inspect_local_engine(self, base_folder: Path) -> Finding:
        device = await asyncio.to_thread(find_device, self._settings.device)
        free, bytes_a_weight = free_memory(device), answering_dtype(device).itemsize
        return await asyncio.to_thread(check_local_engine, base_folder, free, self.say, bytes_a_weight)

    async def _check_mind(self) -> Finding:
        mind = self._mind = await asyncio.to_thread(load_mind, self._settings.mind)
        return Finding([f"{mind.name}: {', '.join(mind.adapters)} ({self._settings.mind})"])

    async def _check_adapters(self) -> Finding:
        assert self._mind is not None
        folder = self._base_folder = await asyncio.to_thread(base_model_folder, self._settings, self._mind)
        composer = self._composer = await asyncio.to_thread(open_composer, self._settings, self._mind, folder)
        ranks = ", ".join(f"{name} {package.rank}" for name, package in composer.packages.items()) or "–"
        base = composer.base.name
        problems = [
            self.say(
                "{name} is out of service: {reason}",
                name=name,
                reason=describe_error(error, self.say.language, self.say.translate),
            )
            for name, error in composer.unfit.items()
        ]
        lines = [
            self.say("sound, for {base} in {folder}; ranks: {ranks}", base=base, folder=folder, ranks=ranks or "–")
        ]
        if (strength := self._mind.policies.adapter_strength) != 1:
            lines.append(self.say("composed at strength {strength}", strength=f"{strength:g}"))
        warnings = await asyncio.to_thread(retraining_warnings, self._mind, self.say)
        return Finding(lines, problems=problems, warnings=warnings)

    async def _check_template(self, base_folder: Path) -> Finding:
        return await asyncio.to_thread(check_template, base_folder, self.say)

    async def _check_servers(self) -> None:
        requirements = await asyncio.to_thread(self._service_requirements)
        ready: list[str] = []

        async def find() -> Finding:
            url = self._settings.engine_url
            servers = await find_servers(url, requirements.keys)
            if not servers.ready:
                raise EngineUnavailable(url=url, reason="no server behind it is ready")
            ready.extend(servers.ready)
            warnings = [
                self.say("The router sends nothing to {url}. Check that the server runs, and its log.", url=unhealthy)
                for unhealthy in servers.unhealthy
            ]
            if self._mind is not None and self._mind.policies.activated:
                warnings.append(
                    self.say(
                        "policies.activated has no effect here: on a server an adapter reads the whole prompt, and a "
                        "change of mode reads it anew. Answer with CONSILIUM_ENGINE=local, or leave the policy out."
                    )
                )
            if servers.has_router:
                where = self.say("a router at {url}; ready servers: {servers}", url=url, servers=len(ready))
            else:
                where = self.say("a server at {url}", url=url)
            return Finding([where, *self._requirement_lines(requirements)], warnings=warnings)

        async def inspect(url: str) -> Finding:
            if self._settings.engine == "vllm":
                info = await inspect_vllm_server(url, requirements.keys)
                return await asyncio.to_thread(compare_vllm_server, info, requirements, self.say)
            server = await inspect_server(url, requirements.keys)
            return await asyncio.to_thread(compare_server, server, requirements, self.say)

        if await self.report.check("engine", find):
            for url in ready:
                await self.report.check("server", partial(inspect, url))

    def _service_requirements(self) -> ServiceRequirements:
        settings, mind = self._settings, self._mind
        keys = engine_keys(settings)
        if mind is None or self._base_folder is None:
            return ServiceRequirements(keys)
        return ServiceRequirements(
            keys,
            mind_requirements=MindRequirements.from_composer(self._composer) if self._composer else None,
            base_model=mind.base_model,
            base_folder=self._base_folder,
            max_rank=settings.max_rank,
            context_tokens=settings.prompt_tokens + mind.sampling.max_tokens,
        )

    def _requirement_lines(self, requirements: ServiceRequirements) -> list[str]:
        if requirements.mind_requirements is None:
            return []
        mode, rank = requirements.mind_requirements.largest_mode
        return [
            self.say(
                "the mind needs ranks up to {rank} ({mode}) of {modules}; pinned adapters: {pinned}; usual "
                "compositions: {usual}",
                rank=rank,
                mode=mode,
                modules=", ".join(sorted(requirements.mind_requirements.modules)),
                pinned=len(requirements.mind_requirements.pinned_compositions(requirements.max_rank)),
                usual=len(requirements.mind_requirements.usual_compositions(requirements.max_rank)),
            )
        ]
