"""Checks across the two files of a mind: names, references and policies. Each check yields mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.minds.errors import Mistake, ModeError
from bot.minds.grammar import RESERVED, parse_expression
from bot.minds.mind import Mind
from bot.minds.names import name_key
from bot.minds.resolve import resolve_mode
from bot.minds.schema import CollectionKind, MindSpec, RagConfigFile
from bot.minds.validation import suggest_known_name
from bot.minds.yaml_document import KeyPath, YamlDocument
from consilium.errors import N_
from inference.adapters.manifest import AdapterKind


def check_names(spec: MindSpec, document: YamlDocument) -> Iterator[Mistake]:
    """There is one core, and no name or alias stands for two things."""
    cores = [name for name, adapter in spec.adapters.items() if adapter.kind is AdapterKind.CORE]
    if not cores:
        yield document.mistake(
            ("adapters",), N_("no adapter is the core."), N_("Write `kind: core` for the one with the author's voice.")
        )
    for extra in cores[1:]:
        yield document.mistake(
            ("adapters", extra, "kind"),
            N_("{extra} is a second core; {core} is one already."),
            N_("Write `kind: topic`."),
            extra=extra,
            core=cores[0],
        )
    owners: dict[str, KeyPath] = {}
    for place, alias in _all_names(spec):
        owner = place[:2]
        first = owners.setdefault(name_key(alias), owner)
        if first != owner:
            yield document.mistake(
                place,
                N_("“{alias}” already stands for {first}."),
                N_("Give {owner} another name here."),
                alias=alias,
                first=first[1],
                owner=owner[1],
            )


def check_links(spec: MindSpec, library: RagConfigFile, mind: YamlDocument, rag: YamlDocument) -> Iterator[Mistake]:
    """Every adapter, mode and collection that is referred to exists."""
    for name, adapter in spec.adapters.items():
        for index, collection in enumerate(adapter.collections):
            place: KeyPath = ("adapters", name, "collections", index)
            if collection not in library.collections:
                yield _unknown_name_mistake(mind, place, collection, library.collections)
            elif (allowed := library.collections[collection].adapters) and name not in allowed:
                yield mind.mistake(
                    place,
                    N_("{adapter} uses “{collection}”, which {file} does not open to it."),
                    N_("Add {adapter} to the collection's `adapters`, or leave it out here."),
                    adapter=name,
                    collection=collection,
                    file=rag.file,
                )
    for name, settings in library.collections.items():
        for index, adapter_name in enumerate(settings.adapters):
            if adapter_name not in spec.adapters:
                yield _unknown_name_mistake(rag, ("collections", name, "adapters", index), adapter_name, spec.adapters)
    for number, forbidden in enumerate(spec.policies.forbidden):
        place = ("policies", "forbidden", number, "adapters")
        for index, adapter_name in enumerate(forbidden.adapters):
            if adapter_name not in spec.adapters:
                yield _unknown_name_mistake(mind, (*place, index), adapter_name, spec.adapters)
        if len(set(forbidden.adapters)) < 2:
            yield mind.mistake(place, N_("“{place}” names one adapter."), N_("Write two or more different ones."))
    usable = {**spec.adapters, **spec.modes, **{str(mode): mode for mode in RESERVED.values()}}
    for name in spec.access:
        if name not in usable:
            yield _unknown_name_mistake(mind, ("access", name), name, usable)


def check_upload_collection(library: RagConfigFile, document: YamlDocument) -> Iterator[Mistake]:
    """At most one collection takes documents sent in a chat, and its documents can be cited."""
    receiving = [name for name, collection in library.collections.items() if collection.receives]
    for extra in receiving[1:]:
        yield document.mistake(
            ("collections", extra, "receives"),
            N_("“{extra}” is a second collection that takes what owners send; {first} is one already."),
            N_("Leave `receives` out here."),
            extra=extra,
            first=receiving[0],
        )
    name = library.upload_collection
    if name in library.collections and library.collections[name].kind is CollectionKind.VOICE:
        yield document.mistake(
            ("collections", name, "kind"),
            N_("“{name}” takes what owners send, and examples of a voice are never cited."),
            N_("Write `receives: true` in a collection of another kind."),
            name=name,
        )


def check_modes(mind: Mind, document: YamlDocument) -> Iterator[Mistake]:
    """Each adapter alone, each named mode and the default mode satisfy the mind's policies."""
    mistakes = []
    for name in mind.adapters:
        mistakes += _check_mode(name, mind, document, ("adapters", name))
    for name, named in mind.modes.items():
        place = ("modes", name, "mode")
        if mind.names.get(name_key(named.mode)) in mind.modes:
            remedy = N_("Write the adapters it stands for, joined with “+”.")
            mistakes.append(document.mistake(place, N_("“{mode}” is a named mode itself."), remedy, mode=named.mode))
        else:
            found = _check_mode(named.mode, mind, document, place)
            mistakes += found or _check_curves(name, mind, document)
    # The default mode may be a named one. Named modes can be expanded only if none of them is wrong.
    yield from mistakes or _check_mode(mind.default_mode, mind, document, ("default_mode",))


def _check_mode(text: str, mind: Mind, document: YamlDocument, place: KeyPath) -> list[Mistake]:
    try:
        resolve_mode(parse_expression(text), mind)
    except ModeError as error:
        return [document.mistake(place, error.sentence, error.remedy, **error.details)]
    return []


def _check_curves(name: str, mind: Mind, document: YamlDocument) -> Iterator[Mistake]:
    """The curves of a named mode are of its adapters."""
    adapters = {term.name: term for term in resolve_mode(parse_expression(name), mind).terms}
    for adapter, points in mind.modes[name].curves.items():
        place = ("modes", name, "curves", adapter)
        if adapter not in adapters:
            yield _unknown_name_mistake(document, place, adapter, adapters)
        elif not any(points):
            sentence = N_("The curve of “{adapter}” is 0 everywhere, which leaves nothing of it.")
            yield document.mistake(place, sentence, N_("Leave the adapter out of the mode."), adapter=adapter)


def _all_names(spec: MindSpec) -> Iterator[tuple[KeyPath, str]]:
    for section, entries in (("adapters", spec.adapters), ("modes", spec.modes)):
        for name, entry in entries.items():
            yield (section, name), name
            for index, alias in enumerate(entry.aliases):
                yield (section, name, "aliases", index), alias


def _unknown_name_mistake(document: YamlDocument, place: KeyPath, name: str, known: Mapping[str, object]) -> Mistake:
    remedy, details = suggest_known_name(name, known)
    return document.mistake(place, N_("“{name}” is not known."), remedy, name=name, **details)
