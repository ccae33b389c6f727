"""Takes keys out of a YAML text; comments, order and all other lines stay."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from ruamel.yaml import YAML

_WIDTH: Final = 1000
"""Characters after which the writer would break a line: never."""


def without_keys(text: str, where: Sequence[str], keys: Collection[str]) -> str:
    """The text without these keys and their values.

    Args:
        text: YAML that can be read.
        where: the keys that lead to the mappings; `*` is every key.
        keys: what is taken out of each.
    """
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes, yaml.width = True, _WIDTH
    root = yaml.load(text)
    for mapping in _mappings(root, where):
        for key in keys:
            mapping.pop(key, None)
    target = io.StringIO()
    yaml.dump(root, target)
    return target.getvalue()


def _mappings(node: Any, where: Sequence[str]) -> Iterator[dict[str, Any]]:
    if not isinstance(node, dict):
        return
    if not where:
        yield node
        return
    for key, value in node.items():
        if where[0] in ("*", key):
            yield from _mappings(value, where[1:])
