"""The JSON Schemas for editors: up to date, and they accept the minds that ship."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.minds.json_schema import MODELS, SCHEMAS_FOLDER, build_json_schema, outdated_schemas, update_schemas
from bot.minds.schema import MindSpec, RagConfigFile, StrictModel

ROOT = Path(__file__).parents[4]
MINDS = [ROOT / "minds" / "agoge", SCHEMAS_FOLDER.parent]
FILES = {"mind.yaml": MindSpec, "rag_config.yaml": RagConfigFile}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def problems(value: Any, schema: dict[str, Any], root: dict[str, Any], place: str = "") -> Iterator[str]:
    """What a validator would report, for the keywords that our schemas have."""
    if "$ref" in schema:
        yield from problems(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, place)
    if "anyOf" in schema and all(list(problems(value, choice, root)) for choice in schema["anyOf"]):
        yield f"{place}: fits no choice"
    if schema.get("type") in TYPES and not isinstance(value, TYPES[schema["type"]]):
        yield f"{place}: not of type {schema['type']}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: not among the choices"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{place}: does not match"
    if isinstance(value, list):
        for item in value:
            yield from problems(item, schema.get("items", {}), root, f"{place}.*")
    if isinstance(value, dict):
        yield from (f"{place}: {key} is missing" for key in schema.get("required", ()) if key not in value)
        for key, inner in value.items():
            patterns = [s for p, s in schema.get("patternProperties", {}).items() if re.search(p, key)]
            other = schema.get("additionalProperties", {})
            found = schema.get("properties", {}).get(key) or next(iter(patterns), other)
            yield from [f"{place}: unknown {key}"] if found is False else problems(inner, found, root, f"{place}.{key}")


def examples(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every subschema that has examples."""
    if isinstance(schema, dict):
        if "examples" in schema:
            yield path, schema
        for key, inner in schema.items():
            yield from examples(inner, f"{path}/{key}")


def test_schema_files_are_up_to_date() -> None:
    assert outdated_schemas() == [], "run `make schemas`"


def test_missing_or_changed_schema_is_outdated(tmp_path: Path) -> None:
    assert len(outdated_schemas(tmp_path)) == len(MODELS)
    update_schemas(tmp_path)
    assert outdated_schemas(tmp_path) == []
    changed = tmp_path / next(iter(MODELS))
    changed.write_text("{}", encoding="utf-8")
    assert outdated_schemas(tmp_path) == [changed]


@pytest.mark.parametrize("folder", MINDS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("file", FILES)
def test_shipped_file_fits_its_schema_and_names_it(folder: Path, file: str) -> None:
    text = (folder / file).read_text("utf-8")
    schema = build_json_schema(FILES[file])
    assert list(problems(YAML(typ="safe").load(text), schema, schema)) == []
    line = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert line is not None
    assert (folder / line[1]).resolve().parent == SCHEMAS_FOLDER
    assert MODELS[(folder / line[1]).name] is FILES[file]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"nam": "x"}, "unknown nam"),
        ({"adapters": {"core": {"kind": "solo", "path": "x"}}}, "not among the choices"),
        ({"adapters": {"core": {"kind": "core"}}}, "path is missing"),
        ({"languages": "en"}, "not of type array"),
        ({"languages": ["English"]}, "does not match"),
        ({"title": {"English": "x"}}, "fits no choice"),
    ],
)
def test_schema_rejects_what_the_loader_rejects(change: dict[str, Any], problem: str) -> None:
    mind = {"name": "x", "base_model": "x", "adapters": {"core": {"kind": "core", "path": "x"}}}
    schema = build_json_schema(MindSpec)
    assert list(problems(mind, schema, schema)) == []
    assert any(problem in found for found in problems({**mind, **change}, schema, schema))


@pytest.mark.parametrize("model", MODELS.values())
def test_examples_fit_and_each_field_is_described(model: type[StrictModel]) -> None:
    schema = build_json_schema(model)
    found = dict(examples(schema))
    assert found
    for path, field in found.items():
        for example in field["examples"]:
            assert list(problems(example, field, schema)) == [], path
    for owner in (schema, *schema["$defs"].values()):
        for name, field in owner.get("properties", {}).items():
            described = "description" in field or "description" in schema["$defs"][field["$ref"].rpartition("/")[2]]
            assert described, name
