"""Folders that are not what they seem: links, pipes, devices, more files than there should be, records that lie."""

from __future__ import annotations

import json
import os
import pickle
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.fakes.hostile.draft import CONFIG, WEIGHTS, Bar, Draft, Family
from tests.fakes.hostile.settings import ESCAPES

FAMILY = Family("folder")

Trick = Callable[[Path], object]

SPARSE_BYTES = 8 << 30
MARKER = "hostile-pickle-was-run"
"""A file of this name beside the package would show that a pickle of it has been run."""
MANIFEST: dict[str, Any] = {"format": 1, "name": "sport", "kind": "topic", "base_model": "tiny", "digest": "0" * 64}
RECORD: dict[str, Any] = {
    "format": 1, "name": "c-" + "0" * 32, "base": "tiny", "parts": [], "max_rank": None, "digest": "0" * 64,
    "report": {
        "rank": 4, "rank_before": 4, "truncation_error": 0.0, "module_errors": {}, "layers": [0], "modules": ["q_proj"],
        "dtypes": ["F32", "F32"], "size": 1,
    },
}  # fmt: skip


def _outside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-outside")


def _instead(make: Callable[[Path], object]) -> Callable[[str], Trick]:
    """A trick that puts something else in a file's place."""

    def of(name: str) -> Trick:
        def trick(folder: Path) -> None:
            (folder / name).unlink(missing_ok=True)
            make(folder / name)

        return trick

    return of


def _link_out(name: str) -> Trick:
    def trick(folder: Path) -> None:
        _outside(folder).mkdir(exist_ok=True)
        (folder / name).rename(_outside(folder) / name)
        (folder / name).symlink_to(_outside(folder) / name)

    return trick


def _link_through(name: str) -> Trick:
    """Out of the folder by way of a relative path and a second link."""

    def trick(folder: Path) -> None:
        _link_out(name)(folder)
        (folder / "link").symlink_to(Path("..") / _outside(folder).name)
        (folder / name).unlink()
        (folder / name).symlink_to(Path("link") / name)

    return trick


def _link_within(name: str) -> Trick:
    def trick(folder: Path) -> None:
        (folder / name).rename(folder / "real")
        (folder / name).symlink_to("real")

    return trick


def _loop(path: Path) -> None:
    path.symlink_to(path.with_name("loop"))
    path.with_name("loop").symlink_to(path.name)


def _device(path: Path) -> None:
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        path.symlink_to("/dev/zero")


class _Run:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def _pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(_Run(path.parent.with_name(MARKER)), 4))


def _pickle_only(name: str) -> Trick:
    def trick(folder: Path) -> None:
        (folder / WEIGHTS).unlink()
        _pickle(folder / name)

    return trick


def _sparse(path: Path) -> None:
    os.truncate(path, SPARSE_BYTES)


def sparse_with_header(path: Path) -> None:
    """As large as its header says, and all of it a hole."""
    rows, width = 4096, SPARSE_BYTES // 2 // 4096 // 2
    shapes = {"A": [rows, width], "B": [width, rows]}
    header, end = {}, 0
    for factor, shape in shapes.items():
        name = f"base_model.model.model.layers.0.self_attn.q_proj.lora_{factor}.weight"
        start, end = end, end + SPARSE_BYTES // 2
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    os.truncate(path, 8 + len(text) + end)
    settings = {"peft_type": "LORA", "r": rows, "lora_alpha": rows, "target_modules": ["q_proj"]}
    (path.parent / CONFIG).write_text(json.dumps(settings))


INSTEAD: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a device": _device,
    "a socket": lambda path: os.mknod(path, 0o600 | stat.S_IFSOCK),
    "a link to nothing": lambda path: path.symlink_to("nothing"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "links in a circle": _loop,
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to standard input": lambda path: path.symlink_to("/proc/self/fd/0"),
    "nothing": lambda path: None,
    "an empty file": Path.touch,
}


def _trick(label: str, bar: Bar, *tricks: Trick) -> None:
    FAMILY.add(label, bar, lambda draft: draft.tricks.append(draft.chance.choice(tricks)))


for _label, _make in INSTEAD.items():
    _trick(f"{_label} for a file", Bar.SOUND, _instead(_make)(WEIGHTS), _instead(_make)(CONFIG))
_trick("a link out of the folder", Bar.SOUND, _link_out(WEIGHTS), _link_out(CONFIG))
_trick("a link out of the folder by another", Bar.SOUND, _link_through(WEIGHTS), _link_through(CONFIG))
_trick("a pickle for weights", Bar.SOUND, _instead(_pickle)(WEIGHTS))
_trick(
    "a pickle and no weights",
    Bar.SOUND,
    *(
        _pickle_only(name)
        for name in ("adapter_model.bin", "adapter_model.pt", "pytorch_model.bin", "adapter_model.pkl", "x.pt")
    ),
)
_trick("eight sparse gigabytes at the end", Bar.SOUND, lambda folder: _sparse(folder / WEIGHTS))
_trick("eight sparse gigabytes of numbers", Bar.SOUND, _instead(sparse_with_header)(WEIGHTS))
_trick("a configuration of eight sparse gigabytes", Bar.SOUND, lambda folder: _sparse(folder / CONFIG))
_trick("no folder", Bar.SOUND, lambda folder: folder.rename(_outside(folder)))


@FAMILY.mutation(Bar.SOUND)
def a_file_in_place_of_the_folder(draft: Draft) -> None:
    def trick(folder: Path) -> None:
        folder.rename(_outside(folder))
        folder.write_bytes(b"")

    draft.tricks.append(trick)


@FAMILY.mutation(Bar.SAFE)
def the_folder_is_a_link(draft: Draft) -> None:
    def trick(folder: Path) -> None:
        folder.rename(_outside(folder))
        folder.symlink_to(_outside(folder))

    draft.tricks.append(trick)


_trick("a link within the folder", Bar.SAFE, _link_within(WEIGHTS), _link_within(CONFIG))

BESIDE: dict[str, tuple[bytes, ...]] = {
    "second.safetensors": (b"\x02" + bytes(7) + b"{}",),
    "adapter_model-00002-of-00002.safetensors": (b"",),
    "consolidated.safetensors": (b"",),
    "model.safetensors.index.json": (b'{"weight_map": {"a": "../../outside.safetensors"}}', b'{"weight_map": {}}'),
    "adapter_model.safetensors.index.json": (b'{"weight_map": {"a": "/etc/passwd"}}',),
    "added_tokens.json": (b'{"<evil>": 49152}', b"{"),
    "adapter_model.bin": (b"\x80\x04.",),
    "adapter_model.pt": (b"PK\x03\x04",),
    "new_embeddings.safetensors": (b"",),
    "README.md": (b"---\nbase_model: tiny\n",),
    "tokenizer_config.json": (b'{"chat_template": "{{ 1 }}"}',),
    "chat_template.jinja": (b"{{ 1 }}",),
    "modeling_evil.py": (b"raise SystemExit",),
    ".hidden": (b"",),
    "Adapter_Config.json": (b"{}",),
    "adapter_config.json ": (b"{}",),
    "a\nb.safetensors": (b"",),
    f"{ESCAPES}.safetensors": (b"",),
    "..safetensors": (b"",),
    os.fsdecode(b"\xff\xfe.safetensors"): (b"",),
    "x" * 255: (b"",),
}


@FAMILY.mutation(Bar.SAFE)
def a_file_too_many(draft: Draft) -> None:
    name = draft.chance.choice(list(BESIDE))
    content = draft.chance.choice(BESIDE[name])
    draft.tricks.append(lambda folder: (folder / name).write_bytes(content))


for _repeat in range(4):
    FAMILY.add("a file too many", Bar.SAFE, a_file_too_many)

_trick(
    "no file and too much",
    Bar.SAFE,
    lambda folder: (folder / "folder").mkdir(),
    lambda folder: os.mkfifo(folder / "pipe.safetensors"),
    lambda folder: (folder / "link.safetensors").symlink_to(WEIGHTS),
    lambda folder: (folder / "up").symlink_to(".."),
)
_trick("a file under two names", Bar.SAFE, lambda folder: os.link(folder / WEIGHTS, folder / "other.safetensors"))


def _document(name: str, content: bytes) -> Trick:
    return lambda folder: (folder / name).write_bytes(content)


MANIFEST_LIES: tuple[dict[str, Any], ...] = (
    {}, {"base_model": "Qwen3-0.6B"}, {"base_model": ESCAPES}, {"base_model": "x" * 300_000}, {"name": ESCAPES},
    {"name": "../.."}, {"digest": "1"}, {"kind": ESCAPES}, {"format": 2}, {"extra": 1}, {ESCAPES: 1},
    {"figures": {ESCAPES: "x"}}, {"recipe": []},
)  # fmt: skip
RECORD_LIES: tuple[dict[str, Any], ...] = (
    {}, {"digest": "f" * 64}, {"digest": ESCAPES}, {"name": "../.."}, {"format": 2}, {"report": {}},
)  # fmt: skip

_trick(
    "a manifest that lies",
    Bar.SOUND,
    *(_document("manifest.json", json.dumps(MANIFEST | lie).encode()) for lie in MANIFEST_LIES),
)
_trick(
    "a manifest that is none",
    Bar.SOUND,
    *(_document("manifest.json", content) for content in (b"", b"[]", b"[" * 90_000, b"\xff", b'{"format": NaN}')),
    *(
        _instead(INSTEAD[kind])("manifest.json")
        for kind in ("a pipe", "a folder", "a link to nothing", "links in a circle")
    ),
)
_trick(
    "a record of another composition",
    Bar.SAFE,
    *(_document("composition.json", json.dumps(RECORD | lie).encode()) for lie in RECORD_LIES),
)
_trick(
    "a record that is none",
    Bar.SAFE,
    *(_document("composition.json", content) for content in (b"", b"[]", b"[" * 90_000, b"\xff")),
    *(_instead(INSTEAD[kind])("composition.json") for kind in ("a pipe", "a folder", "a link to nothing", "a device")),
)


def remove_tree(folder: Path) -> None:
    """Remove a hostile package and what it has put beside its folder."""
    for path in (folder, _outside(folder)):
        if path.is_symlink() or not path.is_dir():
            with suppress(FileNotFoundError):
                path.unlink()
            continue
        for inner in path.iterdir():
            if inner.is_dir() and not inner.is_symlink():
                inner.rmdir()
            else:
                inner.unlink()
        path.rmdir()
