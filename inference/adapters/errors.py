"""What can go wrong between an adapter on disk and a composition that is ready to load."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from consilium.errors import N_
from inference.errors import InferenceError

_MAX_CHARACTERS = 4096
_MAX_SETTINGS, _MAX_SETTING_CHARACTERS = 12, 120


class AdapterError(InferenceError):
    """Root of what goes wrong with adapters and compositions.

    Its details quote files of strangers: what is not plain text (control characters, directions of writing, halves of
    characters) is shown escaped, and what is longer than any path is cut.
    """

    def __init__(self, **details: object) -> None:
        super().__init__(**{name: _escape_detail(value) for name, value in details.items()})


def _escape_detail(value: object) -> object:
    if not isinstance(value, str | Path):
        return value
    text = str(value)
    if len(text) > _MAX_CHARACTERS:
        text = f"{text[:_MAX_CHARACTERS]}…"
    elif text.isprintable():
        return value
    return escape_unprintable(text)


def escape_unprintable(text: str) -> str:
    """A text of strangers with everything in it escaped that a terminal would not just show."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class PackageUnreadable(AdapterError):
    """A folder or file of a package is missing, is not a plain file, or may not be read."""

    sentence = N_("The adapter cannot be read: {path}: {reason}.")
    remedy = N_("An adapter is a folder with adapter_config.json and adapter_model.safetensors.")

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path=path, reason=reason)


class PickledWeights(AdapterError):
    """The weights are pickled; reading a pickle runs whatever code it carries, so it is not read."""

    sentence = N_("{path} is a pickle, and a pickle can run any code when it is opened.")
    remedy = N_(
        "Import it, which runs nothing of it: consilium adapters import {folder}. Or convert it where it is: {command}"
    )

    def __init__(self, path: Path, command: str) -> None:
        super().__init__(path=path, folder=path.parent, command=command)


class PathOutsideFolder(AdapterError):
    """A file of a package is a link to somewhere outside the package's folder."""

    sentence = N_("{path} is a link that leads out of the adapter's folder.")
    remedy = N_(
        "If it is of a hub's cache, import it: consilium adapters import {folder}. Else put the file itself there."
    )

    def __init__(self, path: Path) -> None:
        super().__init__(path=path, folder=path.parent)


class DocumentInvalid(AdapterError):
    """A JSON file of a package does not hold what belongs there."""

    sentence = N_("{path}, line {line}: {problem}.")
    remedy = N_("Correct the file, or write the adapter again.")

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(path=path, line=line, problem=problem)


class AdapterUnsupported(AdapterError):
    """The adapter does more than add a low-rank product to linear modules, so it cannot be composed exactly."""

    sentence = N_("The adapter {path} cannot be composed: it uses {feature}.")
    remedy = N_(
        "Train it as a plain LoRA on linear modules, or see what can be taken of it: consilium adapters import {path}"
    )

    def __init__(self, path: Path, feature: str) -> None:
        super().__init__(path=path, feature=feature)


class SettingUnknown(AdapterError):
    """The configuration has a setting that is not known here, so that nobody can tell what the weights mean."""

    sentence = N_("adapter_config.json of the adapter {path} has settings that are not known here: {settings}.")
    remedy = N_(
        "If they change nothing about the weights, remove them from the file; if they do, the adapter needs a newer "
        "Consilium."
    )

    def __init__(self, path: Path, settings: Sequence[str]) -> None:
        names = ", ".join(f"“{name[:_MAX_SETTING_CHARACTERS]}”" for name in settings[:_MAX_SETTINGS])
        more = f" (+{len(settings) - _MAX_SETTINGS})" if len(settings) > _MAX_SETTINGS else ""
        super().__init__(path=path, settings=names + more)


class WeightsDamaged(AdapterError):
    """A weights file is cut off, corrupted, or not safetensors at all."""

    sentence = N_("The weights file {path} is damaged: {flaw}.")
    remedy = N_("Copy or save the adapter again.")

    def __init__(self, path: Path, flaw: str) -> None:
        super().__init__(path=path, flaw=flaw)


class TensorUnexpected(AdapterError):
    """A tensor belongs to no module the adapter says it adapts."""

    sentence = N_("The weights file {path} holds “{tensor}”, which {reason}.")
    remedy = N_("Import the adapter, which tells what can be made of it: consilium adapters import {folder}")

    def __init__(self, path: Path, tensor: str, reason: str) -> None:
        super().__init__(path=path, tensor=tensor, reason=reason, folder=path.parent)


class TensorUnpaired(AdapterError):
    """One factor of a module's product is there without the other."""

    sentence = N_("The weights file {path} holds “{tensor}” without “{missing}”.")
    remedy = N_("Both factors belong to one product; save the adapter again.")

    def __init__(self, path: Path, tensor: str, missing: str) -> None:
        super().__init__(path=path, tensor=tensor, missing=missing)


class RankMismatch(AdapterError):
    """The factors' ranks differ from each other or from what the configuration says."""

    sentence = N_("In {path} the rank of “{module}” is {found}, but {source} says {expected}.")
    remedy = N_("The configuration and the weights are of two adapters, or one was edited; save the adapter again.")

    def __init__(self, path: Path, module: str, found: int, source: str, expected: int) -> None:
        super().__init__(path=path, module=module, found=found, source=source, expected=expected)


class WeightsNotFinite(AdapterError):
    """A weight is infinite or not a number; it would poison every answer."""

    sentence = N_("The weights file {path} holds infinite or undefined numbers in “{tensor}”.")
    remedy = N_("The training diverged; train the adapter again with a lower learning rate.")

    def __init__(self, path: Path, tensor: str) -> None:
        super().__init__(path=path, tensor=tensor)


class PackageChanged(AdapterError):
    """The weights file was replaced after the package was opened."""

    sentence = N_("The weights file {path} changed while it was in use.")
    remedy = N_("Ask again; the new file will be read.")

    def __init__(self, path: Path) -> None:
        super().__init__(path=path)


class WrongBaseModel(AdapterError):
    """The adapter was made for another base model."""

    sentence = N_("The adapter {path} is for the base model “{adapter_base}”, not for “{base}”: {difference}.")
    remedy = N_(
        "Use it with its own base model, or train it again on “{base}”. If the names are all that differs and that is "
        "its base all the same, say so: consilium adapters import {path} --base-is {base}"
    )

    def __init__(self, path: Path, adapter_base: str, base: str, difference: str) -> None:
        super().__init__(path=path, adapter_base=adapter_base, base=base, difference=difference)


class DigestMismatch(AdapterError):
    """The weights beside a manifest are not the ones the manifest was written for."""

    sentence = N_("The adapter's weights in {path} are not the ones its manifest.json describes.")
    remedy = N_("Restore the weights, or train the adapter again: consilium train writes both together.")

    def __init__(self, path: Path, expected: str, found: str) -> None:
        super().__init__(path=path, expected=expected, found=found)


class WeightOutOfRange(AdapterError):
    """A part's weight or strength is outside what a mode or a mind may ask for, or comes to nothing."""

    sentence = N_("An adapter cannot be multiplied by {weight}.")
    remedy = N_("Choose a number from {least} to {most}, and not 0.")

    def __init__(self, weight: float, least: float, most: float) -> None:
        super().__init__(weight=weight, least=least, most=most)


class CurveLengthDiffers(AdapterError):
    """A part's curve has another number of layers than the base model."""

    sentence = N_("A curve over {found} layers does not fit a model of {layers} layers.")
    remedy = N_("Make the curve again for this base model.")

    def __init__(self, found: int, layers: int) -> None:
        super().__init__(found=found, layers=layers)


class BandOutOfRange(AdapterError):
    """A part's band of layers is empty or reaches past the base model's last layer."""

    sentence = N_("Layers {band} are not all in a model that has layers 0 to {last}.")
    remedy = N_("Choose layers from 0 to {last}.")

    def __init__(self, band: str, last: int) -> None:
        super().__init__(band=band, last=last)


class NothingToCompose(AdapterError):
    """No part adapts any layer it is asked for."""

    sentence = N_("None of these adapters changes any of the layers asked for: {adapters}.")
    remedy = N_("Leave the band out, or choose layers the adapter was trained on.")

    def __init__(self, adapters: Iterable[Path]) -> None:
        super().__init__(adapters=", ".join(map(str, adapters)))


class MergeRanksDiffer(AdapterError):
    """A method that merges the factors apart is asked for adapters of different ranks."""

    sentence = N_("Merged in the space “factors”, the adapters need equal ranks; in {module} they are {ranks}.")
    remedy = N_("Merge them in the space “core” or “delta”, which take any ranks.")

    def __init__(self, module: str, ranks: Sequence[int]) -> None:
        super().__init__(module=module, ranks=", ".join(map(str, ranks)))


class NotSafeForm(AdapterError):
    """A package may be sound, but a server could misread it or die of it as it stands."""

    sentence = N_("The adapter {path} cannot be given to a server as it is: {reason}.")
    remedy = N_("Compose it first (consilium adapters compose), and change nothing in the folder that makes.")

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path=path, reason=reason)


class WeightsOverflow(AdapterError):
    """An adapter's numbers, with its scale and weight, are so large that a model computes infinities with them."""

    sentence = N_("With its scale, the adapter {path} holds numbers so large that the model's own would overflow.")
    remedy = N_("Such an adapter cannot answer sensibly; train it again with a smaller lora_alpha or learning rate.")

    def __init__(self, path: Path) -> None:
        super().__init__(path=path)


class DiskFull(AdapterError):
    """The disk, a quota or a file size limit leaves no room; nothing half-written is left behind."""

    sentence = N_("There is no room to write {path}: it needs {needed} bytes.")
    remedy = N_("Free some space on that disk, for instance by removing compositions no mode uses, and ask again.")

    def __init__(self, path: Path, needed: int) -> None:
        super().__init__(path=path, needed=needed)


class WriteFailed(AdapterError):
    """A file or folder cannot be written for a reason other than room."""

    sentence = N_("{path} cannot be written: {reason}.")
    remedy = N_("Give this user the right to write there, or choose another folder.")

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path=path, reason=reason)


class CompositionNotFound(AdapterError):
    """A composition is asked for by a name the store does not hold."""

    sentence = N_("There is no composition named “{name}”.")
    remedy = N_("consilium adapters compositions shows the ones there are.")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
