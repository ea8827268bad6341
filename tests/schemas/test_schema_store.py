"""The JSON Schemas for SchemaStore and editors: address, descriptions, valid examples and file patterns."""

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from auditor import __home__
from tests.builders.service.command_line import AS_OF, ROOT, call, expect

FILES = sorted((ROOT / "auditor" / "schemas").glob("*.json"))


def paths_without_description(node: Any, path: str = "") -> list[str]:
    """The paths of properties without a description, except in `if` and `then`, which repeat described properties."""
    paths: list[str] = []
    if isinstance(node, dict):
        properties = node.get("properties")
        if isinstance(properties, dict):
            paths += [
                f"{path}/{key}"
                for key, child in properties.items()
                if isinstance(child, dict) and "description" not in child
            ]
        children = {key: child for key, child in node.items() if key not in {"if", "then", "else", "examples"}}
        paths += [name for key, child in children.items() for name in paths_without_description(child, f"{path}/{key}")]
    elif isinstance(node, list):
        paths += [name for child in node for name in paths_without_description(child, path)]
    return paths


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_schema_has_its_address_and_descriptions(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    home = f"https://raw.githubusercontent.com/{__home__}/main/auditor/schemas"
    assert schema["$id"] == f"{home}/{path.name}"
    assert schema["title"]
    assert schema["description"]
    assert paths_without_description(schema) == []


@pytest.mark.parametrize("name", ["policy", "policy-test", "tenants"])
def test_schema_examples_are_valid(tmp_path: Path, name: str) -> None:
    schema = json.loads((ROOT / "auditor" / "schemas" / f"{name}.v1.json").read_text(encoding="utf-8"))
    assert schema["examples"]
    for example in schema["examples"]:
        assert list(Draft202012Validator(schema).iter_errors(example)) == []
        (tmp_path / "policies").mkdir(exist_ok=True)
        policy = json.loads((ROOT / "auditor" / "schemas" / "policy.v1.json").read_text(encoding="utf-8"))["examples"][
            0
        ]
        files = {"policy": "policies/a.yaml", "policy-test": "policies/a_test.yaml", "tenants": "tenants.yaml"}
        (tmp_path / files["policy"]).write_text(json.dumps(policy), encoding="utf-8")
        (tmp_path / files[name]).write_text(json.dumps(example), encoding="utf-8")
        tenants = ("--tenants", "tenants.yaml") if name == "tenants" else ()
        expect(0, "validate", "--strict", "--as-of", AS_OF, *tenants, "policies", cwd=tmp_path)
        if name == "policy-test":
            assert call("test", "policies", cwd=tmp_path).code == 0


def fits(path: str, patterns: list[str]) -> bool:
    """Whether a path matches a `fileMatch` of SchemaStore: at least one pattern, and none that begins with `!`."""
    matching = [pattern for pattern in patterns if fnmatch(f"/{path}", pattern.removeprefix("!").replace("**/", "*/"))]
    return bool(matching) and not any(pattern.startswith("!") for pattern in matching)


@pytest.mark.slow
def test_schema_store_entries_and_first_lines_of_files_name_the_same_schema(tmp_path: Path) -> None:
    entries = json.loads((ROOT / "docs" / "schemastore.json").read_text(encoding="utf-8"))
    addresses = {json.loads(path.read_text(encoding="utf-8"))["$id"]: path.name for path in FILES}
    assert all(set(entry) == {"name", "description", "fileMatch", "url"} for entry in entries)
    assert call("init", "--size", "large", "--assignment", "groups", cwd=tmp_path).code == 0
    files = {
        path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*.y*ml") if ".github" not in path.parts
    }
    in_first_line = {}
    for name, path in files.items():
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        if first.startswith("# yaml-language-server: $schema="):
            schema = path.parent / first.partition("=")[2]
            assert json.loads(schema.read_text(encoding="utf-8"))["title"]
            in_first_line[name] = schema.name
    in_schema_store = {
        name: [addresses[entry["url"]] for entry in entries if fits(name, entry["fileMatch"])] for name in files
    }
    assert {name: schemas[0] for name, schemas in in_schema_store.items() if len(schemas) == 1} == in_first_line
    assert set(in_first_line.values()) == {
        "policy.v1.json",
        "policy-test.v1.json",
        "decisions.v1.json",
        "tenants.v1.json",
    }
    assert {name for name, schemas in in_schema_store.items() if len(schemas) != 1} == {".pre-commit-config.yaml"}
