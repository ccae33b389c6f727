"""JSON Schemas of `mind.yaml` and `rag_config.yaml` for editors: `python -m bot.minds.json_schema --update | --check`.

They come from the pydantic models and lie in the mind template, so that each new mind has them beside its files.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from bot.minds.schema import MindSpec, RagConfigFile, StrictModel

SCHEMAS_FOLDER: Final = Path(__file__).parent / "template" / "schemas"
MODELS: Final[Mapping[str, type[StrictModel]]] = {
    "mind.schema.json": MindSpec,
    "rag_config.schema.json": RagConfigFile,
}
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def build_json_schema(model: type[StrictModel]) -> dict[str, Any]:
    """The JSON Schema of one file, with the fields' docstrings as descriptions and their examples as values."""
    schema = {"$schema": _DIALECT, **model.model_json_schema()}
    _polish(schema)
    return schema


def outdated_schemas(folder: Path = SCHEMAS_FOLDER) -> list[Path]:
    """The schema files that are missing or differ from the models."""
    return [folder / name for name, model in MODELS.items() if _read(folder / name) != _render(model)]


def update_schemas(folder: Path = SCHEMAS_FOLDER) -> None:
    """Write the schema files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in MODELS.items():
        (folder / name).write_text(_render(model), encoding="utf-8")


def _polish(node: dict[str, Any]) -> None:
    """Make a schema and those inside it better for an editor."""
    node.pop("title", None)  # the name of a field or a class
    if "enum" in node:
        node.pop("description", None)  # each field that uses it has its own
    if "examples" in node:
        node["examples"] = [YAML(typ="safe").load(example) for example in node["examples"]]
    if "patternProperties" in node:
        node["additionalProperties"] = False
    for keyword in ("$defs", "properties", "patternProperties"):
        for inner in node.get(keyword, {}).values():
            _polish(inner)
    for inner in (node.get("items"), node.get("additionalProperties"), *node.get("anyOf", ())):
        if isinstance(inner, dict):
            _polish(inner)


def _render(model: type[StrictModel]) -> str:
    return json.dumps(build_json_schema(model), ensure_ascii=False, indent=2) + "\n"


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--update", action="store_true", help="write the schemas")
    action.add_argument("--check", action="store_true", help="fail if a schema is not up to date")
    if parser.parse_args().update:
        update_schemas()
    outdated = outdated_schemas()
    for path in outdated:
        print(f"not up to date, run `make schemas`: {path}", file=sys.stderr)
    return int(bool(outdated))


if __name__ == "__main__":
    raise SystemExit(main())
