"""The schemas as SchemaStore and editors take them: found at their own address, told in words, with examples that hold."""

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from auditor import __home__
from tests.builders.service.command_line import ROOT, call

FILES = sorted((ROOT / "auditor" / "schemas").glob("*.json"))


def undescribed(node: Any, path: str = "") -> list[str]:
    """Every property of a mapping with a type that has no description; `if` and `then` only repeat what stands above."""
    found: list[str] = []
    if isinstance(node, dict):
        listed = node.get("properties")
        if isinstance(listed, dict):
            found += [
                f"{path}/{key}" for key, one in listed.items() if isinstance(one, dict) and "description" not in one
            ]
        inner = {key: one for key, one in node.items() if key not in {"if", "then", "else", "examples"}}
        found += [name for key, one in inner.items() for name in undescribed(one, f"{path}/{key}")]
    elif isinstance(node, list):
        found += [name for one in node for name in undescribed(one, path)]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_editor_finds_and_explains_it(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    home = f"https://raw.githubusercontent.com/{__home__}/main/auditor/schemas"
    assert schema["$id"] == f"{home}/{path.name}"
    assert schema["title"]
    assert schema["description"]
    assert undescribed(schema) == []


@pytest.mark.parametrize("name", ["policy", "policy-test", "tenants"])
def test_its_examples_hold(tmp_path: Path, name: str) -> None:
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
        ran = call("validate", "--strict", *tenants, "policies", cwd=tmp_path)
        assert ran.code == 0, ran.err
        if name == "policy-test":
            assert call("test", "policies", cwd=tmp_path).code == 0


def fits(path: str, patterns: list[str]) -> bool:
    """Whether a file of a folder matches a `fileMatch` of SchemaStore: some pattern, and none that begins with `!`."""
    hits = [one for one in patterns if fnmatch(f"/{path}", one.removeprefix("!").replace("**/", "*/"))]
    return bool(hits) and not any(one.startswith("!") for one in hits)


def test_the_catalogue_s_entries_and_the_first_lines_name_the_same_schema(tmp_path: Path) -> None:
    entries = json.loads((ROOT / "docs" / "schemastore.json").read_text(encoding="utf-8"))
    addresses = {json.loads(path.read_text(encoding="utf-8"))["$id"]: path.name for path in FILES}
    assert all(set(entry) == {"name", "description", "fileMatch", "url"} for entry in entries)
    assert call("init", "--size", "large", "--assignment", "groups", cwd=tmp_path).code == 0
    written = {
        path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*.y*ml") if ".github" not in path.parts
    }
    named = {}
    for name, path in written.items():
        first = path.read_text(encoding="utf-8").partition("\n")[0]
        if first.startswith("# yaml-language-server: $schema="):
            schema = path.parent / first.partition("=")[2]
            assert json.loads(schema.read_text(encoding="utf-8"))["title"]
            named[name] = schema.name
    found = {name: [addresses[entry["url"]] for entry in entries if fits(name, entry["fileMatch"])] for name in written}
    assert {name: schemas[0] for name, schemas in found.items() if len(schemas) == 1} == named
    assert set(named.values()) == {
        "policy.v1.json",
        "policy-test.v1.json",
        "decisions.v1.json",
        "tenants.v1.json",
    }
    assert {name for name, schemas in found.items() if len(schemas) != 1} == {".pre-commit-config.yaml"}
