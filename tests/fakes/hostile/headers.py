"""Spoilt files of weights: headers that lie, and files that are cut, padded or no safetensors."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.hostile.draft import Bar, Draft, Family, Header

FAMILY = Family("weights file")

SHAPES: tuple[Any, ...] = (
    [], [4], [4, 24, 1], [0, 24], [-4, 24], [-4, -24], [True, 24], [4.0, 24.0], ["4", "24"], [None, None], None, 96,
    "4x24", {"rows": 4}, [1 << 31, 1 << 33], [1 << 62, 4], [(1 << 64) + 4, 24], [10**300, 10**300], [[4, 24]],
    [float("nan"), 24], [4, 1e999],
)  # fmt: skip
OFFSETS: tuple[Any, ...] = (
    [], [0], [0, 8, 16], [-8, 0], [64, 0], [0.0, 8.0], ["0", "8"], None, {"from": 0}, [True, 8],
    [1 << 40, (1 << 40) + 8],
    [(1 << 64) - 8, 1 << 64], [10**300, 10**300], [[0, 8]], [float("inf"), 0],
)  # fmt: skip
DTYPES: tuple[Any, ...] = (
    "F64", "F8_E4M3", "I8", "BOOL", "bf16", "f32", "", "F32\x1b[31m", "F" * 1000, 32, None, True, ["F32"], {"F32": 1},
    "torch.bfloat16", "U16",
)  # fmt: skip
NOT_JSON: tuple[str | bytes, ...] = (
    "{nonsense", "{'a': 1}", "{", "}", "[]", "null", "1", '"text"', "{}", '{"a": 1,}', '{"a": ' + "9" * 9000 + "}",
    b"{\xff\xfe}", b'{"\xc3\x28": 1}', "\ufeff{}", b"\x00" * 64, b"<!doctype html><title>404</title>",
)  # fmt: skip


def deep(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + closing * depth


@FAMILY.mutation(Bar.SOUND)
def length_of_the_header_lies(draft: Draft) -> None:
    lies = (0, 1, 2, 7, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 8 << 30, 100_000_000, 5 << 20)

    def change(raw: bytes) -> bytes:
        length = int.from_bytes(raw[:8], "little")
        lie = draft.chance.choice((*lies, length - 1, length + 1, length + 100, length // 2))
        return lie.to_bytes(8, "little") + raw[8:]

    draft.raw_edits.append(change)


def _set(field: str, values: tuple[Any, ...]) -> Any:
    def apply(draft: Draft) -> None:
        name, value = draft.pick(), draft.chance.choice(values)
        draft.header_edits.append(lambda header: header[name].update({field: value}))

    return apply


for _field, _values in (("shape", SHAPES), ("data_offsets", OFFSETS), ("dtype", DTYPES)):
    for _repeat in range(2):
        FAMILY.add(f"{_field} of a tensor is nonsense", Bar.SOUND, _set(_field, _values))


@FAMILY.mutation(Bar.SOUND)
def header_is_no_header(draft: Draft) -> None:
    text = draft.chance.choice(NOT_JSON)
    draft.header_edits.append(lambda _: text)


@FAMILY.mutation(Bar.SOUND)
def header_goes_deep(draft: Draft) -> None:
    depth = draft.chance.choice((900, 980, 1100, 100_000))
    text = draft.chance.choice(
        (
            deep(depth),
            deep(depth, '{"a":', "}"),
            f'{{"{draft.pick()}":{{"dtype":"F32","shape":{deep(depth)},"data_offsets":[0,8]}}}}',
            f'{{"{draft.pick()}":{{"dtype":{deep(depth)},"shape":[1,2],"data_offsets":[0,8]}}}}',
        )
    )
    draft.header_edits.append(lambda _: text)


@FAMILY.mutation(Bar.SOUND)
def a_tensor_stands_twice(draft: Draft) -> None:
    name = draft.pick()

    def twice(header: Header) -> str:
        again = json.dumps(name)
        if draft.chance.random() < 0.5:  # the same name, written otherwise
            again = again.replace("q_proj", "\\u0071_proj").replace("lora", "\\u006cora")
        return f"{json.dumps(header)[:-1]},{again}:{json.dumps(header[name])}}}"

    draft.header_edits.append(twice)


@FAMILY.mutation(Bar.SOUND)
def tensors_share_their_numbers(draft: Draft) -> None:
    a, b = draft.chance.sample(sorted(draft.tensors), 2)
    draft.header_edits.append(lambda header: header[a].update(data_offsets=header[b]["data_offsets"]))


@FAMILY.mutation(Bar.SOUND)
def offsets_are_shifted(draft: Draft) -> None:
    name, by = draft.pick(), draft.chance.choice((-8, -1, 1, 2, 64, 1 << 20))
    draft.header_edits.append(
        lambda header: header[name].update(data_offsets=[at + by for at in header[name]["data_offsets"]])
    )


@FAMILY.mutation(Bar.SOUND)
def a_hole_between_tensors(draft: Draft) -> None:
    name = draft.pick()
    draft.header_edits.append(lambda header: header.pop(name) and None)


@FAMILY.mutation(Bar.SOUND)
def bytes_to_spare(draft: Draft) -> None:
    extra = bytes(draft.chance.choice((1, 2, 8, 100_000)))
    draft.raw_edits.append(lambda raw: raw + extra)


@FAMILY.mutation(Bar.SOUND)
def cut_off(draft: Draft) -> None:
    share = draft.chance.choice((0.0, 0.001, 0.1, 0.5, 0.99, draft.chance.random()))
    draft.raw_edits.append(lambda raw: raw[: min(len(raw) - 1, int(len(raw) * share))])


@FAMILY.mutation(Bar.SOUND)
def bits_of_the_header_flipped(draft: Draft) -> None:
    def flip(raw: bytes) -> bytes:
        damaged = bytearray(raw)
        length = int.from_bytes(raw[:8], "little")
        for at in draft.chance.sample(range(8 + length), draft.chance.randint(1, 3)):
            damaged[at] ^= 1 << draft.chance.randrange(8)
        return bytes(damaged)

    draft.raw_edits.append(flip)


@FAMILY.mutation(Bar.SOUND)
def entry_of_other_fields(draft: Draft) -> None:
    name = draft.pick()
    entry: Any = draft.chance.choice(([], {}, None, 7, {"dtype": "F32"}, {"dtype": "F32", "shape": [1, 1]}))
    draft.header_edits.append(lambda header: header.update({name: entry}))


@FAMILY.mutation(Bar.SOUND)
def entry_of_more_fields(draft: Draft) -> None:
    name, field = draft.pick(), draft.chance.choice(("strides", "file", "\x1b[2J", "x" * 100_000))
    draft.header_edits.append(lambda header: header[name].update({field: [1, 2]}))


@FAMILY.mutation(Bar.SOUND)
def metadata_is_no_map_of_texts(draft: Draft) -> None:
    metadata: Any = draft.chance.choice(([], None, "pt", {"format": 1}, {"format": None}, {"a": {"b": "c"}}))
    draft.header_edits.append(lambda header: header.update(__metadata__=metadata))


@FAMILY.mutation(Bar.SOUND)
def header_does_not_begin_with_a_brace(draft: Draft) -> None:
    before = draft.chance.choice((" ", "\n", "\t\r\n", "\ufeff", "\x00"))
    draft.header_edits.append(lambda header: before + json.dumps(header))


@FAMILY.mutation(Bar.SOUND)
def header_of_another_encoding(draft: Draft) -> None:
    encoding = draft.chance.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig"))
    draft.header_edits.append(lambda header: json.dumps(header).encode(encoding))


@FAMILY.mutation(Bar.SOUND)
def header_is_a_flood(draft: Draft) -> None:
    text = draft.chance.choice(
        (
            '{"a":[' + "[]," * 1_000_000 + "0]}",
            "{" + ",".join(f'"{number}":0' for number in range(100_000)) + "}",
            '{"__metadata__":{' + ",".join(f'"{number}":""' for number in range(100_000)) + "}}",
            '{"' + "x" * 2_000_000 + '":{}}',
            " " * (5 << 20),
        )
    )
    draft.header_edits.append(lambda _: text)


@FAMILY.mutation(Bar.SOUND)
def something_else_altogether(draft: Draft) -> None:
    content = draft.chance.choice(
        (
            b"", b"\x00", b"\x00" * 8, b"\xff" * 64, b"PK\x03\x04" + bytes(200), b"\x1f\x8b\x08" + bytes(200),
            b"\x80\x04\x95" + bytes(200), b"\x80\x02}q\x00.", b"GGUF" + bytes(200), b"version https://git-lfs.github.com/spec/v1\n",
            b"\x93NUMPY" + bytes(100), draft.chance.randbytes(4096),
        )
    )  # fmt: skip
    draft.raw_edits.append(lambda _: content)
