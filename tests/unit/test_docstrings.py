"""Docstrings tell the truth about names: every argument they describe is one of the function's."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("consilium", "bot", "inference", "db", "benchmarks", "tests")
ARGUMENTS = re.compile(r"^Args:\n(.*?)(?=\n\n|\n\w|\Z)", re.DOTALL | re.MULTILINE)
NAMES = re.compile(r"^    ([a-z_][\w, ]*):", re.MULTILINE)


def described_but_missing(source: str) -> list[str]:
    """`line: name` for each argument in a docstring that the function does not take."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        section = ARGUMENTS.search(ast.get_docstring(node) or "")
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        taken = {argument.arg for argument in every if argument}
        described = re.split(r",\s*", ", ".join(NAMES.findall(section[1]))) if section else []
        found += [f"{node.lineno}: {name}" for name in described if name and name not in taken]
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_described_arguments_exist(package: str) -> None:
    missing = {
        str(path.relative_to(ROOT)): names
        for path in sorted((ROOT / package).rglob("*.py"))
        if (names := described_but_missing(path.read_text("utf-8")))
    }
    assert missing == {}


def test_missing_argument_is_found() -> None:
    source = '''
def send(text, *, seconds):
    """Send.

    Args:
        text: what to send;
            more of it: nothing.
        seconds, patience: how long.
    """
'''
    assert described_but_missing(source) == ["2: patience"]
