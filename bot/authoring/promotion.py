"""Exchanging the adapters that a mind answers with: the candidate for those in use, or an earlier version.

Whatever kills the process, the mind answers with the old set or with the new one, never with some of each:

1. The set in use is put into `versions/`, unless it is there, and so is the new one: whole, forced to the disk,
   compared with its digests, and only then given its name.
2. `versions/promotion.json` names the new version. This one rename exchanges the sets: from now on adapters are read
   out of `versions/N/` (`bot.minds.versions.live_folder`).
3. The folders in use are replaced by copies, one after the other. A process that dies meanwhile leaves the rest to
   `finish_promotion`, which every later command that writes adapters begins with.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from bot.authoring.evaluation import Evaluation, write_evaluation
from bot.authoring.gate import check_gate, find_evaluation
from bot.authoring.version_errors import (
    AdaptersUnsound,
    NoCandidate,
    NoEarlierVersion,
    VersionDamaged,
    VersionUnknown,
)
from bot.minds import Mind
from bot.minds.paths import PROMOTION_PATH
from bot.minds.versions import (
    CANDIDATE_FOLDER,
    VERSION_FILE,
    VERSIONS_FOLDER,
    Promotion,
    Version,
    candidate_folders,
    find_version,
    list_versions,
    live_folders,
    read_digests,
    read_promotion,
    set_digest,
    version_folder,
)
from consilium.files import remove_unfinished, sync_folder, sync_tree, write_atomically
from inference.adapters.files import file_lock

log = structlog.get_logger(__name__)

_LOCK_SECONDS: Final = 60.0
_MAKING: Final = ".making"
_NEW, _FORMER = ".{name}.promoted", ".{name}.former"


def promote(mind: Mind, note: str = "") -> Version:
    """Put the candidate into use, if it may; blocking.

    Raises:
        NoCandidate: nothing was trained over what is in use.
        AdaptersUnsound: an adapter of it cannot be used.
        NotEvaluated, EvaluationsDiffer: it, or what is in use, was not measured, or not in the same way.
        BreaksLimits: it is worse than the mind's limits allow.
        OSError: it cannot be written; the set in use stays.
    """
    with _locked(mind):
        _finish(mind)
        folders = candidate_folders(mind)
        if not folders:
            raise NoCandidate(mind.folder)
        digests = _sound_digests(folders)
        evaluation = check_gate(mind, digests)
        former = _put_away_live(mind)
        follows = former.number if former else None
        version = find_version(mind.folder, set_digest(digests))
        # A process that died just before the exchange has put the same away already.
        if version is None or (version.follows, version.note) != (follows, note):
            version = _put_away(mind, folders, digests, evaluation, follows=follows, note=note)
        _exchange(mind, Promotion(number=version.number, from_candidate=True))
    log.info("version.promoted", mind=mind.name, version=version.number, adapters=len(digests))
    return version


def roll_back(mind: Mind, number: int | None = None) -> Version:
    """Put an earlier version into use again; blocking. What is in use is put away first, if it is not.

    Adapters that the version does not have stay as they are.

    Args:
        number: the version; None for the one that was in use before.

    Raises:
        VersionUnknown, NoEarlierVersion: there is no such version.
        VersionDamaged: its adapters are not what they were.
        OSError: it cannot be written; the set in use stays.
    """
    with _locked(mind):
        _finish(mind)
        live = _put_away_live(mind)
        version = _earlier(mind, live) if number is None else _version(mind, number)
        folder = version_folder(mind.folder, version.number)
        if read_digests({name: folder / name for name in version.adapters}) != version.adapters:
            raise VersionDamaged(folder)
        _exchange(mind, Promotion(number=version.number, from_candidate=False))
    log.info("version.rolled_back", mind=mind.name, version=version.number)
    return version


def finish_promotion(mind: Mind) -> None:
    """Finish what a process that died has left of a promotion; blocking.

    Raises:
        OSError: it cannot be written.
    """
    if read_promotion(mind.folder):
        with _locked(mind):
            _finish(mind)


def live_version(mind: Mind) -> Version | None:
    """The version that is in use; None if the set in use is none: it was never put away. Blocking."""
    return find_version(mind.folder, set_digest(read_digests(live_folders(mind))))


def _earlier(mind: Mind, live: Version | None) -> Version:
    """The version that was in use before `live`."""
    if live is not None:
        known = {version.number: version for version in list_versions(mind.folder)}
        if live.follows in known:
            return known[live.follows]
        if before := [version for number, version in known.items() if number < live.number]:
            return before[-1]
    raise NoEarlierVersion(mind.folder)


def _version(mind: Mind, number: int) -> Version:
    known = {version.number: version for version in list_versions(mind.folder)}
    if number not in known:
        raise VersionUnknown(number, sorted(known))
    return known[number]


def _sound_digests(folders: Mapping[str, Path]) -> dict[str, str]:
    digests = read_digests(folders)
    if unsound := sorted(folders.keys() - digests.keys()):
        raise AdaptersUnsound(unsound)
    return digests


def _put_away_live(mind: Mind) -> Version | None:
    """The set in use as a version, made now if there is none; None if it has no adapter that can be used."""
    folders = live_folders(mind)
    digests = read_digests(folders)
    if not digests:
        return None
    known = find_version(mind.folder, set_digest(digests))
    if known:
        return known
    return _put_away(mind, {name: folders[name] for name in digests}, digests, find_evaluation(mind, digests))


def _put_away(
    mind: Mind,
    folders: Mapping[str, Path],
    digests: Mapping[str, str],
    evaluation: Evaluation | None,
    *,
    follows: int | None = None,
    note: str = "",
) -> Version:
    """Copy a set into `versions/` under the next number."""
    versions = mind.folder / VERSIONS_FOLDER
    making = versions / _MAKING
    if making.exists():
        shutil.rmtree(making)
    making.mkdir(parents=True)
    for name, folder in folders.items():
        shutil.copytree(folder, making / name)
    if read_digests({name: making / name for name in folders}) != digests:
        raise VersionDamaged(making)
    number = max((version.number for version in list_versions(mind.folder)), default=0) + 1
    while version_folder(mind.folder, number).exists():  # one that cannot be read keeps its number
        number += 1
    version = Version(number=number, made=datetime.now(UTC), adapters=dict(digests), follows=follows, note=note)
    if evaluation is not None:
        write_evaluation(evaluation, making)
    write_atomically(making / VERSION_FILE, version.model_dump_json(indent=2) + "\n")
    sync_tree(making)
    making.rename(version_folder(mind.folder, number))
    sync_folder(versions)
    return version


def _exchange(mind: Mind, promotion: Promotion) -> None:
    """The set in use is another one from the moment that this is written; the rest is bringing folders up to date."""
    remove_unfinished(mind.folder / VERSIONS_FOLDER)
    write_atomically(mind.folder / PROMOTION_PATH, promotion.model_dump_json() + "\n")
    _finish(mind)


def _finish(mind: Mind) -> None:
    promotion = read_promotion(mind.folder)
    if promotion is None:
        return
    version = _version(mind, promotion.number)
    for name in version.adapters.keys() & mind.adapters.keys():
        source = version_folder(mind.folder, version.number) / name
        _replace_folder(source, mind.adapters[name].path, version.adapters[name])
    if promotion.from_candidate:
        shutil.rmtree(mind.folder / CANDIDATE_FOLDER, ignore_errors=True)
    (mind.folder / PROMOTION_PATH).unlink()
    sync_folder(mind.folder / VERSIONS_FOLDER)


def _replace_folder(source: Path, target: Path, digest: str) -> None:
    """Make `target` a copy of `source`; done again after a kill it goes on."""
    new = target.with_name(_NEW.format(name=target.name))
    former = target.with_name(_FORMER.format(name=target.name))
    if read_digests({"": target}).get("") != digest:
        if new.exists():
            shutil.rmtree(new)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, new)
        sync_tree(new)
        if target.exists():
            if former.exists():
                shutil.rmtree(former)
            target.rename(former)
        new.rename(target)
        sync_folder(target.parent)
    for leftover in (new, former):
        if leftover.exists():
            shutil.rmtree(leftover)


def _locked(mind: Mind) -> AbstractContextManager[None]:
    """Hold the mind's versions against other processes."""
    return file_lock(mind.folder / VERSIONS_FOLDER / ".lock", _LOCK_SECONDS)
