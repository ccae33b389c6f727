"""Reads YAML into plain values and keeps the line of each, so that a mistake can name its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from bot.minds.errors import Mistake
from consilium.errors import N_

MAX_BYTES: Final = 1_000_000
"""Of a file. A thousand adapters with names and descriptions in two languages take a third of it."""
MAX_VALUES: Final = 50_000
"""Values in one document. Each use of an alias counts: a few lines of aliases can expand to billions of values."""
MAX_OPEN_BRACKETS: Final = 100
_MAX_DEPTH: Final = 12
_TAG: Final = "tag:yaml.org,2002:"

KeyPathStep = str | int
KeyPath = tuple[KeyPathStep, ...]
"""Keys and indices that lead to a value."""
YamlValue = None | bool | int | float | str | list["YamlValue"] | dict[str, "YamlValue"]


@dataclass(slots=True)
class YamlDocument:
    """One YAML file."""

    file: str
    values: dict[str, YamlValue] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    """Line of each key and item, counted from 1."""
    mistakes: list[Mistake] = field(default_factory=list)

    def line(self, place: KeyPath) -> int:
        """The line of `place`, or of the innermost key or item around it that is in the file."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def mistake(self, place: KeyPath, sentence: str, remedy: str, **details: object) -> Mistake:
        """A mistake at `place`. Its templates may use `{place}`, which is the path with dots."""
        return Mistake(self.file, self.line(place), sentence, remedy, {"place": _dotted_path(place), **details})


def read_yaml_document(folder: Path, file: str) -> YamlDocument:
    """Read `folder/file`; blocking. If it is not valid YAML, the document's `mistakes` say why."""
    document = YamlDocument(file)
    document.mistakes.extend(_read_file(folder / file, document))
    return document


def _read_file(path: Path, document: YamlDocument) -> Iterator[Mistake]:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        other = path.with_suffix(".yml")
        yield Mistake(
            document.file,
            None,
            N_("this file cannot be read ({reason})."),
            N_("Rename {other} to {file}.")
            if other.is_file()
            else N_("Create it; `consilium init` writes a template."),
            {"reason": error.strerror, "other": other.name, "file": path.name},
        )
        return
    if len(content) > MAX_BYTES:
        sentence, remedy = N_("this file is over {limit} bytes."), N_("Keep texts in the library.")
        yield Mistake(document.file, None, sentence, remedy, {"limit": MAX_BYTES})
        return
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        details = {"byte": f"0x{content[error.start]:02x}"}
        yield Mistake(document.file, line, N_("byte {byte} is not UTF-8 text."), N_("Save the file as UTF-8."), details)
        return
    yield from _parse_yaml(text, document)


def _parse_yaml(text: str, document: YamlDocument) -> Iterator[Mistake]:
    if line := _find_line_nested_too_deep(text):
        yield _too_deep_mistake(document, line, N_("the brackets are nested too deep."))
        return
    try:
        root = YAML(typ="rt", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        yield _invalid_yaml_mistake(document, line, error.problem or error.context or "")
        return
    except ReaderError as error:
        yield _invalid_yaml_mistake(document, text.count("\n", 0, error.position) + 1, error.reason)
        return
    except (YAMLError, ValueError) as error:
        yield _invalid_yaml_mistake(document, 1, str(error))
        return
    except RecursionError:
        yield _too_deep_mistake(document, 1, N_("the lines are indented too deep."))
        return
    if root is None:
        yield Mistake(document.file, 1, N_("this file is empty."), N_("`consilium init` writes a template."))
    elif not isinstance(root, MappingNode):
        yield Mistake(
            document.file,
            root.start_mark.line + 1,
            N_("keys with values are needed here."),
            N_("Write `key: value` lines; `consilium init` writes a template."),
        )
    else:
        converter = _NodeConverter(document)
        document.values = converter.mapping(root, ())
        yield from converter.mistakes


def _find_line_nested_too_deep(text: str) -> int | None:
    """The line with more than `MAX_OPEN_BRACKETS` open brackets; the parser would take very long to read them."""
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        depth += sum(line.count(opening) for opening in "[{") - sum(line.count(closing) for closing in "]}")
        if depth > MAX_OPEN_BRACKETS:
            return number
    return None


def _too_deep_mistake(document: YamlDocument, line: int, sentence: str) -> Mistake:
    return Mistake(document.file, line, sentence, N_("Write it with fewer levels."))


def _invalid_yaml_mistake(document: YamlDocument, line: int, problem: str) -> Mistake:
    return Mistake(
        document.file,
        line,
        N_("this is not YAML: {problem}."),
        N_("Write `key: value`, indent with spaces, put text with “:” or “#” in quotes."),
        {"problem": problem.strip().rstrip(".").replace("\n", " ")},
    )


class _NodeConverter:
    """Converts YAML nodes into plain values. It records their lines, and a mistake for what these files never use."""

    def __init__(self, document: YamlDocument) -> None:
        self._document = document
        self._value_count = 0
        self.mistakes: list[Mistake] = []

    def mapping(self, node: MappingNode, place: KeyPath) -> dict[str, YamlValue]:
        values: dict[str, YamlValue] = {}
        for key_node, value_node in node.value:
            if self._value_count >= MAX_VALUES:
                break
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, ScalarNode) else None
            if key is None or key_node.tag == f"{_TAG}merge":
                self._add_mistake(line, N_("this key is not a plain word."), N_("Write a word before the colon."))
            elif key in values:
                self._add_mistake(line, N_("“{key}” is written twice."), N_("Keep one of the two."), key=key)
            else:
                self._document.lines[(*place, key)] = line
                values[key] = self._value(value_node, (*place, key))
        return values

    def _value(self, node: Node, place: KeyPath) -> YamlValue:
        self._value_count += 1
        if self._value_count == MAX_VALUES:
            self._add_mistake(
                self._document.line(place), N_("there are too many values."), N_("Write them out, once each.")
            )
        if self._value_count >= MAX_VALUES or len(place) > _MAX_DEPTH:
            return None
        if isinstance(node, MappingNode):
            return self.mapping(node, place)
        if isinstance(node, SequenceNode):
            return self._sequence(node, place)
        return self._scalar(node)

    def _sequence(self, node: SequenceNode, place: KeyPath) -> list[YamlValue]:
        values: list[YamlValue] = []
        for index, item in enumerate(node.value):
            if self._value_count >= MAX_VALUES:
                break
            self._document.lines[(*place, index)] = item.start_mark.line + 1
            values.append(self._value(item, (*place, index)))
        return values

    def _scalar(self, node: Node) -> YamlValue:
        tag, text = str(node.tag).removeprefix(_TAG), str(node.value)
        try:
            if tag in _SCALAR_PARSERS:
                return _SCALAR_PARSERS[tag](text)
        except ValueError:
            tag = f"!!{tag}"
        line = node.start_mark.line + 1
        self._add_mistake(line, N_("“{tag} {text}” has no meaning here."), N_("Leave “{tag}” out."), tag=tag, text=text)
        return None

    def _add_mistake(self, line: int, sentence: str, remedy: str, **details: object) -> None:
        self.mistakes.append(Mistake(self._document.file, line, sentence, remedy, details))


def _parse_integer(text: str) -> int:
    digits = text.replace("_", "")
    return int(digits, 0 if digits.lstrip("+-")[:2] in ("0x", "0o", "0b") else 10)


_SCALAR_PARSERS: Final[dict[str, Callable[[str], YamlValue]]] = {
    "null": lambda _: None,
    "bool": lambda text: text.lower() == "true",
    "int": _parse_integer,
    "float": lambda text: float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan")),
    "str": str,
    "timestamp": str,
}
"""How the text of a scalar becomes a value, by YAML tag."""


def _dotted_path(place: KeyPath) -> str:
    return ".".join(f"{step + 1}" if isinstance(step, int) else step for step in place)
