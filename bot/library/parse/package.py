"""Office files and books: zip archives of XML parts."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Final, Self
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from bot.library.parse.errors import DamagedArchive, Unreadable, error_reason
from bot.library.parse.limits import MB, ParseLimits, check_archive

_PACKAGE_RELATIONSHIP: Final = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"


class Package:
    """An archive whose parts are read by name. A context manager.

    Entities cannot grow without limit: expat, which parses the parts, ends where they do.
    """

    def __init__(self, path: Path, limits: ParseLimits) -> None:
        """Open it.

        Raises:
            Bomb, TooLarge, Protected, DamagedArchive
        """
        check_archive(path, limits)
        self._archive = zipfile.ZipFile(path)
        self.names = frozenset(self._archive.namelist())
        self._max_part = limits.unpacked_megabytes * MB

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def read(self, name: str) -> bytes:
        """The content of a part.

        Raises:
            Unreadable: there is none, or it is damaged.
        """
        try:
            return self._archive.read(name)
        except KeyError as error:
            raise Unreadable(f"{name} is missing") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise DamagedArchive from error

    def open(self, name: str) -> IO[bytes]:
        """A part as a stream.

        Raises:
            Unreadable: there is none.
        """
        try:
            return self._archive.open(name)
        except (KeyError, zipfile.BadZipFile, NotImplementedError) as error:
            raise Unreadable(error_reason(error)) from error

    def xml(self, name: str) -> Element:
        """The root element of a part.

        Raises:
            Unreadable
        """
        return parse_xml(self.read(name))

    def optional_xml(self, name: str | None) -> Element | None:
        """The root element of a part; None where there is no such part."""
        return self.xml(name) if name in self.names and name is not None else None

    def related(self, name: str) -> dict[str, tuple[str, str]]:
        """The parts that a part of an office file refers to: by id, the last word of their type, and their name."""
        place = PurePosixPath(name)
        root = self.optional_xml(f"{place.parent}/_rels/{place.name}.rels".removeprefix("./"))
        if root is None:
            return {}
        return {
            link.get("Id", ""): (link.get("Type", "").rpartition("/")[2], resolve(name, link.get("Target", "")))
            for link in root.iter(_PACKAGE_RELATIONSHIP)
            if link.get("TargetMode") != "External"
        }

    def main_part(self, default: str) -> str:
        """The part that an office file begins with."""
        for kind, target in self.related("").values():
            if kind == "officeDocument" and target in self.names:
                return target
        return default


def resolve(base: str, target: str) -> str:
    """The name of the part at `target`, seen from the part `base`."""
    target = unquote(target)
    if target.startswith("/"):
        return target[1:]
    parts = list(PurePosixPath(base).parent.parts) if base else []
    for part in PurePosixPath(target).parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
    return "/".join(parts)


def parse_xml(content: bytes) -> Element:
    """The root element of a text in XML.

    Raises:
        Unreadable
    """
    try:
        return ElementTree.fromstring(content)  # noqa: S314  # expat limits what entities grow to
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise Unreadable(error_reason(error)) from error


def iterate(package: Package, name: str, tags: frozenset[str]) -> Iterator[Element]:
    """The elements of a large part with these tags, without their namespaces: each complete, and forgotten after use.

    Raises:
        Unreadable
    """
    depth = 0
    path: list[Element] = []
    try:
        with package.open(name) as stream:
            for event, element in ElementTree.iterparse(stream, ("start", "end")):  # noqa: S314  # as above
                is_wanted = local_name(element) in tags
                if event == "start":
                    depth += is_wanted
                    path.append(element)
                    continue
                path.pop()
                depth -= is_wanted
                if depth:
                    continue
                if is_wanted:
                    yield element
                element.clear()
                if path:
                    path[-1].remove(element)
    except (ElementTree.ParseError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, LookupError) as error:
        raise Unreadable(error_reason(error)) from error


def local_name(element: Element) -> str:
    """The tag of an element without its namespace, which differs between variants of a format."""
    return element.tag.rpartition("}")[2]


def attribute(element: Element | None, name: str, default: str = "") -> str:
    """The attribute of an element whose name without its namespace is this."""
    if element is None:
        return default
    found = element.get(name)
    if found is not None:
        return found
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), default)


def child(element: Element | None, *names: str) -> Element | None:
    """The element at a path of names without namespaces, each the first child of that name."""
    for name in names:
        if element is None:
            return None
        element = next((one for one in element if local_name(one) == name), None)
    return element


def children(element: Element | None, name: str) -> Iterator[Element]:
    """The children of an element with this name without its namespace."""
    return (one for one in (element if element is not None else ()) if local_name(one) == name)
