"""Errors of versions: of the gate that a candidate has to pass, of promoting and of rolling back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.authoring.errors import AuthoringError
from bot.authoring.evaluation import Breach
from consilium.errors import N_, TranslatedDetail


@dataclass(frozen=True, slots=True)
class Breaches:
    """The limits that a candidate breaks, a line each."""

    found: Sequence[Breach]

    def localize(self, language: str, translate: Callable[[str], str]) -> str:
        """All of them in one language."""
        return "\n".join(f"– {breach.localize(language, translate)}" for breach in self.found)

    def __str__(self) -> str:
        return self.localize("en", str)


class VersionError(AuthoringError):
    """Base class of what is in the way of exchanging the adapters in use."""

    exit_code = 1


class NoCandidate(VersionError):
    """There is nothing to promote."""

    sentence = N_("{folder} has no candidate: no adapter was trained over one in use.")
    remedy = N_("Train one with `consilium train NAME --mind {folder}`.")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder)


class AdaptersUnsound(VersionError):
    """A set with an adapter that cannot be used is to be promoted."""

    sentence = N_("Not promoted: of the candidate these adapters cannot be used: {names}.")
    remedy = N_("Train them again; `consilium adapters check FOLDER` says what is wrong with one.")

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names=", ".join(names))


class NotEvaluated(VersionError):
    """A candidate, or what it is compared with, has no figures."""

    sentence = N_("There are no figures of {what}: exactly these adapters were never evaluated in all their modes.")
    remedy = N_("Run: {command}")

    def __init__(self, what: TranslatedDetail, folder: Path, *, candidate: bool) -> None:
        option = " --candidate" if candidate else ""
        super().__init__(what=what, command=f"consilium mind eval {folder}{option}")


class EvaluationsDiffer(VersionError):
    """The candidate and what is in use were measured in different ways."""

    sentence = N_("The candidate and what is in use were evaluated with different settings and cannot be compared.")
    remedy = N_("Run both with the same: consilium mind eval {folder}; consilium mind eval {folder} --candidate")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder)


class BreaksLimits(VersionError):
    """The gate: a candidate is worse than the mind's limits allow."""

    sentence = N_("Not promoted, what is in use stays:\n{breaches}")
    remedy = N_("Train it in another way. The limits are in mind.yaml under `limits`.")

    def __init__(self, found: Sequence[Breach]) -> None:
        super().__init__(breaches=Breaches(tuple(found)))
        self.found = tuple(found)


class NoEarlierVersion(VersionError):
    """There is nothing to roll back to."""

    sentence = N_("No version was in use before this one.")
    remedy = N_("`consilium mind versions {folder}` shows what there is.")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder)


class VersionUnknown(VersionError):
    """A version is named that there is not."""

    sentence = N_("There is no version {number}.")
    remedy = N_("There are: {known}.")

    def __init__(self, number: int, known: Sequence[int]) -> None:
        super().__init__(number=number, known=", ".join(map(str, known)) or "–")


class VersionDamaged(VersionError):
    """The adapters of a version are not those that it was made of."""

    sentence = N_("The adapters in {folder} are not what they were when they were put there.")
    remedy = N_("What is in use stays. Choose another version.")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder)
