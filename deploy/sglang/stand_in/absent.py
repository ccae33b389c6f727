"""Packages that can be imported but not used: what SGLang imports everywhere and, for text on a CPU, calls nowhere."""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType


class Absent:
    """Something that is not here: may be imported, stored and asked for attributes, may not be called."""

    def __init__(self, name: str, reason: str) -> None:
        self._name = name
        self._reason = reason

    def __getattr__(self, name: str) -> Absent:
        return _attribute(self._name, self._reason, name)

    def __call__(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise NotImplementedError(f"{self._name} was called, but {self._reason}")


def _attribute(owner: str, reason: str, name: str) -> Absent:
    # Protocols (__path__, __wrapped__, ...) must stay absent, or importlib and inspect lose their way.
    if name.startswith("__"):
        raise AttributeError(f"{owner} has no {name}")
    return Absent(f"{owner}.{name}", reason)


class _Submodules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes `import package.anything` succeed."""

    def __init__(self, package: str, reason: str) -> None:
        self._prefix = f"{package}."
        self._reason = reason

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith(self._prefix):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__getattr__"] = functools.partial(_attribute, module.__name__, self._reason)


def stand_in(package: str, reason: str) -> Callable[[str], Absent]:
    """Make every submodule of `package` importable and return the `__getattr__` the package itself needs.

    Args:
        package: the package's full name.
        reason: ends the sentence "x.y was called, but ...".
    """
    sys.meta_path.append(_Submodules(package, reason))
    return functools.partial(_attribute, package, reason)
