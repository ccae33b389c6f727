"""`consilium adapters revoke`: an adapter's weights that must not answer any more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Final

import typer
from rich.text import Text

from bot.app.settings import Settings
from bot.cli.common import MindOption, names_by_digest, stdout_console
from bot.cli.engine_unload import unload_from_engine
from bot.cli.errors import CommandError
from bot.minds import Mind, load_mind
from bot.minds.errors import UnknownAdapter
from bot.minds.names import find_name, nearest_names
from consilium.errors import N_
from inference.adapters.package import AdapterPackage
from inference.adapters.revocation import NotRevoked
from inference.adapters.store import CompositionStore

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DIGEST_PREFIX: Final = re.compile(r"[0-9a-f]{8,64}")
"""As many digits of a digest as may stand for it."""


class AmbiguousDigest(CommandError):
    """What is to be revoked, or allowed again, could be one adapter or another."""

    sentence = N_("“{which}” may be any of these weights: {digests}.")
    remedy = N_("Give the digest of the one you mean.")

    def __init__(self, which: str, digests: Iterable[str]) -> None:
        super().__init__(which=which, digests=", ".join(digests))


def revoke(
    context: typer.Context,
    which: Annotated[str, typer.Argument(help="An adapter, or the digest of its weights.", metavar="ADAPTER|DIGEST")],
    undo: Annotated[bool, typer.Option("--undo", help="Allow the weights again.")] = False,
    mind_folder: MindOption = None,
) -> None:
    """Let an adapter's weights answer nobody any more, wherever they are composed into.

    Its compositions are removed, the engine's server lets go of them, and none is made again. Other weights under the
    same name, such as newly trained ones, are not touched.
    """
    settings: Settings = context.obj
    store = CompositionStore(settings.compositions_dir)
    mind = load_mind(mind_folder or settings.mind)
    if undo:
        _undo(mind, store, which)
        return
    digest, adapter = _resolve_weights(mind, store, which)
    untold = store.revoke(digest, adapter)
    stdout_console().print(
        Text(f"{adapter} ({digest}) is revoked; compositions removed: {len(untold)}."), soft_wrap=True
    )
    unload_from_engine(settings, mind.folder, untold)
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
        UnknownAdapter: it is neither an adapter of the mind nor a digest that is known here.
        AmbiguousDigest: several digests begin so.
    """
    name = find_name(which, mind)
    if name is not None and name in mind.adapters:
        return AdapterPackage.open(mind.adapters[name].path).digest, name
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
    """Those whose digests begin as asked for."""
    return {
        digest: name for digest, name in names.items() if _DIGEST_PREFIX.fullmatch(which) and digest.startswith(which)
    }


def _single_match(which: str, found: Mapping[str, str]) -> str | None:
    if len(found) > 1:
        raise AmbiguousDigest(which, found)
    return next(iter(found), None)
