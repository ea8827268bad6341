"""Tests that docs/reference has a section with a valid example for every key of every file that people write."""

import re
from functools import cache
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from auditor.policy.schema.check import SchemaName, schema_document
from auditor.policy.schema.keys import all_keys
from tests.package.reference_pages import reference_pages

WRITTEN: tuple[SchemaName, ...] = tuple(name for name in get_args(SchemaName) if name != "result")
pages = cache(lambda: reference_pages(""))
HEADING = re.compile(r"^#+ `(.+)`$", re.MULTILINE)


def documented_keys(name: SchemaName) -> list[str]:
    """Return the keys that need a section for this file; operators and selectors have one page for all files."""
    shared = re.compile(
        r"\.(is|not|in|notIn|exists|matches|before|after)$|^decisions\.for\.users\.|extensionAttribute(?!1$)"
    )
    return [key.dotted for key in all_keys(name) if not shared.search(key.dotted)]


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN)
def test_every_key_has_a_section(name: SchemaName) -> None:
    drops = {"policy": (0, 1, 2), "policy-test": (0,), "tenants": (0,), "decisions": (0,)}[name]
    headings = {title.split(" to ")[0] for text in pages().values() for title in HEADING.findall(text)}
    missing = [
        key for key in documented_keys(name) if not headings & {".".join(key.split(".")[drop:]) for drop in drops}
    ]
    assert missing == []
    assert len(documented_keys(name)) > 15


@pytest.mark.parametrize("name", WRITTEN)
def test_every_key_is_described_with_an_example(name: SchemaName) -> None:
    keys = [key for key in all_keys(name) if not re.search(r"extensionAttribute(?!1$)", key.dotted)]
    assert [key.dotted for key in keys if not key.description.endswith((".", ":"))] == []
    assert [key.dotted for key in keys if not (key.examples or key.values)] == []


def property_schemas(node: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Return path and schema of all properties, recursively."""
    if isinstance(node, list):
        return [schema for item in node for schema in property_schemas(item, path)]
    if not isinstance(node, dict):
        return []
    properties = node.get("properties")
    direct = (
        [(f"{path}.{key}", item) for key, item in properties.items() if isinstance(item, dict)] if properties else []
    )
    nested = [
        schema for key, item in node.items() if key != "examples" for schema in property_schemas(item, f"{path}.{key}")
    ]
    return [*direct, *nested]


@pytest.mark.parametrize("name", WRITTEN)
def test_every_example_is_valid_for_its_key(name: SchemaName) -> None:
    document = schema_document(name)
    invalid = []
    for path, node in property_schemas(document):
        check = Draft202012Validator({**node, "$defs": document["$defs"]})
        invalid += [path for example in node.get("examples", ()) if not check.is_valid(example)]
    assert invalid == []
    assert any("examples" in node for _, node in property_schemas(document))


def test_reference_pages_list_permissions_and_keys_of_credential_types() -> None:
    assert "- Permissions: Reports.Read.All" in pages()["reference/selectors.md"]
    assert (
        "| `certificate` | `clientId`, `path` (one of these), `env` (one of these), `passwordEnv` (optional) |"
        in (pages()["reference/tenants.md"])
    )
