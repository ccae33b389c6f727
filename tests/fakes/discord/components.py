"""What Discord demands of buttons, selects, layouts and modals."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from tests.fakes.discord.errors import Form

ROW, BUTTON, STRING_SELECT, TEXT_INPUT, LABEL, TEXT = 1, 2, 3, 4, 18, 10
SELECTS = (3, 5, 6, 7, 8)
LAYOUT = (1, 9, 10, 12, 13, 14, 17)
IN_MODAL = (*SELECTS, TEXT_INPUT, 19, 21, 22, 23)
Path = tuple[str | int, ...]


def walk(components: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each component, with those inside it."""
    for component in components:
        yield component
        yield from walk(component.get("components") or [])
        for inner in ("accessory", "component"):
            if component.get(inner):
                yield from walk([component[inner]])


def check_components(form: Form, components: Any, path: Path, *, layout: bool) -> None:
    """Notes what is wrong with components: rows of buttons and selects, or a layout."""
    seen: set[str] = set()
    if not layout:
        for index, row in enumerate(form.objects(components, path, 0, 5)):
            if row.get("type") != ROW:
                form.add((*path, index), "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1,).')
            else:
                _check_row(form, row, (*path, index), seen)
        return
    items = form.objects(components, path, 1, 40)
    everything = list(walk(items))
    if len(everything) > 40:
        form.add(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", "The maximum number of components is 40")
    if sum(len(c.get("content") or "") for c in everything if c.get("type") == TEXT) > 4000:
        form.add(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", "Displayable text exceeds maximum size of 4000")
    for index, item in enumerate(items):
        _check_layout(form, item, (*path, index), seen)


def _check_layout(form: Form, item: dict[str, Any], path: Path, seen: set[str]) -> None:
    if item.get("type") not in LAYOUT:
        form.add(path, "UNION_TYPE_CHOICES", f'Value of field "type" must be one of {LAYOUT}.')
    elif item["type"] == ROW:
        _check_row(form, item, path, seen)
    elif item["type"] == TEXT:
        form.text(item.get("content"), (*path, "content"), 1, 4000, needed=True)
    elif item["type"] in (9, 17):
        for index, inner in enumerate(form.objects(item.get("components"), (*path, "components"), 1, 40)):
            _check_layout(form, inner, (*path, "components", index), seen)
        accessory = item.get("accessory") or {}
        if accessory.get("type") == BUTTON:
            _check_button(form, accessory, (*path, "accessory"), seen)


def _check_row(form: Form, row: dict[str, Any], path: Path, seen: set[str]) -> None:
    children = form.objects(row.get("components"), (*path, "components"), 1, 5)
    if any(c.get("type") in SELECTS for c in children) and len(children) > 1:
        code = "COMPONENT_LAYOUT_WIDTH_EXCEEDED"
        form.add((*path, "components", 1), code, "The specified component exceeds the maximum width")
    for index, child in enumerate(children):
        place = (*path, "components", index)
        if child.get("type") == BUTTON:
            _check_button(form, child, place, seen)
        elif child.get("type") in SELECTS:
            _check_select(form, child, place, seen)
        else:
            form.add(place, "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (2, 3, 5, 6, 7, 8).')


def _check_id(form: Form, item: dict[str, Any], path: Path, seen: set[str]) -> None:
    custom_id = item.get("custom_id")
    if form.text(custom_id, (*path, "custom_id"), 1, 100, needed=True):
        if custom_id in seen:
            code = "COMPONENT_CUSTOM_ID_DUPLICATED"
            form.add((*path, "custom_id"), code, "Component custom id cannot be duplicated")
        seen.add(str(custom_id))


def _check_button(form: Form, button: dict[str, Any], path: Path, seen: set[str]) -> None:
    form.one_of(button.get("style"), (*path, "style"), (1, 2, 3, 4, 5, 6))
    form.text(button.get("label"), (*path, "label"), 0, 80)
    _check_emoji(form, button.get("emoji"), path)
    if not button.get("label") and not button.get("emoji") and button.get("style") != 6:
        form.add(path, "BUTTON_COMPONENT_INVALID", "A button must have a label or emoji")
    if button.get("style") == 5:
        form.text(button.get("url"), (*path, "url"), 1, 512, needed=True)
        if button.get("custom_id") is not None:
            code = "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE"
            form.add((*path, "custom_id"), code, "A custom id and url cannot both be specified")
    elif button.get("style") != 6:
        _check_id(form, button, path, seen)


def _check_emoji(form: Form, emoji: dict[str, Any] | None, path: Path) -> None:
    name = (emoji or {}).get("name") or ""
    if emoji is not None and (emoji.get("id") or not any(unicodedata.category(c) in ("So", "Sk", "Me") for c in name)):
        form.add((*path, "emoji", "name"), "COMPONENT_INVALID_EMOJI", "Invalid emoji")


def _check_select(form: Form, select: dict[str, Any], path: Path, seen: set[str]) -> None:
    _check_id(form, select, path, seen)
    form.text(select.get("placeholder"), (*path, "placeholder"), 0, 150)
    form.number(select.get("min_values"), (*path, "min_values"), 0, 25)
    form.number(select.get("max_values"), (*path, "max_values"), 1, 25)
    if select["type"] != STRING_SELECT:
        return
    options = form.objects(select.get("options"), (*path, "options"), 1, 25)
    values: set[str] = set()
    for index, option in enumerate(options):
        place = (*path, "options", index)
        form.text(option.get("label"), (*place, "label"), 1, 100, needed=True)
        form.text(option.get("description"), (*place, "description"), 0, 100)
        _check_emoji(form, option.get("emoji"), place)
        if form.text(option.get("value"), (*place, "value"), 1, 100, needed=True):
            if option["value"] in values:
                code = "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED"
                form.add(place, code, "The specified option value is already used")
            values.add(option["value"])
    if (select.get("max_values") or 1) > len(options):
        form.add((*path, "max_values"), "SELECT_COMPONENT_MAX_VALUES_TOO_LARGE", "max_values exceeds the options")
    if sum(bool(o.get("default")) for o in options) > (select.get("max_values") or 1):
        form.add((*path, "options"), "SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES", "Too many default values")


def check_modal(form: Form, modal: dict[str, Any], path: Path = ("data",)) -> None:
    """Notes what is wrong with a modal."""
    form.text(modal.get("title"), (*path, "title"), 1, 45, needed=True)
    form.text(modal.get("custom_id"), (*path, "custom_id"), 1, 100, needed=True)
    seen: set[str] = set()
    for index, item in enumerate(form.objects(modal.get("components"), (*path, "components"), 1, 5)):
        place = (*path, "components", index)
        if item.get("type") == ROW:
            for inner_index, inner in enumerate(form.objects(item.get("components"), (*place, "components"), 1, 1)):
                form.text(inner.get("label"), (*place, "components", inner_index, "label"), 1, 45, needed=True)
                _check_field(form, inner, (*place, "components", inner_index), seen)
        elif item.get("type") == LABEL:
            form.text(item.get("label"), (*place, "label"), 1, 45, needed=True)
            form.text(item.get("description"), (*place, "description"), 0, 100)
            _check_field(form, item.get("component") or {}, (*place, "component"), seen)
        elif item.get("type") != TEXT:
            form.add(place, "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1, 10, 18).')


def _check_field(form: Form, field: dict[str, Any], path: Path, seen: set[str]) -> None:
    if not form.one_of(field.get("type"), (*path, "type"), IN_MODAL):
        return
    if field["type"] in SELECTS:
        _check_select(form, field, path, seen)
        return
    _check_id(form, field, path, seen)
    if field["type"] == TEXT_INPUT:
        form.one_of(field.get("style"), (*path, "style"), (1, 2))
        form.number(field.get("min_length"), (*path, "min_length"), 0, 4000)
        form.number(field.get("max_length"), (*path, "max_length"), 1, 4000)
        form.text(field.get("value"), (*path, "value"), 0, 4000)
        form.text(field.get("placeholder"), (*path, "placeholder"), 0, 100)
