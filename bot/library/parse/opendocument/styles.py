"""The styles of an OpenDocument file that decide what is seen."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from bot.library.parse.package import attribute, local_name

_NUMBER_LEVEL = "list-level-style-number"


class Styles:
    """Which styles hide what they are applied to, and which lists are numbered."""

    def __init__(self, *roots: Element | None) -> None:
        """Read the styles of these parts."""
        self._hidden: set[tuple[str, str]] = set()
        self._numbered: dict[tuple[str, str], tuple[str, str]] = {}
        for root in roots:
            for element in root.iter() if root is not None else ():
                name = local_name(element)
                if name == "style":
                    if any(_hides(properties) for properties in element):
                        self._hidden.add((attribute(element, "family"), attribute(element, "name")))
                elif name == "list-style":
                    for level in element:
                        if local_name(level) == _NUMBER_LEVEL and attribute(level, "num-format"):
                            key = (attribute(element, "name"), attribute(level, "level"))
                            self._numbered[key] = (attribute(level, "num-prefix"), attribute(level, "num-suffix", "."))

    def hides(self, family: str, name: str) -> bool:
        """Whether a style of this family hides or strikes out what it is applied to."""
        return (family, name) in self._hidden

    def number_marks(self, list_style: str, level: int) -> tuple[str, str] | None:
        """What stands before and after the numbers of a list; None where it has none."""
        return self._numbered.get((list_style, str(level)))


def _hides(properties: Element) -> bool:
    """Whether properties of a text, a table or a slide hide it."""
    return (
        attribute(properties, "text-line-through-style", "none") != "none"
        or attribute(properties, "text-line-through-type", "none") != "none"
        or attribute(properties, "display") in ("none", "false")
        or attribute(properties, "visibility") == "hidden"
    )
