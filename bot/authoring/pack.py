"""A mind as one file: a tar whose first member lists every other with its SHA-256, and whose second signs the list.

Only what a mind needs to answer is in it: its files and prompts, the documents of its library and their vectors, the
adapters in use. An export, an import's folder, dialogues (unless asked for), versions and the base model are not: what
is packed is listed here, not what is left out. The same mind gives the same bytes, but for the time in the signature's
comment.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
import unicodedata
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from minisign import PublicKey, SecretKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.authoring.pack_errors import FileIsThere, NotAPack, NotPackable
from bot.authoring.signing import public_line, read_public_key, verify
from bot.library.kept_vectors import VECTORS_FILE
from bot.minds import Mind, load_mind
from bot.minds.load import MIND_FILE, RAG_FILE
from bot.minds.paths import matching_files
from bot.minds.versions import live_folder
from bot.minds.yaml_keys import without_keys
from consilium.files import atomic_file, sync_folder, sync_tree

MANIFEST_FILE: Final = "pack.json"
SIGNATURE_FILE: Final = "pack.json.minisig"
ADAPTER_FILES: Final = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "manifest.json",
    "MODEL_CARD.md",
    "losses.png",
)
MAX_FILES: Final = 20_000
MAX_BYTES: Final = 16 << 30
"""Of all files together."""
_MAX_MANIFEST: Final = 16 << 20
_MAX_SIGNATURE: Final = 4096
_CHUNK: Final = 1 << 20
_DIALOGUE_KEYS: Final = ("dialogues", "heldout")


class PackedFile(BaseModel):
    """One file of a packed mind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class PackManifest(BaseModel):
    """`pack.json`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = Field(ge=1, le=1)
    mind: str
    base_model: str
    """Its weights are not in the file."""
    key: str
    """Public key of who packed it; worth something only beside the key that one knows."""
    files: list[PackedFile] = Field(min_length=1, max_length=MAX_FILES)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a packed mind was."""

    manifest: PackManifest
    comment: str
    """The signature's trusted comment."""
    key_was_given: bool
    """False where the file's own key was believed: then nothing says who has packed it."""


def pack(mind: Mind, target: Path, key: SecretKey, *, with_dialogues: bool = False) -> PackManifest:
    """Write a mind into one file; blocking.

    Raises:
        FileIsThere: the file exists.
        NotPackable: a file of the mind cannot be packed.
        OSError: it cannot be written.
    """
    contents = dict(sorted(_contents(mind, with_dialogues).items()))
    files = [PackedFile(path=path, size=size, sha256=sha) for path, (size, sha) in _measured(contents)]
    if len(files) > MAX_FILES or sum(each.size for each in files) > MAX_BYTES:
        raise NotPackable("it is too large")
    manifest = PackManifest(
        format=1, mind=mind.name, base_model=mind.base_model, key=public_line(key.get_public_key()), files=files
    )
    written = (json.dumps(manifest.model_dump(), indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()
    signature = bytes(key.sign(written, untrusted_comment=f"mind {_plain(mind.name)}, packed by consilium")) + b"\n"
    try:
        with (
            atomic_file(target, replace=False) as file,
            tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            _add(tar, MANIFEST_FILE, io.BytesIO(written), len(written))
            _add(tar, SIGNATURE_FILE, io.BytesIO(signature), len(signature))
            for each in files:
                with _opened(contents[each.path]) as stream:
                    hashing = _Hashing(stream)
                    _add(tar, each.path, hashing, each.size)
                    if hashing.hexdigest() != each.sha256:
                        raise NotPackable(f"{each.path} has changed meanwhile")
    except FileExistsError:
        raise FileIsThere(target) from None
    return manifest


def unpack(source: Path, folder: Path, key: PublicKey | None = None) -> Unpacked:
    """Check the whole of a packed mind, and only then make the folder with it, whole or not at all; blocking.

    Args:
        key: of who is expected to have packed it; None to believe the key in the file, which tells nothing about who.

    Raises:
        FileIsThere: the folder exists.
        NotAPack: the file is damaged, or holds what no packed mind holds.
        SignatureInvalid: it was not signed with this key.
        BrokenMind: the mind in it has mistakes.
        OSError: it cannot be read or written.
    """
    if os.path.lexists(folder):
        raise FileIsThere(folder)
    with source.open("rb") as file:
        manifest, signed, signature = _read_head(source, file)
        comment = verify(key or read_public_key(manifest.key), signed, signature)
        for _ in _verified(source, file, manifest):
            pass
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", suffix=".unfinished", dir=folder.parent) as scratch:
            made = Path(scratch) / "mind"
            for packed, content in _verified(source, file, manifest):
                path = made.joinpath(*PurePosixPath(packed.path).parts)
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as stream:
                    for chunk in content:
                        stream.write(chunk)
            load_mind(made)
            sync_tree(made)
            if os.path.lexists(folder):
                raise FileIsThere(folder)
            made.rename(folder)
        sync_folder(folder.parent)
    return Unpacked(manifest, comment, key is not None)


def _contents(mind: Mind, with_dialogues: bool) -> Mapping[str, Path | bytes]:
    """What is packed, by its path within the mind."""
    text = (mind.folder / MIND_FILE).read_text("utf-8-sig")
    found: dict[str, Path | bytes] = {
        MIND_FILE: (text if with_dialogues else without_keys(text, ("adapters", "*"), _DIALOGUE_KEYS)).encode(),
        RAG_FILE: mind.folder / RAG_FILE,
    }
    files = [*matching_files(mind.folder, "prompts/**/*.j2"), *matching_files(mind.folder, "schemas/*.json")]
    files += matching_files(mind.folder, VECTORS_FILE)
    for collection in mind.collections:
        files += mind.collection_files(collection)
    for name, adapter in mind.adapters.items():
        place, folder = adapter.path.relative_to(mind.folder).as_posix(), live_folder(mind, name)
        found |= {f"{place}/{file}": folder / file for file in ADAPTER_FILES if (folder / file).is_file()}
        if with_dialogues:
            files += [path for path in (adapter.dialogues, adapter.heldout) if path is not None]
    found |= {path.relative_to(mind.folder).as_posix(): path for path in files}
    for path in found:
        if problem := _path_problem(path):
            raise NotPackable(f"{path[:80]}: {problem}")
    return found


def _measured(contents: Mapping[str, Path | bytes]) -> Iterator[tuple[str, tuple[int, str]]]:
    for path, content in contents.items():
        size, digest = 0, hashlib.sha256()
        with _opened(content) as stream:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                digest.update(chunk)
        yield path, (size, digest.hexdigest())


def _opened(content: Path | bytes) -> IO[bytes]:
    return content.open("rb") if isinstance(content, Path) else io.BytesIO(content)


def _add(tar: tarfile.TarFile, path: str, content: Any, size: int) -> None:
    """Add a file with nothing of this machine in it: no owner, no time."""
    member = tarfile.TarInfo(path)
    member.size, member.mode = size, 0o644
    try:
        tar.addfile(member, content)
    except OSError as error:
        if isinstance(content, _Hashing) and "end of data" in str(error):
            raise NotPackable(f"{path} has changed meanwhile") from error
        raise


class _Hashing:
    """A stream that is hashed while it is read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._hash = stream, hashlib.sha256()

    def read(self, size: int) -> bytes:
        chunk = self._stream.read(size)
        self._hash.update(chunk)
        return chunk

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def _read_head(source: Path, file: IO[bytes]) -> tuple[PackManifest, bytes, bytes]:
    """The manifest, its bytes and their signature."""
    file.seek(0)
    head = []
    with closing(_members(source, file)) as members:
        for name, most in ((MANIFEST_FILE, _MAX_MANIFEST), (SIGNATURE_FILE, _MAX_SIGNATURE)):
            member, content = next(members, (None, iter(())))
            if member is None or member.name != name or not member.isreg() or member.size > most:
                raise NotAPack(source, f"it does not begin with {name}")
            head.append(b"".join(content))
    try:
        manifest = PackManifest.model_validate_json(head[0])
    except ValidationError as error:
        raise NotAPack(source, f"{MANIFEST_FILE} is not one") from error
    seen: set[str] = set()
    for each in manifest.files:
        folded = unicodedata.normalize("NFC", each.path).casefold()
        if problem := _path_problem(each.path) or ("its name stands twice" if folded in seen else ""):
            raise NotAPack(source, f"{each.path[:80]!r}: {problem}")
        seen.add(folded)
    parents = {parent.as_posix() for path in seen for parent in PurePosixPath(path).parents}
    if parents & seen:
        raise NotAPack(source, "a file is a folder too")
    if sum(each.size for each in manifest.files) > MAX_BYTES:
        raise NotAPack(source, "it is too large")
    return manifest, head[0], head[1]


def _verified(source: Path, file: IO[bytes], manifest: PackManifest) -> Iterator[tuple[PackedFile, Iterator[bytes]]]:
    """The files of a packed mind, each compared with the manifest while it is read."""
    file.seek(0)
    with closing(_members(source, file)) as members:
        for _ in islice(members, 2):
            pass
        for packed in manifest.files:
            member, content = next(members, (None, iter(())))
            if member is None or member.name != packed.path or not member.isreg() or member.size != packed.size:
                raise NotAPack(source, f"{packed.path} is not where it should be")
            hashed = _checked(source, packed, content)
            yield packed, hashed
            for _ in hashed:
                pass
        if next(members, None) is not None:
            raise NotAPack(source, f"it holds more than {MANIFEST_FILE} lists")


def _checked(source: Path, packed: PackedFile, content: Iterator[bytes]) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for chunk in content:
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != packed.sha256:
        raise NotAPack(source, f"{packed.path} is damaged")


def _members(source: Path, file: IO[bytes]) -> Generator[tuple[tarfile.TarInfo, Iterator[bytes]], None, None]:
    """The members of a tar with their content, one after the other; content is read before the next member is."""
    with _translated(source), tarfile.open(fileobj=file, mode="r:") as tar:
        for number, member in enumerate(tar):
            if number > MAX_FILES + 2:
                raise NotAPack(source, "it has too many files")
            yield member, _content(source, tar, member)


def _content(source: Path, tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    with _translated(source):
        stream = tar.extractfile(member) if member.isreg() and member.sparse is None else None
        while stream is not None and (chunk := stream.read(_CHUNK)):
            yield chunk


@contextmanager
def _translated(source: Path) -> Iterator[None]:
    """Errors of reading a tar that somebody has cut, changed or made up."""
    try:
        yield
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise NotAPack(source, "it is not a tar that is whole") from error


def _path_problem(path: str) -> str:
    """Why a path is none of a file within a mind; empty if it is one."""
    parts = path.split("/")
    if len(path) > 1000 or any(len(part.encode()) > 255 for part in parts):
        return "the name is too long"
    if any(part in ("", ".", "..") for part in parts):
        return "it does not stay inside the folder"
    if any(unicodedata.category(c) in ("Cc", "Cs") or c == "\\" for c in path):
        return "the name has characters that not every system takes"
    if path in (MANIFEST_FILE, SIGNATURE_FILE):
        return "the name is kept for the list of files"
    return ""


def _plain(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:64]
