"""The subjects that the creator has accepted: whose dialogue is whose, in files and in `mind.yaml`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from bot.authoring.outcome import TRAIN_FILE, AdapterFiles, Fate, Part
from bot.authoring.stages import StageFolder, write_atomically
from bot.authoring.subjects.proposal import Proposal
from bot.minds import Mind
from bot.minds.edit import edit_mind, put_topic, remove_adapters, set_dialogues
from bot.minds.templates import is_placeholder

_ACCEPTED: Final = "subjects-accepted.json"
_UNFINISHED_TRAINING: Final = ".{}.training"


@dataclass(frozen=True, slots=True)
class AcceptedAdapter:
    """An adapter and its files, relative to the mind's folder."""

    name: str
    train: str
    heldout: str
    is_core: bool
    is_new: bool
    """Whether accepting has put it into `mind.yaml`."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What was accepted."""

    inputs: str
    """Digest of what the subjects were proposed from."""
    adapters: tuple[AcceptedAdapter, ...]
    """The core first."""
    topics: Mapping[str, str]
    """The topic of each dialogue that has one, by its id. All others are the core's, and so are those to come."""

    def files(self) -> list[AdapterFiles]:
        """The files of each adapter, with what belongs into them."""

        def takes(adapter: AcceptedAdapter, id_: str) -> bool:
            topic = self.topics.get(id_)
            return topic is None if adapter.is_core else topic == adapter.name

        return [
            AdapterFiles(each.train, each.heldout, lambda id_, each=each: takes(each, id_))  # type: ignore[misc]
            for each in self.adapters
        ]


def read_acceptance(stages: StageFolder) -> Acceptance | None:
    """What was accepted before; None if nothing was, or if it cannot be read."""
    try:
        record = json.loads((stages.folder / _ACCEPTED).read_text("utf-8"))
        adapters = tuple(AcceptedAdapter(**each) for each in record["adapters"])
        return Acceptance(record["inputs"], adapters, record["topics"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def adapter_files(stages: StageFolder) -> list[AdapterFiles]:
    """The files of the accepted adapters; none where no subjects were accepted."""
    accepted = read_acceptance(stages)
    return accepted.files() if accepted else []


def accept(mind: Mind, stages: StageFolder, proposal: Proposal, inputs: str, fates: Sequence[Fate]) -> Acceptance:
    """Remember what is accepted and put it into `mind.yaml`; blocking. `apply_review` writes the dialogue files.

    An adapter that has dialogues of the author's own keeps them: the creator is to choose between the two. Before
    `mind.yaml` names a file it is there, if only empty: a process may be killed between the two.
    """
    before = read_acceptance(stages)
    own = {file for each in before.adapters for file in (each.train, each.heldout)} if before else set()
    added = {each.name for each in before.adapters if each.is_new} if before else set()
    adapters = [_files_for(mind, mind.core, own, is_core=True, is_new=False)]
    for subject in proposal.subjects:
        is_new = subject.name not in mind.adapters or subject.name in added
        adapters.append(_files_for(mind, subject.name, own, is_core=False, is_new=is_new))
    topics = {id_: subject.name for subject in proposal.subjects for id_ in subject.ids}
    made = Acceptance(inputs, tuple(adapters), topics)
    for each in adapters:
        for file in (each.train, each.heldout):
            (mind.folder / file).parent.mkdir(exist_ok=True)
            if not (mind.folder / file).exists():
                write_atomically(mind.folder / file, [])
    write_atomically(stages.folder / _ACCEPTED, [json.dumps(_to_record(made), ensure_ascii=False, indent=1), "\n"])
    measured = {topics.get(fate.candidate.id, mind.core) for fate in fates if _is_heldout(fate)}

    def change(root: Any) -> None:
        remove_adapters(added - {each.name for each in adapters})(root)
        if not _has_own(mind, mind.core, own):
            set_dialogues(mind.core, adapters[0].train, adapters[0].heldout if mind.core in measured else None)(root)
        for subject, files in zip(proposal.subjects, adapters[1:], strict=True):
            if _has_own(mind, subject.name, own):
                continue
            named = [files.train, *([files.heldout] if subject.name in measured else [])]
            put_topic(subject.name, aliases=subject.aliases, description=subject.description, files=named)(root)

    edit_mind(mind.folder, change)
    for file in own - {file for each in adapters for file in (each.train, each.heldout)}:
        (mind.folder / file).unlink(missing_ok=True)
    return made


def remove_unfinished_trainings(mind: Mind) -> None:
    """Remove what is begun of adapters, because their dialogues are others now; blocking."""
    for adapter in mind.adapters.values():
        shutil.rmtree(adapter.path.with_name(_UNFINISHED_TRAINING.format(adapter.path.name)), ignore_errors=True)


def _files_for(mind: Mind, name: str, own: set[str], *, is_core: bool, is_new: bool) -> AcceptedAdapter:
    """Files for an adapter, named after it unless the author has files of these names."""
    for stem in _stems(name):
        files = [f"dialogues/{stem}.{part}.jsonl" for part in (Part.TRAIN, Part.HELDOUT)]
        if all(file in own or _is_free(mind.folder, file) for file in files):
            break
    return AcceptedAdapter(name, files[0], files[1], is_core, is_new)


def _stems(name: str) -> Iterator[str]:
    yield name
    for number in count(1):
        yield f"{name}.imported" + (f"-{number}" if number > 1 else "")


def _has_own(mind: Mind, name: str, own: Collection[str]) -> bool:
    """Whether an adapter has dialogues that its author has written or chosen by hand."""
    adapter = mind.adapters.get(name)
    if adapter is None or adapter.dialogues is None:
        return False
    file = adapter.dialogues.relative_to(mind.folder).as_posix()
    return file not in {*own, TRAIN_FILE} and not _is_free(mind.folder, file)


def _is_free(mind_folder: Path, file: str) -> bool:
    path = mind_folder / file
    return not path.exists() or not path.stat().st_size or is_placeholder(mind_folder, file)


def _is_heldout(fate: Fate) -> bool:
    return fate.reason is None and fate.part is Part.HELDOUT


def _to_record(made: Acceptance) -> dict[str, Any]:
    return {"inputs": made.inputs, "adapters": list(map(asdict, made.adapters)), "topics": dict(made.topics)}
