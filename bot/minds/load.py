"""Loads a mind's folder into a `Mind`, or raises `BrokenMind` with all its mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from pydantic import ValidationError

from bot.minds.checks import check_links, check_modes, check_names, check_upload_collection
from bot.minds.errors import BrokenMind, Mistake
from bot.minds.mind import Mind
from bot.minds.names import name_key
from bot.minds.prompts import check_prompts
from bot.minds.schema import Adapter, MindSpec, NamedMode, RagConfigFile, StrictModel
from bot.minds.validation import explain_validation_error
from bot.minds.yaml_document import YamlDocument, read_yaml_document
from consilium.errors import N_
from inference.adapters.manifest import AdapterKind
from inference.engines.port import Sampling

MIND_FILE: Final = "mind.yaml"
RAG_FILE: Final = "rag_config.yaml"

ModelT = TypeVar("ModelT", bound=StrictModel)


def load_mind(folder: Path, *, require_adapters: bool = True) -> Mind:
    """Load and check a mind's folder; blocking.

    Args:
        folder: the mind's folder.
        require_adapters: whether the adapters' folders must exist; False to load a mind in order to train it.

    Raises:
        BrokenMind: the folder has mistakes; it lists all that could be found.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        raise BrokenMind(folder, [Mistake(MIND_FILE, None, N_("there is no such folder."), N_("Correct the path."))])
    documents = [read_yaml_document(folder, MIND_FILE), read_yaml_document(folder, RAG_FILE)]
    context = {"folder": folder, "require_adapters": require_adapters}
    spec = _validate(documents[0], MindSpec, context)
    library = _validate(documents[1], RagConfigFile, context)
    mistakes = [mistake for document in documents for mistake in document.mistakes]
    if spec and library and not mistakes:
        mistakes = [*check_names(spec, documents[0]), *check_upload_collection(library, documents[1])]
        library = library.with_upload_collection(spec.languages)
        mistakes += check_links(spec, library, *documents)
    if mistakes or not (spec and library):
        raise BrokenMind(folder, mistakes)
    mind = _build_mind(folder, spec, library)
    mistakes = [*check_modes(mind, documents[0]), *check_prompts(mind)]
    if mistakes:
        raise BrokenMind(folder, mistakes)
    return mind


def _validate(document: YamlDocument, model: type[ModelT], context: dict[str, object]) -> ModelT | None:
    """The model of a document; None if it is invalid, and then the document's `mistakes` say why."""
    if document.mistakes and not document.values:
        return None
    try:
        return model.model_validate(document.values, context=context)
    except ValidationError as error:
        document.mistakes.extend(explain_validation_error(error, document, model))
        return None


def _build_mind(folder: Path, spec: MindSpec, library: RagConfigFile) -> Mind:
    return Mind(
        folder=folder,
        name=spec.name,
        title=spec.title,
        base_model=spec.base_model,
        languages=spec.languages,
        quoted_languages=frozenset(spec.languages) - frozenset(spec.base_languages or spec.languages),
        core=next(name for name, adapter in spec.adapters.items() if adapter.kind is AdapterKind.CORE),
        adapters=MappingProxyType(spec.adapters),
        modes=MappingProxyType(spec.modes),
        default_mode=spec.default_mode,
        policies=spec.policies,
        limits=spec.limits,
        triggers=spec.triggers,
        access=MappingProxyType(spec.access),
        thinking=spec.thinking,
        sampling=Sampling(**spec.sampling.model_dump()),
        training=spec.training,
        collections=MappingProxyType(library.collections),
        upload_collection=library.upload_collection,
        names=MappingProxyType(dict(_index_names(spec))),
    )


def _index_names(spec: MindSpec) -> Iterator[tuple[str, str]]:
    sections: tuple[Mapping[str, Adapter | NamedMode], ...] = (spec.modes, spec.adapters)
    for section in sections:
        for name, entry in section.items():
            for alias in (name, *entry.aliases):
                yield name_key(alias), name
