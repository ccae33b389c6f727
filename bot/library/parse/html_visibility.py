"""Which elements of a page a reader does not see, or is not meant to read as its text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_SKIPPED_TAGS: Final = frozenset(
    {"script", "style", "noscript", "template", "nav", "head", "svg", "iframe", "button", "select", "textarea"}
    | {"audio", "video", "canvas", "object", "rp", "annotation", "annotation-xml", "caption", "datalist", "title"}
)
"""Elements that are no text of the page. The caption of a table is read with its table."""
_SKIPPED_CLASSES: Final = frozenset({"mw-editsection", "noprint", "navbox", "mw-jump-link", "sr-only-focusable"})
"""Classes of links and boxes that belong to the site, and not to the text of the page."""
_SKIPPED_ROLES: Final = frozenset({"navigation", "search", "banner", "contentinfo", "dialog", "menu", "menubar"})
_TEXT_PARTS: Final = frozenset({"article", "section", "main", "blockquote", "figure"})
"""Elements whose footer belongs to the text."""
_MAX_ABOVE: Final = 100
"""Elements around a footer that are looked at: deeper ones do not frame a page."""
_STRUCK_TAGS: Final = frozenset({"del", "s", "strike"})
_HIDING_STYLE: Final = re.compile(
    r"(?:^|[;{\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all"
    r"|opacity\s*:\s*0*(?:\.0+)?\s*(?:[;!}]|$)|font-size\s*:\s*0(?:px|pt|em|%)?\s*(?:[;!}]|$)"
    r"|text-decoration(?:-line)?\s*:[^;}]{0,60}line-through)",
    re.IGNORECASE,
)
_RULE: Final = re.compile(r"([^{}]{1,500})\{([^{}]{0,5000})\}")
_NESTED_RULES: Final = re.compile(r"@[^{};]{0,500}\{(?:[^{}]{0,5000}\{[^{}]{0,5000}\}){0,1000}[^{}]{0,5000}\}")
"""Rules for printing, small screens and the like."""
_COMMENT: Final = re.compile(r"/\*.{0,10000}?\*/", re.DOTALL)
_PLAIN_SELECTOR: Final = re.compile(r"[\w\s.#>+~,*-]{1,300}")
"""Selectors without states such as `:hover`: what is hidden only then is seen."""
_MAX_HIDING_RULES: Final = 100
_MAX_STYLE_SIZE: Final = 200_000
_REFERENCE: Final = re.compile(r"\[?\s*(?:\d{1,4}|[a-zа-я]|[*†‡§]{1,3})\s*\]?", re.IGNORECASE)
_BACK_LINK: Final = re.compile(r"\[?[↑↩⤴⏎^\ufe0e\s]{1,4}\]?")


class Visibility:
    """Tells which elements are left out, and remembers whether any of them had hidden text."""

    def __init__(self, page: LexborHTMLParser) -> None:
        self.has_left_out = False
        self._hidden_by_rule: set[int] = set()
        for selector in _hiding_selectors(page):
            try:
                self._hidden_by_rule.update(node.mem_id for node in page.css(selector))
            except Exception:  # noqa: S112  # a selector the library does not know hides nothing
                continue

    def is_left_out(self, node: LexborNode) -> bool:
        """Whether an element is no text of the page: hidden, struck out, or there for the page to work."""
        if node.tag in _SKIPPED_TAGS:
            return True
        if node.tag in ("a", "sup") and _is_note_link(node):
            return True
        if _frames_page(node):
            return True
        if self._is_hidden(node):
            self.has_left_out = self.has_left_out or bool(node.text().strip())
            return True
        return False

    def _is_hidden(self, node: LexborNode) -> bool:
        if node.tag in _STRUCK_TAGS or node.mem_id in self._hidden_by_rule:
            return True
        attributes = node.attributes
        if "hidden" in attributes or attributes.get("aria-hidden") == "true":
            return True
        if node.tag == "dialog" and "open" not in attributes:
            return True
        return bool(_HIDING_STYLE.search(attributes.get("style") or ""))


def _hiding_selectors(page: LexborHTMLParser) -> list[str]:
    """The selectors of the page's own rules that hide elements."""
    selectors: list[str] = []
    for style in page.css("style"):
        if style.attributes.get("media") not in (None, "", "all", "screen"):
            continue
        rules = _NESTED_RULES.sub("", _COMMENT.sub("", style.text()[:_MAX_STYLE_SIZE]))
        for rule in _RULE.finditer(rules):
            selector = rule[1].strip()
            if _HIDING_STYLE.search(rule[2]) and _PLAIN_SELECTOR.fullmatch(selector):
                selectors.append(selector)
    return selectors[:_MAX_HIDING_RULES]


def _frames_page(node: LexborNode) -> bool:
    """Whether an element belongs to the site around the text."""
    attributes = node.attributes
    if attributes.get("role") in _SKIPPED_ROLES or not _SKIPPED_CLASSES.isdisjoint(
        (attributes.get("class") or "").split()
    ):
        return True
    if node.tag != "footer":
        return False
    above = node.parent
    for _ in range(_MAX_ABOVE):
        if above is None:
            return True
        if above.tag in _TEXT_PARTS:
            return False
        above = above.parent
    return False


def _is_note_link(node: LexborNode) -> bool:
    """Whether an element only links a place in the text with its note: “[1]” there, “↑” here."""
    link = node if node.tag == "a" else node.css_first("a")
    if link is None or not (link.attributes.get("href") or "").startswith("#"):
        return False
    text = node.text().strip()
    is_reference = _REFERENCE.fullmatch(text) and (node.tag == "sup" or text.startswith("["))
    return bool(is_reference or _BACK_LINK.fullmatch(text))
