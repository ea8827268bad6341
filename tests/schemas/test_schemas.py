"""The JSON Schemas: both validators agree, every error has a readable message, and every message is documented."""

import ast
import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from auditor import __home__, resources
from auditor.domain.enums import Source
from auditor.domain.errors import format_diagnostic
from auditor.domain.policy.selector import USER_PROPERTIES
from auditor.policy.schema.check import SchemaName, check, fits
from auditor.policy.schema.mistake import KINDS
from auditor.policy.yaml.reader import parse
from tests.builders.document.policy_documents import document_text

ROOT = Path(__file__).parents[2]
NAMES: tuple[SchemaName, ...] = ("policy", "policy-test", "tenants")
VALID: dict[SchemaName, Any] = {name: parse(document_text(name), file="f.yaml").value for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_documented_examples_are_valid(name: SchemaName) -> None:
    assert fits(VALID[name], name)


@pytest.mark.parametrize(("key", "word"), [("policy", "oneOf"), ("assignments", "anyOf"), ("subscriptions", "anyOf")])
def test_message_in_editors_names_every_alternative(key: str, word: str) -> None:
    # Editors show the message of the first alternative; without it, they name only the first key.
    alternatives = json.loads(resources.schema("policy"))["$defs"][key][word]
    names = [name for alternative in alternatives for name in alternative["required"]]
    *others, last = names
    assert alternatives[0]["errorMessage"].endswith(f" of {', '.join(others)} and {last}.")


POOL: list[Any] = [None, True, False, 0, -1, 1.5, 101, "", " ", "x", "5%", "101%", "90d", "*", "deny", "2027-01-31"]
POOL += [[], [[]], ["x"], [["x"]], [1], {}, {"x": 1}]
POOL += [{"withService": "x"}, {"is": None}, {"percent": 1}, {"within": "1d"}]
KEYS = ["x", "of", "allow", "users", "seats", "require", "any", "signal", "type", "graph", "tenants", "deny", "id"]


def paths(item: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path to a nested value, including the empty path."""
    inner = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
    return [path, *(deeper for step, value in inner for deeper in paths(value, (*path, step)))]


@st.composite
def changed(draw: st.DrawFn, name: SchemaName) -> Any:
    """A valid document with up to three values replaced, removed, added or renamed."""
    document = copy.deepcopy(VALID[name])
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(paths(document)))
        if not path:
            continue
        parent = document
        for step in path[:-1]:
            parent = parent[step]
        match draw(st.sampled_from(["replace", "remove", "add", "rename"])):
            case "replace":
                parent[path[-1]] = copy.deepcopy(draw(st.sampled_from(POOL)))
            case "remove":
                del parent[path[-1]]
            case "add" if isinstance(parent, dict):
                parent[draw(st.sampled_from(KEYS))] = copy.deepcopy(draw(st.sampled_from(POOL)))
            case "rename" if isinstance(parent, dict):
                parent[f"{path[-1]}s"] = parent.pop(path[-1])
    return document


UNTRANSLATED = re.compile(
    r"is not of type|required property|is not valid under|does not match '|Additional properties|does not fit"
)


@cache
def validator(name: SchemaName) -> Draft202012Validator:
    return Draft202012Validator(json.loads(resources.schema(name)))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_both_validators_agree_and_every_error_has_a_message(name: SchemaName, data: st.DataObject) -> None:
    document = data.draw(changed(name))
    valid = validator(name).is_valid(document)
    assert fits(document, name) is valid
    diagnostics = check(parse(json.dumps(document), file="f.yaml"), name)
    assert (diagnostics == ()) is valid
    for item in diagnostics:
        assert not UNTRANSLATED.search(item.message)
        assert item.slug.partition("-")[2] in KINDS
        assert item.span is not None
        assert format_diagnostic(item).startswith(f"f.yaml:1:{item.span.column}: error[{item.slug}]: ")


def schemas_within(schema: Any) -> list[dict[str, Any]]:
    """Every nested mapping of a schema."""
    if isinstance(schema, list):
        return [part for item in schema for part in schemas_within(item)]
    if not isinstance(schema, dict):
        return []
    return [schema, *(part for item in schema.values() for part in schemas_within(item))]


def test_schemas_list_every_property_of_users() -> None:
    policy, policy_test = (json.loads(resources.schema(name))["$defs"] for name in ("policy", "policy-test"))
    assert set(policy["property"]["enum"]) == set(USER_PROPERTIES), "correct `property` in policy.v1.json"
    assert set(USER_PROPERTIES) <= set(policy["selector"]["properties"]), "correct `selector` in policy.v1.json"
    assert set(USER_PROPERTIES) <= set(policy_test["user"]["properties"]), "correct `user` in policy-test.v1.json"


def test_schemas_list_every_source() -> None:
    result, policy_test = (json.loads(resources.schema(name))["$defs"] for name in ("result", "policy-test"))
    assert set(result["source"]["properties"]["name"]["enum"]) == set(Source), "correct `source` in result.v1.json"
    properties = {*USER_PROPERTIES, "agent", "assignedLicenses", "licenseAssignmentStates"}
    assert set(policy_test["fact"]["enum"]) == properties | set(Source), "correct `fact` in policy-test.v1.json"


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NAMES, "result"])
def test_schema_properties_have_titles_and_descriptions(name: str) -> None:
    schema = json.loads(resources.schema(name))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"https://raw.githubusercontent.com/{__home__}/main/auditor/schemas/{name}.v1.json"
    for part in schemas_within(schema):
        # In the `properties` of `then`, the value `true` only refers to a key that is described elsewhere.
        for key, member in part.get("properties", {}).items() if isinstance(part.get("properties"), dict) else ():
            if isinstance(member, dict) and "const" not in member:
                assert member.get("description"), f"{name}: {key}"
                assert name == "result" or member.get("title"), f"{name}: {key}"
        for branch in (*part.get("oneOf", ()), *part.get("anyOf", ())):
            assert set(branch) - {"errorMessage"} == {"required"}, (
                "errors in oneOf and anyOf over types have no readable message"
            )
        if name != "result" and "properties" in part and part.get("type") == "object":
            assert "additionalProperties" in part or "allOf" in part, part.get("$comment")


def test_every_message_has_a_section_in_the_documentation() -> None:
    used = {f"{prefix}-{kind}" for prefix in ("policy", "tenants") for kind in KINDS}
    used -= {f"tenants-{kind}" for kind in ("unknown-property", "no-constraint", "several-constraints")}
    for module in sorted((ROOT / "auditor" / "policy").glob("*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                used |= set(re.findall(r"\A(?:yaml|policy|prices|waiver)-[a-z-]+\Z", node.value))
    sections = set(
        re.findall(r"^### ([a-z-]+)$", (ROOT / "docs" / "messages.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert used - {"policy-test"} <= sections
