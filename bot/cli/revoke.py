"""`consilium adapters revoke`: weights of an adapter that must not answer any more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Final

import typer
from rich.text import Text

from bot.app.settings import Settings
from bot.cli.common import MindOption, names_by_digest, stdout_console
from bot.cli.compositions import unload_from_engine
from bot.cli.errors import CommandError
from bot.minds import Mind, load_mind
from bot.minds.errors import UnknownAdapter
from bot.minds.names import find_name, nearest_names
from bot.minds.versions import live_folder
from consilium.errors import N_
from inference.adapters.package import AdapterPackage
from inference.adapters.revocation import NotRevoked
from inference.adapters.store import CompositionStore

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DIGEST_PREFIX: Final = re.compile(r"[0-9a-f]{8,64}")
"""The beginning of a digest that may be given in its place."""


class AmbiguousDigest(CommandError):
    """What is to be revoked, or allowed again, fits several adapters."""

    sentence = N_("“{which}” fits several weights: {digests}.")
    remedy = N_("Give the whole digest of one of them.")

    def __init__(self, which: str, digests: Iterable[str]) -> None:
        super().__init__(which=which, digests=", ".join(digests))


def revoke(
    context: typer.Context,
    which: Annotated[str, typer.Argument(help="An adapter, or the digest of its weights.", metavar="ADAPTER|DIGEST")],
    undo: Annotated[bool, typer.Option("--undo", help="Allow the weights again.")] = False,
    mind_folder: MindOption = None,
) -> None:
    """Take an adapter's weights out of service, wherever they are composed into.

    Its compositions are removed, the engine's server unloads them, and none is made again. Other weights under the same
    name, such as newly trained ones, are not affected.
    """
    settings: Settings = context.obj
    store = CompositionStore(settings.compositions_dir)
    mind = load_mind(mind_folder or settings.mind)
    if undo:
        _undo(mind, store, which)
        return
    digest, adapter = _resolve_weights(mind, store, which)
    removed = store.revoke(digest, adapter)
    stdout_console().print(
        Text(f"{adapter} ({digest}) is revoked; compositions removed: {len(removed)}."), soft_wrap=True
    )
    unload_from_engine(settings, mind.folder, removed)
    store.revocations.mark_unloaded(digest)


def _undo(mind: Mind, store: CompositionStore, which: str) -> None:
    revoked = {revocation.digest: revocation.adapter for revocation in store.revocations.list()}
    named = {digest: adapter for digest, adapter in revoked.items() if adapter in (which, find_name(which, mind))}
    digest = _single_match(which, named or _matching_prefix(which, revoked))
    if digest is None:
        raise NotRevoked(which)
    store.revocations.undo(digest)
    stdout_console().print(Text(f"{revoked[digest]} ({digest}) may answer again."), soft_wrap=True)


def _resolve_weights(mind: Mind, store: CompositionStore, which: str) -> tuple[str, str]:
    """Digest and name of what is to be revoked.

    Raises:
        UnknownAdapter: it is neither an adapter of the mind nor a known digest.
        AmbiguousDigest: several digests begin with it.
    """
    name = find_name(which, mind)
    if name is not None and name in mind.adapters:
        return AdapterPackage.open(live_folder(mind, name)).digest, name
    names = names_by_digest(mind)
    composed = (part.digest for composition in store.list() for part in composition.record.parts)
    revoked = (revocation.digest for revocation in store.revocations.list())
    known = {digest: digest[:8] for digest in (*composed, *revoked)} | names
    if (digest := _single_match(which, _matching_prefix(which, known))) is not None:
        return digest, known[digest]
    if _DIGEST.fullmatch(which):
        return which, which[:8]
    raise UnknownAdapter(which, nearest_names(which, mind) or tuple(mind.adapters))


def _matching_prefix(which: str, names: Mapping[str, str]) -> dict[str, str]:
    """The names whose digests begin with `which`."""
    return {
        digest: name for digest, name in names.items() if _DIGEST_PREFIX.fullmatch(which) and digest.startswith(which)
    }


def _single_match(which: str, matches: Mapping[str, str]) -> str | None:
    if len(matches) > 1:
        raise AmbiguousDigest(which, matches)
    return next(iter(matches), None)
