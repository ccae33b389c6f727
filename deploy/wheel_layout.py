"""Puts everything under the one name `consilium` in the wheel: `bot` becomes `consilium.bot`, and so on.

In the repository the packages are `bot`, `inference` and `db`; in somebody's environment these names may be taken, and
two packages of one name overwrite each other's files. Hatchling places the files (`sources` in pyproject.toml) and this
build hook rewrites what names a module: imports, and strings that are nothing but the name of a module, as `python -m`
and lazy commands need them. An editable install stays as it is.
"""

from __future__ import annotations

import ast
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGES: Final = ("bot", "db", "inference")
NAME: Final = "consilium"
"""The package that the others are put into. Its own modules are rewritten as well."""
_PREFIX: Final = re.compile(rf"(?:{'|'.join(PACKAGES)})\.")


class CannotBeMoved(Exception):
    """Code that names a module in a way that cannot be rewritten."""

    def __init__(self, where: str, line: int, problem: str) -> None:
        super().__init__(f"{where}:{line}: {problem}")


class OneNameHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's configuration type is of no interest
    """Gives hatchling the rewritten files instead of the original ones."""

    PLUGIN_NAME = "custom"
    _folder: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the moved modules into a folder of their own."""
        if version != "standard":
            return
        root = Path(self.root)
        sources = sorted(path for package in (NAME, *PACKAGES) for path in (root / package).rglob("*.py"))
        modules = {module_name(path.relative_to(root)) for path in sources}
        self._folder = Path(tempfile.mkdtemp(prefix="consilium-wheel-"))
        for path in sources:
            relative = path.relative_to(root)
            text = path.read_text("utf-8")
            moved = move_modules(text, modules, str(relative))
            if moved == text:
                continue
            target = self._folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(moved, "utf-8")
            placed = relative if relative.parts[0] == NAME else NAME / relative
            build_data["force_include"][str(target)] = placed.as_posix()

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder)


def module_name(path: Path) -> str:
    """The module that a file, relative to the root, is: `bot/cli/app.py` is `bot.cli.app`."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def move_modules(source: str, modules: Collection[str], where: str = "source") -> str:
    """The source of a module with every name of a module in its new place.

    Args:
        modules: all modules there are, by their names in the repository.
        where: what an error calls the source.

    Raises:
        CannotBeMoved: it names a module in a way that is not an import and not a plain string.
    """
    tree = ast.parse(source)
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    documentation = {id(node) for node in _docstrings(tree)}
    edits: list[tuple[int, int, int, str]] = []
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), level=0) if _is_moved(module):
                start = _find_after_from(lines, node, module, where)
                edits.append((*start, len(module.encode()), f"{NAME}.{module}"))
            case ast.Import(names=aliases):
                for alias in aliases:
                    if _is_moved(alias.name):
                        length = (alias.end_col_offset or 0) - alias.col_offset
                        edits.append((alias.lineno, alias.col_offset, length, _moved_import(alias)))
            case ast.Constant(value=str(text)) if "." in text and text in modules and id(node) not in documentation:
                if _is_moved(text):
                    edits.append(_string_edit(lines, node, text, where))
            case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]) if _PREFIX.match(text):
                raise CannotBeMoved(where, node.lineno, "a module's name is put together; write it out")
    for line, column, length, replacement in sorted(edits, reverse=True):
        before = lines[line - 1]
        lines[line - 1] = before[:column] + replacement.encode() + before[column + length :]
    return b"".join(lines).decode()


def _is_moved(module: str) -> bool:
    return module.partition(".")[0] in PACKAGES


def _moved_import(alias: ast.alias) -> str:
    if alias.asname:
        return f"{NAME}.{alias.name} as {alias.asname}"
    # `import bot.x` binds `bot`, and `import consilium.bot.x` would not.
    top = alias.name.partition(".")[0]
    bound = f"{NAME}.{top} as {top}"
    return bound if alias.name == top else f"{NAME}.{alias.name}, {bound}"


def _find_after_from(lines: list[bytes], node: ast.ImportFrom, module: str, where: str) -> tuple[int, int]:
    found = re.match(rb"from\s+", lines[node.lineno - 1][node.col_offset :])
    column = node.col_offset + (found.end() if found else 0)
    if not found or not lines[node.lineno - 1][column:].startswith(module.encode()):
        raise CannotBeMoved(where, node.lineno, "an import is not written on one line")
    return node.lineno, column


def _string_edit(lines: list[bytes], node: ast.Constant, text: str, where: str) -> tuple[int, int, int, str]:
    written = lines[node.lineno - 1][node.col_offset : node.end_col_offset]
    if node.lineno != node.end_lineno or written not in (f'"{text}"'.encode(), f"'{text}'".encode()):
        raise CannotBeMoved(where, node.lineno, "a module's name is written in pieces; write it as one plain string")
    return node.lineno, node.col_offset + 1, len(text.encode()), f"{NAME}.{text}"


def _docstrings(tree: ast.AST) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str()) as text):
                yield text
